import { Alert, Link as Anchor, HStack, Stack, Text } from "@chakra-ui/react";
import { Check, X } from "lucide-react";
import { Link } from "react-router-dom";
import { toRun } from "@/address";
import { dataOf, POST } from "@/api/client";
import type { ModelDetail, PendingApproval } from "@/api/schema";
import { Instant } from "@/components/Instant";
import { ActionDialog } from "./ActionDialog";

/** The promotions that wait for a person. */
export const Approvals = ({ detail }: { detail: ModelDetail }) => (
  <>
    {detail.approvals.map((pending) => (
      <Pending detail={detail} key={pending.run_id} pending={pending} />
    ))}
  </>
);

const Pending = ({ detail, pending }: { detail: ModelDetail; pending: PendingApproval }) => {
  const may = detail.permissions.approve && pending.may_answer;
  return (
    <Alert.Root alignItems="flex-start" mb={4} status="warning">
      <Alert.Indicator />
      <Alert.Content>
        <Alert.Title>A promotion waits for approval</Alert.Title>
        <Stack gap={2}>
          <Text>
            {pending.subject} (since <Instant value={pending.since} />,{" "}
            <Anchor asChild color="fg.info">
              <Link to={toRun(pending.dag_id, pending.run_id)}>run {pending.run_id}</Link>
            </Anchor>
            )
          </Text>
          {may ? (
            <HStack wrap="wrap">
              <Answer answer="approve" detail={detail} pending={pending} />
              <Answer answer="reject" detail={detail} pending={pending} />
            </HStack>
          ) : (
            <Text fontSize="sm">
              {pending.approvers.length > 0
                ? `To be answered by ${pending.approvers.join(", ")}.`
                : "You are not allowed to answer."}
            </Text>
          )}
        </Stack>
      </Alert.Content>
    </Alert.Root>
  );
};

interface AnswerProps {
  answer: "approve" | "reject";
  detail: ModelDetail;
  pending: PendingApproval;
}

const Answer = ({ answer, detail: { model, timeline, champion }, pending: { run_id } }: AnswerProps) => {
  const yes = answer === "approve";
  return (
    <ActionDialog
      danger={!yes}
      effects={
        yes
          ? [
              `The challenger becomes champion on ${timeline}${champion ? ` in the place of version ${champion.version}` : ""}.`,
              "Your name and reason are kept in the ledger. If the champion has moved since, it is refused.",
            ]
          : ["The challenger is not promoted; the champion stays.", "Your name and reason are kept."]
      }
      icon={yes ? <Check aria-hidden size={14} /> : <X aria-hidden size={14} />}
      label={yes ? "Approve" : "Reject"}
      onSubmit={(reason) =>
        dataOf(POST("/api/models/{model}/approve", { params: { path: { model } }, body: { run_id, answer, reason } }))
      }
      title={yes ? `Approve the promotion of ${model}` : `Reject the promotion of ${model}`}
    />
  );
};

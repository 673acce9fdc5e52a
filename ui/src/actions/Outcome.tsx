import { Alert, Link as Anchor, HStack, Spinner, Stack, Text } from "@chakra-ui/react";
import { Link } from "react-router-dom";
import { toRun } from "@/address";
import { hasEnded, useLedger, useRun } from "@/api/queries";
import type { Accepted } from "@/api/schema";
import { Failure } from "@/components/States";

/** The state of the run of an accepted request, until it has ended. */
export const Outcome = ({ accepted }: { accepted: Accepted }) => {
  const run = useRun(accepted);
  const ended = run.data !== undefined && hasEnded(run.data);
  return (
    <Stack aria-live="polite" gap={3} role="status">
      {run.error ? <Failure error={run.error} what="state of the run" /> : null}
      {run.error || ended ? null : (
        <HStack>
          <Spinner aria-hidden size="sm" />
          <Text>Airflow accepted the request; the run is {run.data ?? "queued"}.</Text>
        </HStack>
      )}
      {run.data === "success" ? (
        <Alert.Root status="success">
          <Alert.Indicator />
          <Alert.Title>The run succeeded.</Alert.Title>
        </Alert.Root>
      ) : null}
      {run.data === "failed" ? <Refusal accepted={accepted} /> : null}
      <Text fontSize="sm">
        <Anchor asChild color="fg.info">
          <Link to={toRun(accepted.dag_id, accepted.run_id)}>
            Run {accepted.run_id} of {accepted.dag_id}
          </Link>
        </Anchor>
      </Text>
    </Stack>
  );
};

// The operation writes why it refused; if the run failed before that, see its log.
const Refusal = ({ accepted: { model, timeline, at } }: { accepted: Accepted }) => {
  const refusals = useLedger({ model, timeline, since: at, action: ["refuse"], limit: 1 });
  const why = refusals.data?.rows[0]?.reason;
  return (
    <Alert.Root status="error">
      <Alert.Indicator />
      <Alert.Content>
        <Alert.Title>The run failed; nothing was moved that the ledger does not show.</Alert.Title>
        <Alert.Description>{why ?? "See the log of the run."}</Alert.Description>
      </Alert.Content>
    </Alert.Root>
  );
};

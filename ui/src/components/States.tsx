import { Alert, Button, EmptyState, Link, Skeleton, Stack, Text } from "@chakra-ui/react";
import { Inbox, Lock } from "lucide-react";
import type { ReactNode } from "react";
import { withinAirflow } from "@/api/client";
import { Problem } from "@/api/problem";
import { queryClient } from "@/api/queries";
import { Facts } from "./Facts";

/** Grey lines where the content will be. */
export const Loading = ({ what, lines = 4 }: { what: string; lines?: number }) => (
  <Stack aria-busy="true" aria-label={`Loading ${what}`} gap={3} py={2} role="status">
    {Array.from({ length: lines }, (_, line) => `line ${line}`).map((key) => (
      <Skeleton height="1.4rem" key={key} />
    ))}
  </Stack>
);

/** Nothing is there, and what to do about it. */
export const Empty = ({
  title,
  children,
  icon = <Inbox />,
}: {
  title: string;
  children: ReactNode;
  icon?: ReactNode;
}) => (
  <EmptyState.Root size="sm">
    <EmptyState.Content>
      <EmptyState.Indicator aria-hidden>{icon}</EmptyState.Indicator>
      <EmptyState.Title>{title}</EmptyState.Title>
      <EmptyState.Description maxW="34rem" textAlign="center">
        {children}
      </EmptyState.Description>
    </EmptyState.Content>
  </EmptyState.Root>
);

/** An error of the API: what must hold, what came, and how to fix it. */
export const Failure = ({ error, what }: { error: unknown; what: string }) => {
  const problem = Problem.of(error);
  if (problem.status === 401) return <SignedOut what={what} />;
  if (problem.status === 403) return <Forbidden problem={problem} what={what} />;
  if (problem.status === 404) return <ProblemAlert problem={problem} title={`This ${what} does not exist`} />;
  return (
    <ProblemAlert problem={problem} title={`The ${what} could not be shown`}>
      <Button alignSelf="flex-start" mt={2} onClick={tryAgain} size="xs" variant="outline">
        Try again
      </Button>
    </ProblemAlert>
  );
};

const tryAgain = () => queryClient.refetchQueries({ predicate: ({ state }) => state.status === "error" });

interface ProblemProps {
  problem: Problem;
  title: string;
  children?: ReactNode;
}

/** The three parts of an error, and where to look. */
export const ProblemAlert = ({ problem, title, children }: ProblemProps) => (
  <Alert.Root alignItems="flex-start" role="alert" status="error">
    <Alert.Indicator />
    <Alert.Content minW={0}>
      <Alert.Title>{title}</Alert.Title>
      <Facts
        facts={[
          ["Must hold", problem.must],
          problem.got ? ["Got", problem.got] : null,
          problem.fix ? ["What to do", problem.fix] : null,
          problem.link
            ? [
                "See",
                <OutLink href={withinAirflow(problem.link)} key="link">
                  {problem.link}
                </OutLink>,
              ]
            : null,
        ]}
      />
      {children}
    </Alert.Content>
  </Alert.Root>
);

const Forbidden = ({ problem, what }: { problem: Problem; what: string }) => (
  <Empty icon={<Lock />} title={`You may not see this ${what}`}>
    <Text as="span">
      {problem.got ? `${problem.got}. ` : ""}
      {problem.fix || "Ask an administrator for read access to the pipeline's DAG."}
    </Text>
  </Empty>
);

const SignedOut = ({ what }: { what: string }) => (
  <Empty icon={<Lock />} title="You are signed out">
    <OutLink href={withinAirflow(`api/v2/auth/login?next=${encodeURIComponent(globalThis.location.href)}`)}>
      Sign in
    </OutLink>{" "}
    to see the {what}.
  </Empty>
);

/** A link out of these pages, to Airflow or to MLflow; only http(s) and paths become links. */
export const OutLink = ({ href, children }: { href: string; children: ReactNode }) =>
  /^(https?:)?\/(?!\/)|^https?:\/\//.test(href) ? (
    <Link color="fg.info" href={href}>
      {children}
    </Link>
  ) : (
    children
  );

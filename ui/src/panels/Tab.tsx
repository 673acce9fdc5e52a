import { Box } from "@chakra-ui/react";
import type { ReactNode } from "react";
import { Problem } from "@/api/problem";
import { Empty, Failure, Loading } from "@/components/States";

interface Props {
  what: string;
  error: unknown;
  data?: unknown;
  /** What is shown where the API knows nothing of it. */
  none: ReactNode;
  children: ReactNode;
}

/** What the tabs share: waiting, failing, and having nothing to show. */
export const Tab = ({ what, error, data, none, children }: Props) => (
  <Box data-testid="retrain" maxW="1100px" p={4}>
    {error ? Problem.of(error).status === 404 ? none : <Failure error={error} what={what} /> : null}
    {error || data ? null : <Loading what={what} />}
    {children}
  </Box>
);

export const OfNoPipeline = ({ dagId }: { dagId: string }) => (
  <Empty title="Nothing to show">{dagId} is no pipeline of a model, or it has not decided anything yet.</Empty>
);

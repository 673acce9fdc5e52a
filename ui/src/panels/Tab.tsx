import { Box } from "@chakra-ui/react";
import type { ReactNode } from "react";
import { Problem } from "@/api/problem";
import { Empty, Failure, Loading } from "@/components/States";

interface Props {
  what: string;
  error: unknown;
  data?: unknown;
  /** Shown if the API has no data. */
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
  <Empty title="Nothing to show">{dagId} does not train a model, or it has no decision yet.</Empty>
);

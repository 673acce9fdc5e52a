import { List } from "@chakra-ui/react";
import { QueryClientProvider } from "@tanstack/react-query";
import { toRetrain } from "@/address";
import { queryClient, useDecisions } from "@/api/queries";
import type { DecisionPoint } from "@/api/schema";
import { ChoiceBadge } from "@/components/Badges";
import { Facts } from "@/components/Facts";
import { Gain } from "@/components/Gain";
import { Instant } from "@/components/Instant";
import { PageLink } from "@/components/PageLink";
import { Panel } from "@/components/Panel";
import { Empty } from "@/components/States";
import { metric, NOTHING } from "@/format";
import { OfNoPipeline, Tab } from "./Tab";

/** On a DAG run's page: what it decided, with the way to the scorecard. */
export const DecisionTab = ({ dagId = "", runId = "" }: { dagId?: string; runId?: string }) => (
  <QueryClientProvider client={queryClient}>
    <Decisions dagId={dagId} runId={runId} />
  </QueryClientProvider>
);

const Decisions = ({ dagId, runId }: { dagId: string; runId: string }) => {
  const { data, error } = useDecisions(dagId, runId);
  return (
    <Tab error={error} none={<OfNoPipeline dagId={dagId} />} what="decision" {...(data ? { data } : {})}>
      {data?.decisions.length === 0 ? (
        <Empty title="Nothing was decided by this run yet">
          A run of a pipeline stores a decision at its end, even if a step failed.
        </Empty>
      ) : null}
      {data?.decisions.map((decision) => (
        <Decided decision={decision} key={decision.id} />
      ))}
    </Tab>
  );
};

const Decided = ({ decision }: { decision: DecisionPoint }) => (
  <Panel
    aside={<PageLink to={toRetrain(decision.model, decision.id)}>Scorecard</PageLink>}
    title={`Decision as of ${decision.as_of.slice(0, 10)}`}
  >
    <Facts
      facts={[
        ["Decision", <ChoiceBadge choice={decision.choice} key="choice" />],
        [
          "Why",
          <List.Root key="why" listStyle="none">
            {decision.reasons.map((part) => (
              <List.Item key={part}>{part}</List.Item>
            ))}
          </List.Root>,
        ],
        ["Challenger", decision.version === null ? "none was made" : `version ${decision.version}`],
        [
          decision.metric || "Metric",
          `${metric(decision.challenger_value)}, opponent ${metric(decision.opponent_value)}`,
        ],
        ["Gain [interval]", <Gain decision={decision} key="gain" />],
        ["Timeline", decision.timeline],
        ["Decided", decision.at ? <Instant key="at" value={decision.at} /> : NOTHING],
      ]}
    />
  </Panel>
);

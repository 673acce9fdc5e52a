import { QueryClientProvider } from "@tanstack/react-query";
import { PRODUCTION, toModel, toRetrain } from "@/address";
import { queryClient, useModel } from "@/api/queries";
import { MetricChart } from "@/charts/MetricChart";
import { ChoiceBadge, FrozenBadge } from "@/components/Badges";
import { Facts } from "@/components/Facts";
import { Gain } from "@/components/Gain";
import { Instant } from "@/components/Instant";
import { PageLink } from "@/components/PageLink";
import { Panel } from "@/components/Panel";
import { OfNoPipeline, Tab } from "./Tab";

/** On a DAG's page: the champion of its pipeline, with the way to the pages. */
export const ChampionTab = ({ dagId = "" }: { dagId?: string }) => (
  <QueryClientProvider client={queryClient}>
    <Champion dagId={dagId} />
  </QueryClientProvider>
);

const Champion = ({ dagId }: { dagId: string }) => {
  const { data, error } = useModel(dagId, PRODUCTION);
  const last = data?.decisions.at(-1);
  return (
    <Tab error={error} none={<OfNoPipeline dagId={dagId} />} what="champion" {...(data ? { data } : {})}>
      {data ? (
        <>
          <Panel
            aside={<PageLink to={toModel(data.model)}>All of {data.model}</PageLink>}
            title={data.champion ? `Champion: version ${data.champion.version}` : "No champion yet"}
          >
            <Facts
              facts={[
                ["Knows until", <Instant key="as of" value={data.champion?.as_of} />],
                ["Live since", <Instant key="since" value={data.champion?.since} />],
                last
                  ? [
                      "Last decision",
                      <PageLink key="last" label={`Last decision: ${last.choice}`} to={toRetrain(last.model, last.id)}>
                        <ChoiceBadge choice={last.choice} /> as of <Instant bare value={last.as_of} />
                      </PageLink>,
                    ]
                  : null,
                last?.gain ? ["Gain [interval]", <Gain decision={last} key="gain" />] : null,
                data.freeze ? ["State", <FrozenBadge key="frozen" />] : null,
              ]}
            />
          </Panel>
          <Panel title={`${data.metric || "Metric"} over as-of`}>
            <MetricChart
              champion={data.champion?.version ?? null}
              decisions={data.decisions}
              greaterIsBetter={data.greater_is_better}
              metric={data.metric}
            />
          </Panel>
        </>
      ) : null}
    </Tab>
  );
};

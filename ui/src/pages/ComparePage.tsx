import { HStack, SimpleGrid, Text } from "@chakra-ui/react";
import { useParams } from "react-router-dom";
import { PRODUCTION, toModel, toModels, toRetrain } from "@/address";
import { useComparison, useModel } from "@/api/queries";
import type { Comparison, MetricOfTwo, ModelDetail, VersionView } from "@/api/schema";
import { ChoiceBadge } from "@/components/Badges";
import { type Column, DataTable } from "@/components/DataTable";
import { Changes, chunkColumns } from "@/components/Differences";
import { Digest } from "@/components/Digest";
import { Facts } from "@/components/Facts";
import { SelectFilter } from "@/components/Filter";
import { Instant } from "@/components/Instant";
import { Missing } from "@/components/Missing";
import { PageFrame } from "@/components/PageFrame";
import { PageLink } from "@/components/PageLink";
import { Panel } from "@/components/Panel";
import { Empty, Failure, Loading, OutLink } from "@/components/States";
import { count, difference, instant, metric } from "@/format";
import { useSearch, wholeNumber } from "@/search";

/** Any two versions of a model beside each other. */
export const ComparePage = () => {
  const { model = "" } = useParams();
  const [search, change] = useSearch();
  const timeline = search.get("timeline") ?? PRODUCTION;
  const [a, b] = [wholeNumber(search.get("a"), 0, 1), wholeNumber(search.get("b"), 0, 1)];
  const known = useModel(model, timeline);
  const { data, error } = useComparison(model, a && b ? { a, b } : null, timeline);
  const options = known.data ? versionsOf(known.data) : [];
  return (
    <PageFrame
      crumbs={[
        { label: "Models", to: toModels(timeline) },
        { label: model, to: toModel(model, timeline) },
      ]}
      title={a && b ? `Version ${a} and version ${b}` : "Compare versions"}
    >
      {known.error ? <Failure error={known.error} what="model" /> : null}
      {known.data ? (
        <HStack align="end" gap={3} mb={4} wrap="wrap">
          <SelectFilter
            label="Version a"
            onChange={(value) => change({ a: value })}
            options={withGiven(options, a)}
            value={a ? String(a) : ""}
          />
          <SelectFilter
            label="Version b"
            onChange={(value) => change({ b: value })}
            options={withGiven(options, b)}
            value={b ? String(b) : ""}
          />
        </HStack>
      ) : null}
      {!(a && b) ? <Empty title="Choose two versions">Each retrain that trained something made one.</Empty> : null}
      {error && !known.error ? <Failure error={error} what="comparison" /> : null}
      {a && b && !(data || error || known.error) ? <Loading lines={8} what="comparison" /> : null}
      {data ? <Compared comparison={data} /> : null}
    </PageFrame>
  );
};

const versionsOf = ({ decisions, moves, champion }: ModelDetail): (readonly [string, string])[] => {
  const asOf = new Map([...moves, ...decisions].map(({ version, as_of }) => [version, as_of]));
  return [...asOf]
    .filter((entry): entry is [number, string] => entry[0] !== null)
    .sort(([one], [other]) => other - one)
    .map(([version, at]) => [
      String(version),
      `v${version}, as of ${instant(at)}${version === champion?.version ? ", champion" : ""}`,
    ]);
};

/** The choice as it is, also where the address names a version that the list does not have. */
const withGiven = (options: readonly (readonly [string, string])[], given: number): (readonly [string, string])[] => {
  const start = options.some(([key]) => key === String(given))
    ? []
    : [given ? ([String(given), `v${given}`] as const) : (["", "choose"] as const)];
  return [...start, ...options];
};

const Compared = ({
  comparison: { model, a, b, same_rows, metrics, changes, changed, unavailable },
}: {
  comparison: Comparison;
}) => (
  <>
    <Missing parts={unavailable} />
    <SimpleGrid columns={{ base: 1, lg: 2 }} gap={{ base: 0, lg: 4 }}>
      <Version model={model} version={a} />
      <Version model={model} version={b} />
    </SimpleGrid>
    <Panel title="Metrics">
      <Text color={same_rows ? "fg.muted" : "warning.fg"} fontSize="sm" mb={2}>
        {same_rows
          ? "Both were measured on the same rows."
          : "Each was measured on its own holdout, so the numbers do not say which one is better."}
      </Text>
      <DataTable
        caption={`Metrics of version ${a.version} and version ${b.version}`}
        columns={metricColumns(a.version, b.version, same_rows)}
        rowKey={({ name }) => name}
        rows={metrics}
      />
    </Panel>
    <Panel title={`What changed from v${a.version} to v${b.version}`}>
      <Changes changes={changes} />
    </Panel>
    {changed.length > 0 ? (
      <Panel title="Periods whose rows differ">
        <DataTable
          caption="Periods whose rows differ"
          columns={chunkColumns(`Rows of v${a.version}`, `Rows of v${b.version}`)}
          rowKey={({ start }) => start}
          rows={changed}
        />
      </Panel>
    ) : null}
  </>
);

const Version = ({ model, version: view }: { model: string; version: VersionView }) => (
  <Panel aside={view.choice ? <ChoiceBadge choice={view.choice} /> : null} title={`Version ${view.version}`}>
    <Facts
      facts={[
        ["As of", <Instant key="as of" value={view.as_of} />],
        ["Live", view.live.length > 0 ? view.live.map(instant).join(", ") : "never"],
        [
          "Why",
          view.decision_id ? (
            <PageLink key="why" to={toRetrain(model, view.decision_id)}>
              {view.reason}
            </PageLink>
          ) : (
            view.reason
          ),
        ],
        ["Rows", `${count(view.train_rows)} to train, ${count(view.holdout_rows)} held out`],
        ["Snapshot", <Digest key="snapshot" value={view.snapshot} />],
        ["Key", <Digest key="key" value={view.key} />],
        view.dag_run
          ? [
              "DAG run",
              <PageLink key="run" to={`/${view.dag_run.replace(/^\//, "")}`}>
                open
              </PageLink>,
            ]
          : null,
        view.mlflow_run
          ? [
              "MLflow run",
              <OutLink href={view.mlflow_run} key="mlflow">
                open
              </OutLink>,
            ]
          : null,
      ]}
    />
  </Panel>
);

const metricColumns = (a: number, b: number, comparable: boolean): Column<MetricOfTwo>[] => [
  { key: "name", header: "Metric", rowHeader: true, cell: ({ name }) => name },
  { key: "a", header: `v${a}`, numeric: true, cell: (row) => metric(row.a) },
  { key: "b", header: `v${b}`, numeric: true, cell: (row) => metric(row.b) },
  {
    key: "difference",
    header: "Difference",
    numeric: true,
    cell: (row) => {
      if (row.a === null || row.b === null) return difference(null);
      const change = row.b - row.a;
      const better = change !== 0 && comparable ? (change > 0 === row.greater_is_better ? " better" : " worse") : "";
      return `${difference(change, row.a)}${better}`;
    },
  },
];

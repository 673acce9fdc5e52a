import { Box, Code, HStack, List, Stack, Text } from "@chakra-ui/react";
import { type ReactNode, useState } from "react";
import { useParams } from "react-router-dom";
import { PRODUCTION, toCompare, toModel, toModels } from "@/address";
import { withinAirflow } from "@/api/client";
import { useRetrain } from "@/api/queries";
import type { Change, ChunkChange, MetricPair, RetrainDetail, SliceView, VerdictView } from "@/api/schema";
import { CalibrationChart } from "@/charts/CalibrationChart";
import { VerdictPlot } from "@/charts/VerdictPlot";
import { ChoiceBadge, OutcomeBadge } from "@/components/Badges";
import { type Column, DataTable, type Sort } from "@/components/DataTable";
import { Digest } from "@/components/Digest";
import { Facts } from "@/components/Facts";
import { SelectFilter } from "@/components/Filter";
import { Instant } from "@/components/Instant";
import { Missing } from "@/components/Missing";
import { PageFrame } from "@/components/PageFrame";
import { PageLink } from "@/components/PageLink";
import { Panel } from "@/components/Panel";
import { Failure, Loading, OutLink } from "@/components/States";
import { count, difference, instant, interval, metric, NOTHING } from "@/format";

/** One retrain: what was decided and why, in the first screen; then what it rests on. */
export const RetrainPage = () => {
  const { model = "", decision = "" } = useParams();
  const { data, error } = useRetrain(model, decision);
  const title = data ? `Retrain as of ${instant(data.decision.as_of)}` : "Retrain";
  const timeline = data?.decision.timeline;
  return (
    <PageFrame
      crumbs={[
        { label: "Models", to: toModels(timeline) },
        { label: model, to: toModel(model, timeline) },
      ]}
      marks={data ? <ChoiceBadge choice={data.decision.choice} /> : null}
      title={title}
    >
      {error ? <Failure error={error} what="retrain" /> : null}
      {!(data || error) ? <Loading lines={10} what="retrain" /> : null}
      {data ? <Detail detail={data} /> : null}
    </PageFrame>
  );
};

const Detail = ({ detail }: { detail: RetrainDetail }) => {
  const { decision, verdicts, scorecard, data, changes, compared_with: before, unavailable } = detail;
  const opponent =
    decision.opponent === "champion" ? `champion v${decision.champion_version}` : (decision.opponent ?? "opponent");
  return (
    <>
      <Decided detail={detail} />
      <Missing parts={unavailable} />
      {verdicts.length > 0 ? (
        <Panel title="Gates">
          <DataTable
            caption="What each gate said"
            columns={VERDICT_COLUMNS}
            rowKey={({ gate }) => gate}
            rows={verdicts}
          />
        </Panel>
      ) : null}
      {scorecard ? (
        <Panel
          aside={
            <Text color="fg.muted" fontSize="sm">
              on the same {count(scorecard.rows)} holdout rows
              {scorecard.cut > 0 ? `; ${count(scorecard.cut)} left out, the champion was trained on them` : ""}
            </Text>
          }
          title="Metrics"
        >
          {scorecard.why_no_opponent ? <Text mb={2}>No opponent: {scorecard.why_no_opponent}.</Text> : null}
          <DataTable
            caption={`Metrics of challenger and ${opponent}`}
            columns={metricColumns(opponent)}
            rowKey={({ name }) => name}
            rows={scorecard.metrics}
          />
        </Panel>
      ) : null}
      {scorecard && scorecard.slices.length > 0 ? (
        <Slices metric={decision.metric} opponent={opponent} slices={scorecard.slices} />
      ) : null}
      {scorecard && scorecard.calibration.length > 0 ? (
        <Panel title="Calibration">
          <CalibrationChart curves={scorecard.calibration} opponent={opponent} />
        </Panel>
      ) : null}
      {data ? <Data data={data} /> : null}
      {before === null ? null : (
        <Panel
          aside={
            decision.version === null ? null : (
              <PageLink to={toCompare(decision.model, { a: before, b: decision.version }, decision.timeline)}>
                Compare the two versions
              </PageLink>
            )
          }
          title={`What differs from champion v${before}`}
        >
          <Changes changes={changes} />
        </Panel>
      )}
    </>
  );
};

const Decided = ({ detail: { decision, actor, request_reason, key, links } }: { detail: RetrainDetail }) => (
  <Stack borderWidth="1px" gap={3} mb={4} p={4} rounded="md">
    <Reason text={decision.reason} failedStep={decision.failed_step} />
    <Facts
      facts={[
        ["Challenger", decision.version === null ? "none was made" : `version ${decision.version}`],
        ["Champion then", decision.champion_version === null ? "none yet" : `version ${decision.champion_version}`],
        ["Decided", <Instant key="at" value={decision.at} />],
        ["Asked for by", request_reason ? `${actor}: ${request_reason}` : actor || NOTHING],
        decision.timeline === PRODUCTION ? null : ["Timeline", decision.timeline],
        ["Key", <Digest key="key" value={key} />],
      ]}
    />
    <HStack fontSize="sm" gap={4} wrap="wrap">
      <Within href={links.dag_run}>DAG run</Within>
      <Within href={links.validation}>Validation of the data</Within>
      {links.mlflow_run ? <OutLink href={links.mlflow_run}>MLflow run</OutLink> : null}
      {links.model_version ? <OutLink href={links.model_version}>Version in MLflow</OutLink> : null}
    </HStack>
  </Stack>
);

const Reason = ({ text, failedStep }: { text: string; failedStep: string }) => {
  const parts = text.split("; ");
  return (
    <Box>
      {failedStep ? <Text fontWeight="medium">The step “{failedStep}” failed.</Text> : null}
      {parts.length === 1 ? (
        <Text fontSize="md">{text}</Text>
      ) : (
        <List.Root fontSize="md" ps={5}>
          {parts.map((part) => (
            <List.Item key={part}>{part}</List.Item>
          ))}
        </List.Root>
      )}
    </Box>
  );
};

// The API gives paths below Airflow's base; the router keeps such a move within the page.
const Within = ({ href, children }: { href: string | null; children: ReactNode }) => {
  if (!href) return null;
  return withinAirflow(href).startsWith(document.baseURI) ? (
    <PageLink to={`/${href.replace(/^\//, "")}`}>{children}</PageLink>
  ) : (
    <OutLink href={href}>{children}</OutLink>
  );
};

const VERDICT_COLUMNS: Column<VerdictView>[] = [
  { key: "gate", header: "Gate", rowHeader: true, cell: ({ gate }) => <Code background="transparent">{gate}</Code> },
  { key: "outcome", header: "Verdict", cell: ({ outcome }) => <OutcomeBadge outcome={outcome} /> },
  {
    key: "value",
    header: "Value",
    numeric: true,
    cell: ({ value, bound, interval: ends }) => (
      <>
        {ends ? difference(value, bound) : metric(value)}
        {ends ? (
          <Text color="fg.muted" fontSize="xs">
            {interval(ends.low, ends.high, bound)}
          </Text>
        ) : null}
      </>
    ),
  },
  { key: "bound", header: "Bound", numeric: true, cell: ({ bound }) => metric(bound) },
  { key: "plot", header: "Value against bound", cell: (verdict) => <VerdictPlot verdict={verdict} /> },
  {
    key: "reason",
    header: "Why",
    wrap: true,
    cell: ({ reason }) => (
      <Text maxW="40rem" minW="16rem">
        {reason}
      </Text>
    ),
  },
];

/** How much better the challenger is; positive is always better. */
const gainOf = ({ challenger, opponent, greater_is_better: greater }: MetricPair): number | null =>
  challenger === null || opponent === null ? null : (challenger - opponent) * (greater ? 1 : -1);

const metricColumns = (opponent: string): Column<MetricPair>[] => [
  {
    key: "name",
    header: "Metric",
    rowHeader: true,
    cell: ({ name, greater_is_better: greater }) => (
      <>
        {name}{" "}
        <Text as="span" color="fg.muted" fontSize="xs" fontWeight="normal">
          {greater ? "more is better" : "less is better"}
        </Text>
      </>
    ),
  },
  { key: "challenger", header: "Challenger", numeric: true, cell: ({ challenger }) => metric(challenger) },
  { key: "opponent", header: capitalised(opponent), numeric: true, cell: (pair) => metric(pair.opponent) },
  {
    key: "gain",
    header: "Gain",
    numeric: true,
    cell: (pair) => <Signed value={gainOf(pair)} scale={pair.opponent} />,
  },
];

const Signed = ({ value, scale }: { value: number | null; scale: number | null }) => (
  <Text as="span" color={value !== null && value < 0 ? "error.fg" : "inherit"}>
    {difference(value, scale)}
  </Text>
);

interface SlicesProps {
  slices: readonly SliceView[];
  metric: string;
  opponent: string;
}

const MOST = 25;

const Slices = ({ slices, metric: primary, opponent }: SlicesProps) => {
  const names = [...new Set(slices.flatMap((slice) => slice.metrics.map(({ name }) => name)))];
  const columns = [...new Set(slices.map(({ column }) => column))];
  const [name, setName] = useState(names.includes(primary) ? primary : (names[0] ?? ""));
  const [column, setColumn] = useState("");
  const [sort, setSort] = useState<Sort>({ by: "gain", descending: false });
  const [all, setAll] = useState(false);
  const rows = sorted(
    slices.filter((slice) => column === "" || slice.column === column).map((slice) => sliceRow(slice, name)),
    sort,
  );
  return (
    <Panel
      aside={
        <HStack align="end" gap={3} wrap="wrap">
          <SelectFilter
            label="Metric"
            onChange={setName}
            options={names.map((key) => [key, key] as const)}
            value={name}
          />
          {columns.length > 1 ? (
            <SelectFilter
              label="Column"
              onChange={setColumn}
              options={[["", "all"] as const, ...columns.map((key) => [key, key] as const)]}
              value={column}
            />
          ) : null}
        </HStack>
      }
      title="Slices"
    >
      <DataTable
        caption={`${name} by slice, challenger and ${opponent}`}
        columns={sliceColumns(opponent)}
        onSort={setSort}
        rowKey={({ slice }) => `${slice.column}=${slice.value}`}
        rows={all ? rows : rows.slice(0, MOST)}
        sort={sort}
      />
      {rows.length > MOST && !all ? (
        <Text fontSize="sm" mt={2}>
          {MOST} of {count(rows.length)} slices.{" "}
          <Box asChild color="fg.info" cursor="pointer" textDecoration="underline">
            <button onClick={() => setAll(true)} type="button">
              Show all
            </button>
          </Box>
        </Text>
      ) : null}
    </Panel>
  );
};

interface SliceRow {
  slice: SliceView;
  pair: MetricPair | undefined;
  gain: number | null;
}

const sliceRow = (slice: SliceView, name: string): SliceRow => {
  const pair = slice.metrics.find((candidate) => candidate.name === name);
  return { slice, pair, gain: pair ? gainOf(pair) : null };
};

const SLICE_ORDER: Record<string, (row: SliceRow) => number | string | null> = {
  slice: ({ slice }) => `${slice.column}=${slice.value}`,
  rows: ({ slice }) => slice.rows,
  gain: ({ gain }) => gain,
};

/** Rows in order; those without a number come last, whichever way round. */
const sorted = (rows: readonly SliceRow[], { by, descending }: Sort): SliceRow[] => {
  const value = SLICE_ORDER[by] ?? (() => null);
  return rows.toSorted((one, other) => {
    const [a, b] = [value(one), value(other)];
    if (a === null || b === null) return (a === null ? 1 : 0) - (b === null ? 1 : 0);
    return (a < b ? -1 : a > b ? 1 : 0) * (descending ? -1 : 1);
  });
};

const sliceColumns = (opponent: string): Column<SliceRow>[] => [
  {
    key: "slice",
    header: "Slice",
    sortKey: "slice",
    rowHeader: true,
    wrap: true,
    cell: ({ slice }) => `${slice.column} = ${slice.value}`,
  },
  { key: "rows", header: "Rows", sortKey: "rows", numeric: true, cell: ({ slice }) => count(slice.rows) },
  { key: "challenger", header: "Challenger", numeric: true, cell: ({ pair }) => metric(pair?.challenger) },
  { key: "opponent", header: capitalised(opponent), numeric: true, cell: ({ pair }) => metric(pair?.opponent) },
  {
    key: "gain",
    header: "Gain",
    sortKey: "gain",
    numeric: true,
    cell: ({ gain, pair }) => <Signed scale={pair?.opponent ?? null} value={gain} />,
  },
];

const Data = ({ data }: { data: NonNullable<RetrainDetail["data"]> }) => (
  <Panel title="Data">
    <Facts
      facts={[
        [
          "Train",
          `${instant(data.train_start)} to ${instant(data.holdout_start)} by ${data.event_time}: ${count(data.train_rows)} rows`,
        ],
        ["Holdout", `${instant(data.holdout_start)} to ${instant(data.end)}: ${count(data.holdout_rows)} rows`],
        ["Snapshot", <Digest key="snapshot" value={data.snapshot} />],
        [
          "Size",
          `${(data.bytes / 1e6).toFixed(1)} MB in ${count(data.chunks)} chunks, ${count(data.columns.length)} columns`,
        ],
        data.columns_added.length > 0 ? ["Columns added", data.columns_added.join(", ")] : null,
        data.columns_removed.length > 0 ? ["Columns removed", data.columns_removed.join(", ")] : null,
      ]}
    />
    {data.champion_snapshot ? (
      <Box mt={4}>
        <Text fontWeight="medium" mb={2}>
          Periods that differ from the champion's snapshot <Digest value={data.champion_snapshot} />
        </Text>
        {data.changed.length === 0 ? (
          <Text color="fg.muted">None: both rest on the same rows.</Text>
        ) : (
          <DataTable
            caption="Periods whose rows differ"
            columns={chunkColumns("Champion's rows", "Rows here")}
            rowKey={({ start }) => start}
            rows={data.changed}
          />
        )}
      </Box>
    ) : null}
  </Panel>
);

/** Columns for periods whose rows differ. */
export const chunkColumns = (before: string, after: string): Column<ChunkChange>[] => [
  {
    key: "period",
    header: "Period",
    rowHeader: true,
    cell: ({ start, end }) => `${instant(start)} to ${instant(end)}`,
  },
  { key: "before", header: before, numeric: true, cell: ({ champion_rows: rows }) => count(rows) },
  { key: "after", header: after, numeric: true, cell: ({ rows }) => count(rows) },
  {
    key: "difference",
    header: "Difference",
    numeric: true,
    cell: ({ rows, champion_rows: old }) => {
      if (rows === null) return "gone";
      if (old === null) return "new";
      return rows === old ? "other rows" : difference(rows - old, 1_000);
    },
  },
];

const KINDS: Record<Change["kind"], string> = {
  param: "Parameter",
  data: "Data",
  code: "Code",
  lock: "Packages",
  spec: "Spec",
};

/** What is not as it was. */
export const Changes = ({ changes }: { changes: readonly Change[] }) =>
  changes.length === 0 ? (
    <Text color="fg.muted">Nothing: parameters, data, code, packages and spec are the same.</Text>
  ) : (
    <DataTable
      caption="What differs"
      columns={CHANGE_COLUMNS}
      rowKey={({ kind, name }) => `${kind} ${name}`}
      rows={changes}
    />
  );

const CHANGE_COLUMNS: Column<Change>[] = [
  { key: "kind", header: "Kind", cell: ({ kind }) => KINDS[kind] ?? kind },
  { key: "name", header: "Name", rowHeader: true, wrap: true, cell: ({ name }) => name },
  { key: "before", header: "Before", wrap: true, cell: ({ before }) => <Plain text={before} /> },
  { key: "after", header: "After", wrap: true, cell: ({ after }) => <Plain text={after} /> },
];

const DIGEST = /^[0-9a-f]{64}$/;

const Plain = ({ text }: { text: string | null }) => {
  if (text === null) return <>{NOTHING}</>;
  return DIGEST.test(text) ? <Digest value={text} /> : <Code whiteSpace="pre-wrap">{text}</Code>;
};

const capitalised = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);

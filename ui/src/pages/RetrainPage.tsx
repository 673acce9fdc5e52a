import { Box, Code, HStack, List, Stack, Text } from "@chakra-ui/react";
import type { ReactNode } from "react";
import { useParams } from "react-router-dom";
import { PRODUCTION, toCompare, toModel, toModels } from "@/address";
import { withinAirflow } from "@/api/client";
import { useRetrain } from "@/api/queries";
import type { RetrainDetail, VerdictView } from "@/api/schema";
import { CalibrationChart } from "@/charts/CalibrationChart";
import { VerdictPlot } from "@/charts/VerdictPlot";
import { ChoiceBadge, OutcomeBadge } from "@/components/Badges";
import { type Column, DataTable } from "@/components/DataTable";
import { Changes, chunkColumns } from "@/components/Differences";
import { Digest } from "@/components/Digest";
import { Facts } from "@/components/Facts";
import { Instant } from "@/components/Instant";
import { Missing } from "@/components/Missing";
import { metricColumns } from "@/components/metricPairs";
import { PageFrame } from "@/components/PageFrame";
import { PageLink } from "@/components/PageLink";
import { Panel } from "@/components/Panel";
import { Slices } from "@/components/Slices";
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
            caption="Verdict of each gate"
            columns={VERDICT_COLUMNS}
            rowKey={({ name }) => name}
            rows={verdicts}
          />
        </Panel>
      ) : null}
      {scorecard ? (
        <Panel
          aside={
            <Text color="fg.muted" fontSize="sm">
              on the same {count(scorecard.rows)} holdout rows
              {scorecard.dropped_rows > 0
                ? `; ${count(scorecard.dropped_rows)} left out, the champion's training covers them`
                : ""}
            </Text>
          }
          title="Metrics"
        >
          {scorecard.opponent_problem ? <Text mb={2}>No opponent: {scorecard.opponent_problem}.</Text> : null}
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
    <Reason failedStep={decision.failed_step} reasons={decision.reasons} />
    <Facts
      facts={[
        ["Challenger", decision.version === null ? "none was made" : `version ${decision.version}`],
        [
          "Champion at the time",
          decision.champion_version === null ? "none yet" : `version ${decision.champion_version}`,
        ],
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

const Reason = ({ reasons, failedStep }: { reasons: readonly string[]; failedStep: string }) => (
  <Box>
    {failedStep ? <Text fontWeight="medium">The step “{failedStep}” failed.</Text> : null}
    {reasons.length === 1 ? (
      <Text fontSize="md">{reasons[0]}</Text>
    ) : (
      <List.Root fontSize="md" ps={5}>
        {reasons.map((part) => (
          <List.Item key={part}>{part}</List.Item>
        ))}
      </List.Root>
    )}
  </Box>
);

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
  { key: "gate", header: "Gate", rowHeader: true, cell: ({ name }) => <Code background="transparent">{name}</Code> },
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

const Data = ({ data }: { data: NonNullable<RetrainDetail["data"]> }) => (
  <Panel title="Data">
    <Facts
      facts={[
        [
          "Train",
          `${instant(data.train_start)} to ${instant(data.train_end)} by ${data.event_time}: ${count(data.train_rows)} rows`,
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

import { Alert, Badge, Box, HStack, SimpleGrid, Text } from "@chakra-ui/react";
import type { ReactNode } from "react";
import { useParams } from "react-router-dom";
import { Approvals } from "@/actions/Approvals";
import { ModelActions } from "@/actions/ModelActions";
import { PRODUCTION, toCompare, toDag, toLedger, toModels, toRetrain } from "@/address";
import { useModel } from "@/api/queries";
import type { DecisionPoint, ModelDetail } from "@/api/schema";
import { MetricChart } from "@/charts/MetricChart";
import { RatingChart } from "@/charts/RatingChart";
import { RatingHistory } from "@/charts/RatingHistory";
import { ChoiceBadge, ForcedBadge, FrozenBadge } from "@/components/Badges";
import { DataTable } from "@/components/DataTable";
import { SelectFilter } from "@/components/Filter";
import { Instant } from "@/components/Instant";
import { LEDGER_COLUMNS } from "@/components/ledgerColumns";
import { DECISION_COLUMNS, MOVE_COLUMNS, tenures } from "@/components/modelColumns";
import { PageFrame } from "@/components/PageFrame";
import { PageLink } from "@/components/PageLink";
import { Pager } from "@/components/Pager";
import { Panel } from "@/components/Panel";
import { Empty, Failure, Loading, OutLink } from "@/components/States";
import { NOTHING } from "@/format";
import { useSearch, wholeNumber } from "@/search";

const PAGE = 12;

/** One model: its champion, how it came to be, what was decided, and what may be done. */
export const ModelPage = () => {
  const { model = "" } = useParams();
  const [search, change] = useSearch();
  const timeline = search.get("timeline") ?? PRODUCTION;
  const { data, error } = useModel(model, timeline);
  const crumbs = [{ label: "Models", to: toModels(timeline) }];
  return (
    <PageFrame
      actions={data ? <ModelActions detail={data} /> : null}
      crumbs={crumbs}
      marks={data ? <Marks detail={data} /> : null}
      title={model}
    >
      {error ? <Failure error={error} what="model" /> : null}
      {!(data || error) ? <Loading lines={10} what="model" /> : null}
      {data ? (
        <>
          <HStack align="end" justify="space-between" mb={4} wrap="wrap">
            <Text color="fg.muted" maxW="50rem">
              {data.description}
            </Text>
            {data.timelines.length > 1 ? (
              <SelectFilter
                label="Timeline"
                onChange={(value) => change({ timeline: value === PRODUCTION ? null : value, offset: null })}
                options={data.timelines.map((name) => [name, name] as const)}
                value={timeline}
              />
            ) : null}
          </HStack>
          <Detail
            detail={data}
            offset={wholeNumber(search.get("offset"), 0)}
            onMove={(to) => change({ offset: to || null })}
          />
        </>
      ) : null}
    </PageFrame>
  );
};

const Marks = ({ detail: { freeze, champion, paused, tags } }: { detail: ModelDetail }) => (
  <>
    {freeze ? <FrozenBadge /> : null}
    {champion?.expires_at ? <ForcedBadge /> : null}
    {paused ? <Badge variant="outline">DAG paused</Badge> : null}
    {tags.map((tag) => (
      <Badge key={tag} variant="surface">
        {tag}
      </Badge>
    ))}
  </>
);

interface DetailProps {
  detail: ModelDetail;
  offset: number;
  onMove: (offset: number) => void;
}

const Detail = ({ detail, offset, onMove }: DetailProps) => {
  const latest = detail.decisions.toReversed();
  return (
    <>
      <Approvals detail={detail} />
      {detail.freeze ? (
        <Alert.Root mb={4} status="info">
          <Alert.Indicator />
          <Alert.Title>
            Frozen by {detail.freeze.actor} since <Instant value={detail.freeze.since} />: {detail.freeze.reason}
          </Alert.Title>
        </Alert.Root>
      ) : null}
      <Summary detail={detail} last={latest[0]} />
      <Panel title={`${detail.metric || "Metric"} over as-of`}>
        <MetricChart
          champion={detail.champion?.version ?? null}
          decisions={detail.decisions}
          greaterIsBetter={detail.greater_is_better}
          metric={detail.metric}
        />
      </Panel>
      {detail.ratings ? (
        <Panel title={`All versions, as rated after ${counted(detail.ratings.windows, "window")}`}>
          <RatingChart ratings={detail.ratings} />
          <RatingHistory ratings={detail.ratings} />
        </Panel>
      ) : null}
      <Panel aside={<CompareLink detail={detail} latest={latest} />} title="Decisions">
        {latest.length === 0 ? (
          <Empty title="Nothing was decided yet">
            The first retrain writes the first decision, whatever comes of it.
          </Empty>
        ) : (
          <>
            <DataTable
              caption={`Decisions on ${detail.model}, the latest as-of first`}
              columns={DECISION_COLUMNS}
              rowKey={(decision) => decision.id}
              rows={latest.slice(offset, offset + PAGE)}
            />
            <Pager limit={PAGE} offset={offset} onMove={onMove} total={latest.length} what="decisions" />
          </>
        )}
      </Panel>
      <Panel title="Champions">
        {detail.moves.length === 0 ? (
          <Empty title="No champion yet">The first challenger that passes every gate becomes champion.</Empty>
        ) : (
          <DataTable
            caption={`Champions of ${detail.model}, the latest first`}
            columns={MOVE_COLUMNS}
            rowKey={({ row }) => String(row.seq)}
            rows={tenures(detail.moves)}
          />
        )}
      </Panel>
      <Panel
        aside={<PageLink to={toLedger({ model: detail.model, timeline: detail.timeline })}>All entries</PageLink>}
        title="Ledger"
      >
        {detail.ledger.length === 0 ? (
          <Empty title="The ledger has nothing on this model">
            Each move of the pointer and each refusal is kept here.
          </Empty>
        ) : (
          <DataTable
            caption={`Last ledger entries on ${detail.model}`}
            columns={LEDGER_COLUMNS.filter(({ key }) => key !== "model" && key !== "timeline")}
            rowKey={(row) => String(row.seq)}
            rows={detail.ledger}
          />
        )}
      </Panel>
    </>
  );
};

const counted = (number: number, noun: string): string => `${number} ${noun}${number === 1 ? "" : "s"}`;

const Summary = ({ detail, last }: { detail: ModelDetail; last: DecisionPoint | undefined }) => {
  const { champion, dag_id, version_url } = detail;
  return (
    <SimpleGrid borderWidth="1px" columns={{ base: 1, sm: 2, lg: 4 }} gap={4} mb={4} p={4} rounded="md">
      <Fact
        note={
          champion ? (
            <>
              live since <Instant value={champion.since} />
              {version_url ? (
                <>
                  {" · "}
                  <OutLink href={version_url}>MLflow</OutLink>
                </>
              ) : null}
            </>
          ) : (
            "No challenger has passed every gate yet."
          )
        }
        title="Champion"
      >
        {champion ? `Version ${champion.version}` : "None"}
      </Fact>
      <Fact note={champion ? <Why detail={detail} /> : NOTHING} title="Knows until">
        <Instant value={champion?.as_of} />
      </Fact>
      <Fact
        note={
          last ? (
            <>
              as of <Instant bare value={last.as_of} />:{" "}
              <PageLink to={toRetrain(last.model, last.id)}>scorecard</PageLink>
            </>
          ) : (
            NOTHING
          )
        }
        title="Last decision"
      >
        {last ? <ChoiceBadge choice={last.choice} /> : "None"}
      </Fact>
      <Fact
        note={
          <>
            {dag_id ? <PageLink to={toDag(dag_id)}>DAG {dag_id}</PageLink> : "no DAG"}
            {detail.owner ? ` · ${detail.owner}` : ""}
          </>
        }
        title="Next run"
      >
        <Instant value={detail.next_run} />
      </Fact>
    </SimpleGrid>
  );
};

const Why = ({ detail: { model, champion } }: { detail: ModelDetail }) => {
  if (!champion) return NOTHING;
  const { action, actor, approver, decision_id, expires_at, reason } = champion;
  return (
    <>
      {action} by {actor}
      {approver ? `, approved by ${approver}` : ""}
      {expires_at ? (
        <>
          , until <Instant value={expires_at} />
        </>
      ) : null}
      {action === "promote" || !reason ? "" : `: ${reason}`}
      {decision_id ? (
        <>
          {" · "}
          <PageLink to={toRetrain(model, decision_id)}>why it was promoted</PageLink>
        </>
      ) : null}
    </>
  );
};

const Fact = ({ title, children, note }: { title: string; children: ReactNode; note: ReactNode }) => (
  <Box minW={0}>
    <Text color="fg.muted" fontSize="xs">
      {title}
    </Text>
    <Box fontSize="md" fontWeight="semibold">
      {children}
    </Box>
    <Box color="fg.muted" fontSize="xs" wordBreak="break-word">
      {note}
    </Box>
  </Box>
);

const CompareLink = ({ detail, latest }: { detail: ModelDetail; latest: readonly DecisionPoint[] }) => {
  const b = latest.find(({ version }) => version !== null && version !== detail.champion?.version)?.version;
  if (!detail.champion || b == null) return null;
  const [first, second] = [detail.champion.version, b].sort((one, other) => one - other) as [number, number];
  return <PageLink to={toCompare(detail.model, { a: first, b: second }, detail.timeline)}>Compare versions</PageLink>;
};

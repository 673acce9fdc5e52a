import { Badge, HStack, Text } from "@chakra-ui/react";
import { useCallback } from "react";
import { PRODUCTION, toLedger, toModel, toRetrain } from "@/address";
import { type ModelsQuery, useModels, useTimelines } from "@/api/queries";
import type { ModelRow } from "@/api/schema";
import { Sparkline } from "@/charts/Sparkline";
import { ChoiceBadge, ForcedBadge, FrozenBadge } from "@/components/Badges";
import { type Column, DataTable, type Sort } from "@/components/DataTable";
import { SelectFilter, TextFilter } from "@/components/Filter";
import { Gain } from "@/components/Gain";
import { Instant } from "@/components/Instant";
import { PageFrame } from "@/components/PageFrame";
import { PageLink } from "@/components/PageLink";
import { Pager } from "@/components/Pager";
import { Empty, Failure, Loading } from "@/components/States";
import { metric, NOTHING } from "@/format";
import { useSearch, wholeNumber } from "@/search";

const PAGE = 50;

const CHOICES = [
  ["", "any"],
  ["PROMOTE", "promoted"],
  ["HOLD", "held"],
  ["REJECT", "rejected"],
] as const;
const STATES = [
  ["", "any"],
  ["champion", "has a champion"],
  ["no_champion", "no champion yet"],
  ["frozen", "frozen"],
  ["forced", "forced"],
] as const;

/** All models: what is in production, how fresh, and what came of the last retrain. */
export const ModelsPage = () => {
  const [search, change] = useSearch();
  const timeline = search.get("timeline") ?? PRODUCTION;
  const offset = wholeNumber(search.get("offset"), 0);
  const query = queryOf(search, timeline, offset);
  const { data, error, isPlaceholderData } = useModels(query);
  const timelines = useTimelines().data?.timelines ?? [];

  const filter = (name: string) => (value: string) => change({ [name]: value, offset: null });
  const onSearch = useCallback((value: string) => change({ search: value, offset: null }), [change]);
  const onSort = ({ by, descending }: Sort) => change({ sort: `${descending ? "-" : ""}${by}`, offset: null });
  const filtered = ["search", "choice", "state", "owner", "tag"].some((name) => search.has(name));

  return (
    <PageFrame actions={<PageLink to={toLedger()}>Ledger</PageLink>} title="Models">
      <HStack align="end" gap={3} mb={3} role="search" wrap="wrap">
        <TextFilter
          label="Search"
          onChange={onSearch}
          placeholder="model, owner or tag"
          value={search.get("search") ?? ""}
        />
        <SelectFilter
          label="Last decision"
          onChange={filter("choice")}
          options={CHOICES}
          value={search.get("choice") ?? ""}
        />
        <SelectFilter label="State" onChange={filter("state")} options={STATES} value={search.get("state") ?? ""} />
        {data && data.owners.length > 1 ? (
          <SelectFilter
            label="Owner"
            onChange={filter("owner")}
            options={anyOf(data.owners)}
            value={search.get("owner") ?? ""}
          />
        ) : null}
        {data && data.tags.length > 1 ? (
          <SelectFilter
            label="Tag"
            onChange={filter("tag")}
            options={anyOf(data.tags)}
            value={search.get("tag") ?? ""}
          />
        ) : null}
        {timelines.length > 1 ? (
          <SelectFilter
            label="Timeline"
            onChange={filter("timeline")}
            options={timelines.map(({ name }) => [name, name] as const)}
            value={timeline}
          />
        ) : null}
      </HStack>
      {error ? <Failure error={error} what="list of models" /> : null}
      {!(data || error) ? <Loading lines={8} what="models" /> : null}
      {data && data.rows.length === 0 ? <NoModels filtered={filtered} /> : null}
      {data && data.rows.length > 0 ? (
        <>
          <DataTable
            caption={`Models on ${timeline}`}
            columns={columnsFor(timeline)}
            onSort={onSort}
            rowKey={(row) => row.model}
            rows={data.rows}
            sort={sortOf(query.sort)}
            stale={isPlaceholderData}
          />
          <Pager
            limit={PAGE}
            offset={offset}
            onMove={(to) => change({ offset: to || null })}
            total={data.total}
            what="models"
          />
        </>
      ) : null}
    </PageFrame>
  );
};

const NoModels = ({ filtered }: { filtered: boolean }) =>
  filtered ? (
    <Empty title="No model meets the filters">Change or clear a filter.</Empty>
  ) : (
    <Empty title="No models yet">
      Add a pipeline to include/pipelines: its DAG appears by itself, and its model here after the first retrain. Models
      whose DAG you may not read are not listed.
    </Empty>
  );

const columnsFor = (timeline: string): Column<ModelRow>[] => [
  {
    key: "model",
    header: "Model",
    sortKey: "model",
    rowHeader: true,
    cell: (row) => (
      <HStack gap={2} wrap="wrap">
        <PageLink to={toModel(row.model, timeline)}>{row.model}</PageLink>
        {row.frozen ? <FrozenBadge /> : null}
        {row.champion?.expires_at ? <ForcedBadge /> : null}
        {row.paused ? <Badge variant="outline">DAG paused</Badge> : null}
      </HStack>
    ),
  },
  {
    key: "champion",
    header: "Champion",
    sortKey: "since",
    cell: ({ champion }) =>
      champion ? (
        <>
          v{champion.version}
          <Text color="fg.muted" fontSize="xs">
            live since <Instant bare value={champion.since} />
          </Text>
        </>
      ) : (
        <Text color="fg.muted">none yet</Text>
      ),
  },
  {
    key: "decision",
    header: "Last decision",
    sortKey: "decided",
    cell: ({ model, decision }) =>
      decision ? (
        <PageLink label={`Last decision on ${model}: ${decision.choice}`} to={toRetrain(model, decision.id)}>
          <ChoiceBadge choice={decision.choice} />
          <Text as="span" color="fg.muted" fontSize="xs">
            as of <Instant bare value={decision.as_of} />
          </Text>
        </PageLink>
      ) : (
        NOTHING
      ),
  },
  {
    key: "margin",
    header: "Gain [interval]",
    sortKey: "margin",
    numeric: true,
    cell: ({ decision }) => (decision ? <Gain decision={decision} /> : NOTHING),
  },
  {
    key: "metric",
    header: "Champion's metric",
    cell: ({ metric: name, sparkline }) =>
      sparkline.length === 0 ? (
        NOTHING
      ) : (
        <HStack gap={2}>
          <Sparkline name={name} values={sparkline.map((point) => point.value)} />
          <Text fontSize="xs">
            {metric(sparkline.at(-1)?.value)}{" "}
            <Text as="span" color="fg.muted">
              {name}
            </Text>
          </Text>
        </HStack>
      ),
  },
  {
    key: "age",
    header: "Knows until",
    sortKey: "age",
    cell: ({ champion }) => <Instant value={champion?.as_of} />,
  },
  { key: "next", header: "Next run", sortKey: "next_run", cell: (row) => <Instant value={row.next_run} /> },
  { key: "owner", header: "Owner", sortKey: "owner", cell: (row) => row.owner ?? NOTHING },
];

const queryOf = (search: URLSearchParams, timeline: string, offset: number): ModelsQuery => {
  const given = (name: string) => search.get(name) || undefined;
  // What the API does not know, it says so of itself: a hand-made address gets its answer.
  return Object.fromEntries(
    Object.entries({
      timeline,
      search: given("search"),
      choice: given("choice"),
      state: given("state"),
      owner: given("owner"),
      tag: given("tag"),
      sort: given("sort"),
      limit: PAGE,
      offset,
    }).filter(([, value]) => value !== undefined),
  ) as ModelsQuery;
};

const sortOf = (text = "model"): Sort => ({ by: text.replace("-", ""), descending: text.startsWith("-") });

const anyOf = (values: readonly string[]): (readonly [string, string])[] => [
  ["", "any"],
  ...values.map((value) => [value, value] as const),
];

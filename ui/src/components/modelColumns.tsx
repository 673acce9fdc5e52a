import { Badge, HStack, Text } from "@chakra-ui/react";
import { toRetrain, toRun } from "@/address";
import type { DecisionPoint, LedgerRow } from "@/api/schema";
import { metric, NOTHING } from "@/format";
import { ActionBadge, ChoiceBadge } from "./Badges";
import type { Column } from "./DataTable";
import { Gain } from "./Gain";
import { Instant } from "./Instant";
import { PageLink } from "./PageLink";

/** The decisions on a model. */
export const DECISION_COLUMNS: Column<DecisionPoint>[] = [
  {
    key: "as_of",
    header: "As of",
    rowHeader: true,
    cell: ({ model, id, as_of }) => (
      <PageLink to={toRetrain(model, id)}>
        <Instant bare value={as_of} />
      </PageLink>
    ),
  },
  { key: "choice", header: "Decision", cell: ({ choice }) => <ChoiceBadge choice={choice} /> },
  {
    key: "challenger",
    header: "Challenger",
    numeric: true,
    cell: ({ version, challenger_value }) => (
      <>
        {metric(challenger_value)}
        <Text color="fg.muted" fontSize="xs">
          {version === null ? "none" : `v${version}`}
        </Text>
      </>
    ),
  },
  {
    key: "opponent",
    header: "Opponent",
    numeric: true,
    cell: ({ opponent, champion_version, opponent_value }) => (
      <>
        {metric(opponent_value)}
        <Text color="fg.muted" fontSize="xs">
          {opponent === "champion" ? `champion v${champion_version}` : (opponent ?? "nobody")}
        </Text>
      </>
    ),
  },
  { key: "gain", header: "Gain [interval]", numeric: true, cell: (decision) => <Gain decision={decision} /> },
  {
    key: "why",
    header: "Why",
    wrap: true,
    cell: ({ reason, failed_step }) => (
      <Text lineClamp={2} maxW="44rem" minW="16rem" title={reason}>
        {failed_step ? `${failed_step} failed: ` : ""}
        {reason}
      </Text>
    ),
  },
  {
    key: "run",
    header: "Run",
    cell: ({ dag_id, run_id, as_of }) =>
      dag_id && run_id ? (
        <PageLink label={`DAG run as of ${as_of}`} to={toRun(dag_id, run_id)}>
          DAG run
        </PageLink>
      ) : (
        NOTHING
      ),
  },
];

interface Tenure {
  row: LedgerRow;
  until: string | null;
}

/** Until when each move held, the latest first. */
export const tenures = (moves: readonly LedgerRow[]): Tenure[] =>
  moves.map((row, index) => ({ row, until: moves[index + 1]?.at ?? null })).toReversed();

/** The champions of a model, each with its time. */
export const MOVE_COLUMNS: Column<Tenure>[] = [
  {
    key: "version",
    header: "Version",
    rowHeader: true,
    cell: ({ row }) =>
      row.decision_id ? (
        <PageLink to={toRetrain(row.model, row.decision_id)}>v{row.version}</PageLink>
      ) : (
        `v${row.version}`
      ),
  },
  { key: "since", header: "Live from", cell: ({ row }) => <Instant bare value={row.at} /> },
  {
    key: "until",
    header: "Until",
    cell: ({ until }) => (until ? <Instant bare value={until} /> : <Badge colorPalette="success">now</Badge>),
  },
  { key: "as_of", header: "Knows until", cell: ({ row }) => <Instant bare value={row.as_of} /> },
  {
    key: "action",
    header: "By",
    cell: ({ row }) => (
      <HStack gap={2}>
        <ActionBadge action={row.action} />
        {row.actor}
        {row.approver ? `, approved by ${row.approver}` : ""}
      </HStack>
    ),
  },
  {
    key: "why",
    header: "Why",
    wrap: true,
    cell: ({ row }) => (
      <Text lineClamp={2} maxW="40rem" minW="14rem" title={row.reason}>
        {row.reason}
      </Text>
    ),
  },
];

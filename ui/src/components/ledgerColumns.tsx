import { Text } from "@chakra-ui/react";
import { toModel, toRetrain } from "@/address";
import type { LedgerRow } from "@/api/schema";
import { NOTHING } from "@/format";
import { ActionBadge } from "./Badges";
import type { Column } from "./DataTable";
import { Digest } from "./Digest";
import { Instant } from "./Instant";
import { PageLink } from "./PageLink";

/** The ledger's columns, on its own page and on a model's. */
export const LEDGER_COLUMNS: Column<LedgerRow>[] = [
  { key: "seq", header: "Entry", numeric: true, rowHeader: true, cell: (row) => row.seq },
  { key: "at", header: "At (UTC)", cell: (row) => <Instant bare value={row.at} /> },
  { key: "action", header: "Action", cell: (row) => <ActionBadge action={row.action} /> },
  {
    key: "model",
    header: "Model",
    cell: (row) => <PageLink to={toModel(row.model, row.timeline)}>{row.model}</PageLink>,
  },
  { key: "timeline", header: "Timeline", cell: (row) => row.timeline },
  {
    key: "version",
    header: "Version",
    numeric: true,
    cell: ({ model, decision_id, generation, version, previous_version: before }) => {
      const text =
        generation !== null && before !== null && before !== version ? `v${before} → v${version}` : `v${version}`;
      return decision_id ? <PageLink to={toRetrain(model, decision_id)}>{text}</PageLink> : text;
    },
  },
  { key: "generation", header: "Generation", numeric: true, cell: (row) => row.generation ?? NOTHING },
  {
    key: "actor",
    header: "By",
    cell: (row) => (row.approver ? `${row.actor}, approved by ${row.approver}` : row.actor || NOTHING),
  },
  {
    key: "reason",
    header: "Why",
    wrap: true,
    cell: (row) => (
      <Text lineClamp={2} maxW="36rem" minW="14rem" title={row.reason}>
        {row.reason}
      </Text>
    ),
  },
  { key: "hash", header: "Hash", cell: (row) => <Digest value={row.hash} /> },
];

import { Code, Text } from "@chakra-ui/react";
import type { Change, ChunkChange } from "@/api/schema";
import { count, difference, instant, NOTHING } from "@/format";
import { type Column, DataTable } from "./DataTable";
import { Digest } from "./Digest";

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

import { Box, HStack, Text } from "@chakra-ui/react";
import { useState } from "react";
import type { MetricPair, SliceView } from "@/api/schema";
import { count, metric } from "@/format";
import { type Column, DataTable, type Sort } from "./DataTable";
import { SelectFilter } from "./Filter";
import { capitalised, gainOf, Signed } from "./metricPairs";
import { Panel } from "./Panel";

interface SlicesProps {
  slices: readonly SliceView[];
  metric: string;
  opponent: string;
}

const MOST = 25;

/** The metrics of each slice, the greatest loss first. */
export const Slices = ({ slices, metric: primary, opponent }: SlicesProps) => {
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

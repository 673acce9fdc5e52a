import { Text } from "@chakra-ui/react";
import type { MetricPair } from "@/api/schema";
import { difference, metric } from "@/format";
import type { Column } from "./DataTable";

/** How much better the challenger is; positive is always better. */
export const gainOf = ({ challenger, opponent, greater_is_better: greater }: MetricPair): number | null =>
  challenger === null || opponent === null ? null : (challenger - opponent) * (greater ? 1 : -1);

/** The metrics of both sides and the gain. */
export const metricColumns = (opponent: string): Column<MetricPair>[] => [
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

/** A gain; a loss also in the colour of one. */
export const Signed = ({ value, scale }: { value: number | null; scale: number | null }) => (
  <Text as="span" color={value !== null && value < 0 ? "error.fg" : "inherit"}>
    {difference(value, scale)}
  </Text>
);

/** A word at the head of a column. */
export const capitalised = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);

import { Box, chakra, Table } from "@chakra-ui/react";
import { ArrowDown, ArrowUp, ChevronsUpDown } from "lucide-react";
import type { ReactNode } from "react";

export interface Column<Row> {
  key: string;
  header: string;
  cell: (row: Row) => ReactNode;
  numeric?: boolean;
  /** The name to sort by; without it the column does not sort. */
  sortKey?: string;
  /** The column that names the row. */
  rowHeader?: boolean;
  wrap?: boolean;
}

export interface Sort {
  by: string;
  descending: boolean;
}

interface Props<Row> {
  caption: string;
  columns: readonly Column<Row>[];
  rows: readonly Row[];
  rowKey: (row: Row) => string;
  sort?: Sort;
  onSort?: (sort: Sort) => void;
  /** Rows of an older answer, while the next one is on its way. */
  stale?: boolean;
}

const SortButton = chakra("button", {
  base: {
    alignItems: "center",
    cursor: "pointer",
    display: "inline-flex",
    fontWeight: "inherit",
    gap: "1",
    _focusVisible: { outline: "2px solid", outlineColor: "brand.focusRing", outlineOffset: "2px", rounded: "sm" },
  },
});

/** A table that a keyboard and a screen reader can use; it scrolls by itself in a narrow window. */
export const DataTable = <Row,>({ caption, columns, rows, rowKey, sort, onSort, stale = false }: Props<Row>) => (
  // A region that scrolls must be reachable by keyboard, so it has a tab stop.
  <Table.ScrollArea aria-label={caption} borderWidth="1px" role="region" rounded="md" tabIndex={0}>
    <Table.Root aria-busy={stale} opacity={stale ? 0.6 : 1} size="sm" transition="opacity 0.15s">
      <Table.Caption captionSide="top" css={{ clip: "rect(0 0 0 0)", position: "absolute" }}>
        {caption}
      </Table.Caption>
      <Table.Header bg="bg.subtle">
        <Table.Row>
          {columns.map((column) => (
            <Header column={column} key={column.key} {...(sort ? { sort } : {})} {...(onSort ? { onSort } : {})} />
          ))}
        </Table.Row>
      </Table.Header>
      <Table.Body>
        {rows.map((row) => (
          <Table.Row
            _hover={{ bg: "bg.subtle" }}
            css={{ "&:last-child > *": { borderBottomWidth: 0 } }}
            key={rowKey(row)}
          >
            {columns.map((column) => (
              <Cell column={column} key={column.key} row={row} />
            ))}
          </Table.Row>
        ))}
      </Table.Body>
    </Table.Root>
  </Table.ScrollArea>
);

const Cell = <Row,>({ column, row }: { column: Column<Row>; row: Row }) => {
  const style = {
    fontVariantNumeric: "tabular-nums",
    verticalAlign: "top",
    textAlign: column.numeric ? "end" : "start",
    whiteSpace: column.wrap ? "normal" : "nowrap",
  } as const;
  return column.rowHeader ? (
    <Table.Cell asChild fontWeight="medium" {...style}>
      <th scope="row">{column.cell(row)}</th>
    </Table.Cell>
  ) : (
    <Table.Cell {...style}>{column.cell(row)}</Table.Cell>
  );
};

interface HeaderProps<Row> {
  column: Column<Row>;
  sort?: Sort;
  onSort?: (sort: Sort) => void;
}

const Header = <Row,>({ column, sort, onSort }: HeaderProps<Row>) => {
  const { sortKey } = column;
  const sorted = sort && sortKey === sort.by;
  const direction = sort?.descending ? "descending" : "ascending";
  return (
    <Table.ColumnHeader
      aria-sort={sorted ? direction : undefined}
      scope="col"
      textAlign={column.numeric ? "end" : "start"}
      whiteSpace="nowrap"
    >
      {sortKey && onSort ? (
        <SortButton
          onClick={() => onSort({ by: sortKey, descending: sorted ? !sort.descending : false })}
          type="button"
        >
          {column.header}
          <Box aria-hidden as="span" color={sorted ? "fg" : "fg.subtle"}>
            <SortIcon sorted={sorted ? direction : null} />
          </Box>
        </SortButton>
      ) : (
        column.header
      )}
    </Table.ColumnHeader>
  );
};

const SortIcon = ({ sorted }: { sorted: "ascending" | "descending" | null }) => {
  if (sorted === null) return <ChevronsUpDown size={12} />;
  return sorted === "descending" ? <ArrowDown size={12} /> : <ArrowUp size={12} />;
};

"""The Parquet files that a spec reads: files of one source may differ in their columns, and no value may be lost by that."""

from __future__ import annotations

import json
import logging
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import duckdb

from retrain.adapters.sql_quoting import quote_name, quote_text
from retrain.errors import DataError

__all__ = ["FileReads", "MixedColumn", "check_query_files", "read_source_files"]

log = logging.getLogger(__name__)

_READERS: Final = ("read_parquet", "parquet_scan")
_WHOLE: Final = ("BIGINT", "UBIGINT", "HUGEINT", "UHUGEINT", "INTEGER", "UINTEGER")
_EXACT_UP_TO: Final = {"DOUBLE": 2**53, "FLOAT": 2**24}
"""The greatest whole number up to which a type of fractions holds every one."""
_NO_TYPE: Final = '"NULL"'
"""What a file says of a column that has no value in it."""


@dataclass(frozen=True)
class MixedColumn:
    """A column that is whole in one file and fractional in another.

    Attributes:
        name: The column.
        exact_up_to: The greatest value that the common type holds exactly.
        types: Its types, each with a file, as a text.
    """

    name: str
    exact_up_to: int
    types: str


@dataclass
class _Files:
    """The columns of a set of files.

    Attributes:
        names: The files, in the order in which they are read.
        types: For each column and each type that it has, the first file with it.
        counts: In how many files each column is.
        first: The type of each column in the first file.
    """

    names: list[str] = field(default_factory=list)
    types: dict[str, dict[str, str]] = field(default_factory=dict)
    counts: dict[str, int] = field(default_factory=dict)
    first: dict[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, connection: duckdb.DuckDBPyConnection, patterns: Sequence[str], root: Path) -> _Files:
        """Read the schema of every file; name those below `root` without it."""
        found = cls()
        sql = "SELECT file_name, name, num_children, duckdb_type FROM parquet_schema($files)"
        nested = 0
        for path, name, children, kind in connection.sql(sql, params={"files": list(patterns)}).fetchall():
            file = path.removeprefix(f"{root}/")
            if file not in found.names[-1:]:
                found.names.append(file)
                nested = 0  # this row is the root of the file's columns
                continue
            if nested:
                nested += (children or 0) - 1
                continue
            nested = children or 0
            found._add(file, name, kind)
        return found

    def _add(self, file: str, name: str, kind: str) -> None:
        self.types.setdefault(name, {}).setdefault(kind, file)
        self.counts[name] = self.counts.get(name, 0) + 1
        if len(self.names) == 1:
            self.first[name] = kind

    def describe_types(self, name: str) -> str:
        """Return the types of a column, each with a file."""
        return ", ".join(f"{kind} in {file}" for kind, file in self.types[name].items())

    def list_partial(self) -> list[str]:
        """Return the columns that are not in every file."""
        return [name for name, count in self.counts.items() if count < len(self.names)]

    def list_mixed(self, kinds: Mapping[str, str]) -> list[MixedColumn]:
        """Return the columns that are whole in one file and fractional by their common type."""
        return [
            MixedColumn(name, _EXACT_UP_TO[kinds[name]], self.describe_types(name))
            for name, types in self.types.items()
            if kinds.get(name) in _EXACT_UP_TO and any(kind in _WHOLE for kind in types)
        ]


def read_source_files(
    connection: duckdb.DuckDBPyConnection, pattern: str, named: Collection[str], root: Path
) -> tuple[str, list[MixedColumn]]:
    """Return the SQL of a glob of files, united by the names of their columns, and the columns whose types differ.

    A column of a folder's name, such as ``month=2024-01``, is read only if the spec names it.

    Args:
        connection: The database that reads the files.
        pattern: The glob.
        named: The columns that the spec names.
        root: The folder that the glob starts from.

    Raises:
        DataError: A column is a text in one file and no text in another.
    """
    files = _Files.of(connection, [pattern], root)
    kinds = _describe(connection, [pattern], "union_by_name = true, hive_partitioning = false")
    for name, kind in kinds.items():
        others = set(files.types.get(name, ())) - {_NO_TYPE}
        if kind == "VARCHAR" and len(others) > 1 and not all(other == "VARCHAR" for other in others):
            raise _make_type_error(files, name, "Write the files with one type, or cast the column in a query.")
    for name in files.list_partial():
        log.warning("The column %s is not in every file of %s: it is empty in rows of the others.", name, pattern)
    folders = [name for name in _describe(connection, [pattern], "hive_partitioning = true") if name not in kinds]
    chosen = [name for name in folders if name in named]
    left_out = [name for name in folders if name not in named]
    if left_out:
        log.warning("The columns %s of the folders' names are left out: name them in the spec to use them.", left_out)
    hive = "true" if chosen else "false"
    excluded = f"EXCLUDE ({', '.join(map(quote_name, left_out))})" if chosen and left_out else ""
    sql = f"(SELECT * {excluded} FROM read_parquet({quote_text(pattern)}, union_by_name = true, hive_partitioning = {hive}))"  # noqa: S608 - quoted
    return sql, files.list_mixed(kinds)


def check_query_files(connection: duckdb.DuckDBPyConnection, query: str, root: Path) -> list[MixedColumn]:
    """Check the files that a query reads, because DuckDB takes the columns and types of the first file and casts the others.

    Returns:
        The columns that are whole in one file and fractional in another.

    Raises:
        DataError: A column that the query uses would be cast so that values are lost, or is not in every file.
    """
    reads = FileReads.of(connection, query)
    mixed: list[MixedColumn] = []
    for patterns, options in reads.calls:
        files = _Files.of(connection, patterns, root)
        united = _describe(connection, patterns, "union_by_name = true, hive_partitioning = false")
        mixed += files.list_mixed(united)
        if "union_by_name" not in options and "schema" not in options:
            _check_first_file(files, united, reads)
        if "hive_partitioning" not in options and reads.takes_all:
            folders = [name for name in _describe(connection, patterns, "") if name not in files.types]
            if folders:
                log.warning("The columns %s come from the names of folders; SELECT names the columns to use.", folders)
    return mixed


@dataclass
class FileReads:
    """The calls of a query that read Parquet files, and the columns that it uses.

    Attributes:
        calls: The globs of each call, and the options that it sets.
        columns: The names of columns in the query.
        takes_all: Whether it selects all columns somewhere.
    """

    calls: list[tuple[list[str], set[str]]] = field(default_factory=list)
    columns: set[str] = field(default_factory=set)
    takes_all: bool = False

    @classmethod
    def of(cls, connection: duckdb.DuckDBPyConnection, query: str) -> FileReads:
        """Return what a query reads; nothing if it is no SELECT, which DuckDB says itself."""
        row = connection.execute("SELECT json_serialize_sql(?)", [query]).fetchall()
        reads = cls()
        reads._walk(json.loads(row[0][0]).get("statements", []))
        return reads

    def uses(self, name: str) -> bool:
        """Whether the query uses a column of the files."""
        return self.takes_all or name.lower() in self.columns

    def _walk(self, node: Any) -> None:
        if isinstance(node, list):
            for item in node:
                self._walk(item)
        elif isinstance(node, dict):
            kind = node.get("type")
            if kind == "TABLE_FUNCTION" and node["function"]["function_name"] in _READERS:
                self.calls.append((list(_find_texts(node)), {name.lower() for name in _find_columns(node)}))
                return
            if kind == "BASE_TABLE" and node["table_name"].endswith(".parquet"):
                self.calls.append(([node["table_name"]], set()))
            if kind == "COLUMN_REF":
                self.columns.add(node["column_names"][-1].lower())
            self.takes_all = self.takes_all or kind == "STAR"
            for item in node.values():
                self._walk(item)


def _find_texts(node: Any) -> Iterator[str]:
    """Yield the texts in the first argument of a call: its globs."""
    first = (node["function"].get("arguments") or node["function"].get("children"))[0]
    for item in _walk_nodes(first):
        literal = item.get("literal", item.get("value"))
        text = literal.get("text", literal.get("value")) if isinstance(literal, dict) else None
        if item.get("class") == "CONSTANT" and isinstance(text, str):
            yield text


def _find_columns(node: Any) -> Iterator[str]:
    for item in _walk_nodes(node):
        if item.get("type") == "COLUMN_REF":
            yield item["column_names"][-1]


def _walk_nodes(node: Any) -> Iterator[dict[str, Any]]:
    items = node if isinstance(node, list) else node.values() if isinstance(node, dict) else ()
    if isinstance(node, dict):
        yield node
    for item in items:
        yield from _walk_nodes(item)


def _check_first_file(files: _Files, united: Mapping[str, str], reads: FileReads) -> None:
    fix = (
        "Write union_by_name = true into read_parquet of the query, or write the files with the same columns and types."
    )
    for name in filter(reads.uses, files.list_partial()):
        if name in files.first:
            raise DataError(
                f"the column {name} must be in every file that the query reads",
                got=f"{files.counts[name]} of {len(files.names)} files with it, {files.describe_types(name)}",
                fix=fix,
            )
        log.warning("The column %s is not in the first file, %s, and is left out.", name, files.names[0])
    for name in filter(reads.uses, files.first):
        if len(files.types[name]) > 1 and united[name] != files.first[name]:
            raise _make_type_error(files, name, fix)


def _make_type_error(files: _Files, name: str, fix: str) -> DataError:
    return DataError(
        f"the column {name} must have one type in all files, or types that DuckDB unites without loss",
        got=files.describe_types(name),
        fix=fix,
    )


def _describe(connection: duckdb.DuckDBPyConnection, patterns: Sequence[str], options: str) -> dict[str, str]:
    """Return the type of each column that DuckDB reads from files."""
    texts = ", ".join(map(quote_text, patterns))
    rows = connection.sql(f"FROM read_parquet([{texts}]{', ' if options else ''}{options})")
    return dict(zip(rows.columns, map(str, rows.types), strict=True))

"""What DuckDB finds out about the columns of files or of rows from a database, for `retrain init --from`."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date, datetime, time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import duckdb

from retrain.adapters.sql_quoting import quote_name, quote_text
from retrain.errors import DataError, NotFoundError

if TYPE_CHECKING:
    from pandas import DataFrame

__all__ = ["ColumnProfile", "TableProfile", "profile_files", "profile_rows", "scan_files"]

_FEW: Final = 20
"""The values of a column are listed up to this number."""
_READERS: Final = {".csv": "read_csv", ".tsv": "read_csv", ".parquet": "read_parquet"}


@dataclass(frozen=True)
class ColumnProfile:
    """One column.

    Attributes:
        kind: DuckDB's type.
        distinct: About how many different values it has; missing ones do not count.
        low: The least number or time; None for other types.
        high: The greatest one.
        values: All values as texts, if they are few.
    """

    name: str
    kind: str
    missing: int
    distinct: int
    low: Any
    high: Any
    values: tuple[str, ...]

    @property
    def is_time(self) -> bool:
        """Whether it holds moments."""
        return self.kind.startswith(("TIMESTAMP", "DATE"))

    @property
    def is_number(self) -> bool:
        """Whether it holds numbers."""
        return self.is_whole or self.kind in {"FLOAT", "DOUBLE"} or self.kind.startswith("DECIMAL")

    @property
    def is_whole(self) -> bool:
        """Whether it holds whole numbers."""
        return self.kind.removeprefix("U") in {"TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT"}

    @property
    def is_text(self) -> bool:
        """Whether it holds texts."""
        return self.kind == "VARCHAR" or self.kind.startswith("ENUM")


@dataclass(frozen=True)
class TableProfile:
    """All columns, in their order."""

    rows: int
    columns: tuple[ColumnProfile, ...]


def scan_files(pattern: str) -> str:
    """Return the table function that reads the files of a glob; columns meet by their names.

    Raises:
        DataError: The files are of no known type.
    """
    reader = _READERS.get(Path(pattern.removesuffix(".gz")).suffix)
    if reader is None:
        raise DataError(
            "the files must be CSV or Parquet", got=Path(pattern).name, fix="Name them with .csv, .csv.gz or .parquet."
        )
    return f"{reader}({quote_text(pattern)}, union_by_name = true, hive_partitioning = false)"


def profile_files(pattern: str) -> TableProfile:
    """Return the profile of the files of a glob, all rows read.

    Raises:
        NotFoundError: No file matches.
        DataError: A file cannot be read.
    """
    root = Path(pattern).anchor
    if not any(Path(root).glob(str(Path(pattern).relative_to(root)))):
        raise NotFoundError("a file must match --from", got=f"none at {pattern}", fix="Check the path; quote a glob.")
    with _open_duckdb() as connection:
        return _profile(connection.sql(f"FROM {scan_files(pattern)}"))


def profile_rows(rows: DataFrame) -> TableProfile:
    """Return the profile of rows."""
    with _open_duckdb() as connection:
        return _profile(connection.from_df(rows))


@contextmanager
def _open_duckdb() -> Iterator[duckdb.DuckDBPyConnection]:
    connection = duckdb.connect()
    try:
        connection.execute("SET TimeZone = 'UTC'")
        yield connection
    except duckdb.Error as error:
        raise DataError(
            "the data must be readable", got=type(error).__name__, fix="Check the path, its quotes and the files."
        ) from None
    finally:
        connection.close()


def _profile(rows: duckdb.DuckDBPyRelation) -> TableProfile:
    """Return the profile of rows: one pass for all columns, and one for each column of few values."""
    kinds = [str(kind) for kind in rows.types]
    found = [ColumnProfile(name, kind, 0, 0, None, None, ()) for name, kind in zip(rows.columns, kinds, strict=True)]
    count, *facts = _fetch_row(rows.aggregate(", ".join(["count(*)", *map(_ask_facts, found)])))
    columns = []
    for number, column in enumerate(found):
        present, distinct, low, high = facts[4 * number : 4 * number + 4]
        values: tuple[str, ...] = ()
        if distinct <= 2 * _FEW and (column.is_text or column.is_whole or column.kind == "BOOLEAN"):
            exact = _list_values(rows, column)
            distinct = len(exact)
            values = exact if distinct <= _FEW else ()
        bounds = {"low": _plain(low), "high": _plain(high)}
        columns.append(replace(column, missing=count - present, distinct=distinct, values=values, **bounds))
    return TableProfile(count, tuple(columns))


def _ask_facts(column: ColumnProfile) -> str:
    """Return the four aggregates of a column; numbers that are not finite count as missing."""
    value = quote_name(column.name)
    if column.kind in {"FLOAT", "DOUBLE"}:
        value = f"CASE WHEN isfinite({value}) THEN {value} END"
    bounds = f"min({value}), max({value})" if column.is_number or column.is_time else "NULL, NULL"
    return f"count({value}), approx_count_distinct({value}), {bounds}"


def _list_values(rows: duckdb.DuckDBPyRelation, column: ColumnProfile) -> tuple[str, ...]:
    values = rows.project(f"{quote_name(column.name)}::VARCHAR").distinct().fetchall()
    return tuple(sorted(str(value) for (value,) in values if value is not None))


def _fetch_row(rows: duckdb.DuckDBPyRelation) -> tuple[Any, ...]:
    row: tuple[Any, ...] = rows.fetchall()[0]
    return row


def _plain(value: Any) -> Any:
    """Return a bound as a float or a naive moment in UTC."""
    if isinstance(value, datetime):
        return value.replace(tzinfo=None)
    if isinstance(value, date):
        return datetime.combine(value, time.min)
    return None if value is None else float(value)

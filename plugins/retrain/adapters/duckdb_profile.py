"""What DuckDB finds out about the columns of files or of rows from a database, for `retrain init --from`."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import duckdb

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
    quoted = pattern.replace("'", "''")
    return f"{reader}('{quoted}', union_by_name = true, hive_partitioning = false)"


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
        return _profile(connection, scan_files(pattern))


def profile_rows(rows: DataFrame) -> TableProfile:
    """Return the profile of rows."""
    with _open_duckdb() as connection:
        connection.register("rows_of_the_source", rows)
        return _profile(connection, "rows_of_the_source")


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


def _profile(connection: duckdb.DuckDBPyConnection, source: str) -> TableProfile:
    kinds = [(name, kind) for name, kind, *_ in connection.sql(f"DESCRIBE SELECT * FROM {source}").fetchall()]  # noqa: S608
    rows = int(_fetch_row(connection, f"SELECT count(*) FROM {source}")[0])  # noqa: S608 - quoted by scan_files
    return TableProfile(rows, tuple(_profile_column(connection, source, rows, *column) for column in kinds))


def _profile_column(
    connection: duckdb.DuckDBPyConnection, source: str, rows: int, name: str, kind: str
) -> ColumnProfile:
    column = '"' + name.replace('"', '""') + '"'
    if kind in {"FLOAT", "DOUBLE"}:
        column = f"CASE WHEN isfinite({column}) THEN {column} END"
    found = ColumnProfile(name, kind, 0, 0, None, None, ())
    spread = f"min({column}), max({column})" if found.is_number or found.is_time else "NULL, NULL"
    sql = f"SELECT count({column}), approx_count_distinct({column}), {spread} FROM {source}"  # noqa: S608 - quoted above
    present, distinct, low, high = _fetch_row(connection, sql)
    values: tuple[str, ...] = ()
    if distinct <= 2 * _FEW and (found.is_text or found.is_whole or kind == "BOOLEAN"):
        sql = f"SELECT DISTINCT {column}::VARCHAR FROM {source} WHERE {column} IS NOT NULL ORDER BY 1"  # noqa: S608
        exact = [str(value) for (value,) in connection.sql(sql).fetchall()]
        distinct = len(exact)
        values = tuple(exact) if distinct <= _FEW else ()
    return ColumnProfile(name, kind, rows - int(present), int(distinct), _plain(low), _plain(high), values)


def _fetch_row(connection: duckdb.DuckDBPyConnection, sql: str) -> tuple[Any, ...]:
    row: tuple[Any, ...] = connection.sql(sql).fetchall()[0]
    return row


def _plain(value: Any) -> Any:
    """Return a bound as a float or a naive moment in UTC."""
    if value is None or isinstance(value, datetime):
        return value if value is None else value.replace(tzinfo=None)
    return datetime(value.year, value.month, value.day) if isinstance(value, date) else float(value)  # noqa: DTZ001

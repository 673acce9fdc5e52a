"""Point-in-time snapshots through DuckDB: one ordered read of the window, cut into calendar chunks."""

from __future__ import annotations

import functools
import logging
import re
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from retrain.adapters.content_store import ContentStore
from retrain.adapters.extensions import load_source
from retrain.adapters.source_files import MixedColumn, check_query_files, read_source_files
from retrain.adapters.sql_quoting import quote_name
from retrain.core.data.snapshot import Chunk, Part, Snapshot
from retrain.core.data.window import Window
from retrain.core.digest import digest_json
from retrain.core.spec import BUILT_IN_READER, DataSpec, PipelineSpec
from retrain.errors import DataError

if TYPE_CHECKING:
    from pandas import DataFrame

__all__ = ["DuckDBSnapshots", "RunQuery", "check_query"]

log = logging.getLogger(__name__)

_USABLE: Final = re.compile(
    r"BOOLEAN|U?(TINY|SMALL|BIG|HUGE)?INT(EGER)?|FLOAT|DOUBLE|DECIMAL\(.*|VARCHAR|JSON|UUID|ENUM\(.*\)|DATE|TIMESTAMP.*|\"NULL\""
)
"""DuckDB's names of the types that `model_types` maps."""

RunQuery = Callable[[str, str, Mapping[str, Any]], "DataFrame"]
"""Runs a query on the user's database: (connection id, SQL with :named parameters, parameters) to rows."""


class DuckDBSnapshots:
    """The `SnapshotStore` over DuckDB and a content store.

    Args:
        store: The store of chunks and manifests.
        run_query: Runs the SQL of specs that name a connection.
    """

    def __init__(self, store: ContentStore, run_query: RunQuery | None = None) -> None:
        self._store = store
        self._run_query = run_query

    def take(self, spec: PipelineSpec, window: Window) -> Snapshot:
        """Read the window, store its chunks and manifest, and return the manifest."""
        data, columns = spec.data, _Columns(spec)
        with _open_duckdb(spec.root) as connection:
            source, mixed = self._register_source(connection, spec, window)
            rows = connection.sql(f"FROM {source}")
            kinds = dict(zip(rows.columns, map(str, rows.types), strict=True))
            columns.check(kinds)
            table = _read_ordered_rows(connection, source, kinds, columns, window)
            _check_exact(table, mixed)
            _check_storable(table)
            chunks = tuple(self._store_chunks(table, data, window))
            train, holdout = _count_rows(table, data.event_time, window)
        described = tuple((field.name, str(field.type)) for field in table.schema)
        snapshot = Snapshot(_digest_source(spec), window, data.event_time, described, chunks, train, holdout)
        self._store.put_json("snapshots", snapshot.to_json())
        return snapshot

    def load(self, digest: str) -> Snapshot:
        """Return a stored manifest."""
        return Snapshot.from_json(self._store.get_json("snapshots", digest))

    def files(self, snapshot: Snapshot) -> list[Path]:
        """Return the verified chunks as local Parquet files."""
        return [self._store.local_file("chunks", chunk.sha256, ".parquet") for chunk in snapshot.chunks]

    def frame(self, snapshot: Snapshot, part: Part, columns: Sequence[str]) -> DataFrame:
        """Return the rows of one part as a pandas DataFrame, ordered as they are stored."""
        start, end = map(_to_naive_utc, snapshot.span(part))
        time, selection = quote_name(snapshot.event_time), ", ".join(map(quote_name, columns))
        sql = f"SELECT {selection} FROM read_parquet($files) WHERE {time} >= $start AND {time} < $end"  # noqa: S608 - quoted
        with _open_duckdb(Path.cwd()) as connection:
            files = [str(path) for path in self.files(snapshot)]
            rows: DataFrame = connection.sql(sql, params={"files": files, "start": start, "end": end}).df()
            return rows

    def _register_source(
        self, connection: duckdb.DuckDBPyConnection, spec: PipelineSpec, window: Window
    ) -> tuple[str, list[MixedColumn]]:
        """Return the SQL of the source, and the columns that are whole in one of its files and fractional in another."""
        data = spec.data
        first = next(window.periods(data.chunk))[0]
        if data.reader != BUILT_IN_READER:
            return _register(connection, load_source(spec).read(spec, first, window.end)), []
        if data.source is not None:
            return read_source_files(connection, data.source, _Columns(spec).named, spec.root)
        query = _read_query(spec)
        if data.connection is None:
            return f"(\n{query}\n)", check_query_files(connection, query, spec.root)
        if self._run_query is None:
            raise DataError(
                "a spec with `connection` needs Airflow's connections", got=data.connection, fix="Run it in Airflow."
            )
        time = quote_name(data.event_time)
        bounded = f"SELECT * FROM (\n{query}\n) AS source WHERE ({time} >= :start AND {time} < :end) OR {time} IS NULL"  # noqa: S608 - quoted
        return _register(connection, self._run_query(data.connection, bounded, {"start": first, "end": window.end})), []

    def _store_chunks(self, table: pa.Table, data: DataSpec, window: Window) -> Iterator[Chunk]:
        times = table.column(data.event_time).to_numpy()
        for start, end in window.periods(data.chunk):
            low, high = (int(times.searchsorted(_datetime64(instant))) for instant in (start, end))
            if low == high:
                continue
            with tempfile.TemporaryDirectory() as folder:
                path = Path(folder) / "chunk.parquet"
                rows = table.slice(low, high - low).combine_chunks()
                pq.write_table(rows, path, compression="zstd", write_page_checksum=True)
                yield Chunk(
                    start, end, self._store.put_file("chunks", path, ".parquet"), high - low, path.stat().st_size
                )


class _Columns:
    """The columns that a spec names."""

    def __init__(self, spec: PipelineSpec) -> None:
        data = spec.data
        self._spec = spec
        named = [data.event_time, data.ingestion_time, data.label, *(data.features or ()), *spec.score_columns]
        self.named = [name for name in dict.fromkeys(named) if name]
        self.data = data
        self._grouped = [data.label, *spec.score_columns]

    def check(self, kinds: Mapping[str, str]) -> None:
        """Check that every column exists and that the event time is a time.

        Raises:
            DataError: A column is missing, the event time has another type, or a column has a type that no model can read.
        """
        missing = [name for name in self.named if name not in kinds]
        if missing:
            raise DataError(
                f"the data must have the columns {', '.join(self.named)}",
                got=f"none named {', '.join(missing)} among {', '.join(kinds)}",
                fix="Fix the query or the names in the spec.",
            )
        event_time = self.data.event_time
        if not kinds[event_time].startswith(("TIMESTAMP", "DATE")):
            raise DataError(
                f"event_time {event_time} must be a timestamp or a date",
                got=kinds[event_time],
                fix="Cast it in the query.",
            )
        nested = [f"{name} ({kinds[name]})" for name in self._grouped if _is_nested(kinds.get(name, ""))]
        if nested:
            raise DataError(
                "the label and the columns of slices and gates must hold plain values, not lists or structures",
                got=", ".join(dict.fromkeys(nested)),
                fix="Take one value out of it in the query, or leave the column out.",
            )
        self._check_usable(kinds)

    def _check_usable(self, kinds: Mapping[str, str]) -> None:
        """Check the types of the features, and that Parquet can store the other columns."""
        features = self._spec.feature_columns(list(kinds))
        refused = [
            f"{name} of type {kind}"
            for name, kind in kinds.items()
            if kind == "INTERVAL" or (name in features and not _USABLE.fullmatch(kind))
        ]
        if refused:
            raise DataError(
                "a column must be a number, a boolean, a text, a date or a timestamp",
                got=", ".join(refused),
                fix="Cast it in the query, such as an interval to its seconds, or leave it out.",
            )

    def find_indexes(self, kinds: Mapping[str, str]) -> list[str]:
        """Return the columns in which pandas stored an index, less those that the spec names."""
        return [name for name in kinds if re.fullmatch(r"__index_level_\d+__", name) and name not in self.named]


def _is_nested(kind: str) -> bool:
    return kind.endswith("]") or kind.startswith(("STRUCT", "MAP", "UNION", "BLOB"))


def _register(connection: duckdb.DuckDBPyConnection, rows: DataFrame) -> str:
    connection.register("rows_of_the_source", rows)
    return "rows_of_the_source"


def _read_ordered_rows(
    connection: duckdb.DuckDBPyConnection, source: str, kinds: Mapping[str, str], columns: _Columns, window: Window
) -> pa.Table:
    """Read whole periods up to the window's end, ordered by event time and every other column, which fixes the bytes.

    Raises:
        DataError: Too many rows have no event time or ingestion time, so that nobody knows which window they belong to.
    """
    data = columns.data
    name, time = quote_name(data.event_time), _cast_to_utc(data.event_time, kinds)
    first = next(window.periods(data.chunk))[0]
    bounds = {"start": _to_naive_utc(first), "end": _to_naive_utc(window.end)}
    known = ""
    if data.ingestion_time is not None:
        ingested = _cast_to_utc(data.ingestion_time, kinds)
        known = f"AND ({ingested} <= $as_of OR {ingested} IS NULL)"
        bounds["as_of"] = _to_naive_utc(window.as_of)
    left_out = ", ".join(map(quote_name, [data.event_time, *columns.find_indexes(kinds)]))
    sql = f"""
        SELECT {time} AS {name}, * EXCLUDE ({left_out}) FROM {source}
        WHERE ({time} >= $start AND {time} < $end {known}) OR {time} IS NULL
        ORDER BY ALL
    """  # noqa: S608 - identifiers are quoted, the source is the spec owner's own SQL
    return _drop_timeless_rows(connection.sql(sql, params=bounds).to_arrow_table(), data)


def _drop_timeless_rows(table: pa.Table, data: DataSpec) -> pa.Table:
    times = [name for name in (data.event_time, data.ingestion_time) if name is not None]
    counts = {name: table.column(name).null_count for name in times}
    if not any(counts.values()):
        return table
    complete = functools.reduce(pc.and_, [pc.is_valid(table.column(name)) for name in times])
    kept = table.filter(complete)
    empty = ", ".join(f"{count:,} without {name}" for name, count in counts.items() if count)
    dropped = table.num_rows - kept.num_rows
    if dropped > data.max_timeless * table.num_rows:
        raise DataError(
            f"the rows must have a time in {' and '.join(times)}, but for a share of {data.max_timeless:g}",
            got=f"{empty}, of {table.num_rows:,} rows of the window or without a time",
            fix="Fix the source or leave such rows out in a query, or allow a share of them by data.max_timeless.",
        )
    log.warning("%d of %d rows are left out, because they have no time: %s.", dropped, table.num_rows, empty)
    return kept


def _check_exact(table: pa.Table, mixed: Sequence[MixedColumn]) -> None:
    """Check that no whole number became another one by its column's type of fractions.

    Raises:
        DataError: A value is too great for the type to hold every whole number.
    """
    for column in mixed:
        if column.name not in table.column_names or not pa.types.is_floating(table.schema.field(column.name).type):
            continue
        greatest = pc.max(pc.abs(table.column(column.name))).as_py()
        if greatest is not None and greatest >= column.exact_up_to:
            raise DataError(
                f"the whole numbers in {column.name} must fit into the type that its files have in common",
                got=f"some of {column.exact_up_to:,} or more, with {column.types}",
                fix="Write the files with one type, or cast the column in a query.",
            )


def _check_storable(table: pa.Table) -> None:
    """Check that Parquet can hold every column.

    Raises:
        DataError: A column has a type that it cannot hold, such as an interval.
    """
    for field in table.schema:
        try:
            pq.ParquetWriter(pa.BufferOutputStream(), pa.schema([field])).close()
        except pa.ArrowException:
            raise DataError(
                "every column must have a type that Parquet can hold",
                got=f"{field.name} ({field.type})",
                fix="Turn it into a number or a text in the query, such as epoch(waiting_time), or leave it out.",
            ) from None


def _cast_to_utc(name: str, kinds: Mapping[str, str]) -> str:
    """Return the SQL expression of a time as naive UTC; DuckDB's cast of a zoned time would use the machine's zone."""
    if kinds[name] == "TIMESTAMP WITH TIME ZONE":
        return f"make_timestamp(epoch_us({quote_name(name)}))"
    return f"{quote_name(name)}::TIMESTAMP"


def _count_rows(table: pa.Table, event_time: str, window: Window) -> tuple[int, int]:
    times = table.column(event_time).to_numpy()
    ranges = (window.train_start, window.train_end), (window.holdout_start, window.end)
    train, holdout = (
        int(times.searchsorted(_datetime64(end)) - times.searchsorted(_datetime64(start))) for start, end in ranges
    )
    return train, holdout


def check_query(spec: PipelineSpec) -> None:
    """Parse the query of a spec for DuckDB, by itself and as the subquery that it will be, without running it.

    Raises:
        DataError: The file cannot be read, or does not hold one query.
    """
    query = _read_query(spec)
    with _open_duckdb(spec.root) as connection:
        if not connection.extract_statements(query):
            raise DataError(f"the query {spec.data.query} must hold one SELECT", got="none", fix="Write it there.")
        connection.extract_statements(f"FROM (\n{query}\n)")


def _read_query(spec: PipelineSpec) -> str:
    path = spec.root / str(spec.data.query)
    try:
        return path.read_text(encoding="utf-8").strip().rstrip(";")
    except OSError as error:
        raise DataError(
            f"the query {spec.data.query} must be a readable file", got=type(error).__name__, fix="Check data.query."
        ) from error


def _digest_source(spec: PipelineSpec) -> str:
    data = spec.data
    reader = [] if data.reader == BUILT_IN_READER else [data.reader]
    return digest_json(
        [data.source or _read_query(spec), data.connection, data.event_time, data.ingestion_time, *reader]
    )


@contextmanager
def _open_duckdb(root: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """Open an in-memory DuckDB whose relative paths start at `root`; turn its errors into `DataError` without row values."""
    connection = duckdb.connect()
    try:
        connection.execute("SET file_search_path = ?", [str(root)])
        connection.execute("SET TimeZone = 'UTC'")  # otherwise the bytes of zoned columns depend on the machine
        yield connection
    except duckdb.Error as error:
        raise _make_data_error(error, root) from None
    finally:
        connection.close()


def _make_data_error(error: duckdb.Error, root: Path) -> DataError:
    """Return an error with DuckDB's first line for SQL mistakes; any other message may hold values, so only kind and file."""
    message = str(error)
    if isinstance(error, duckdb.BinderException | duckdb.CatalogException | duckdb.ParserException):
        got = message.splitlines()[0]
    else:
        named = set(re.findall(r"[\w.\-/*]+\.(?:parquet|csv|json)", message))
        files = sorted(
            name for name in named if "*" in name or (root / name).is_file()
        )  # a row value may look like a file name
        got = " of ".join([type(error).__name__, *([", ".join(files)] if files else [])])
    return DataError("the source must be readable", got=got, fix="Fix the file or the query, then retrain again.")


def _to_naive_utc(instant: datetime) -> datetime:
    return instant.astimezone(UTC).replace(tzinfo=None)


def _datetime64(instant: datetime) -> np.datetime64:
    return np.datetime64(_to_naive_utc(instant))

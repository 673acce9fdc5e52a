"""Files of one source that differ in their columns: united without loss, or refused by column, type and file."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from tests.builders import World, make_request, make_rows

from retrain.adapters.duckdb_snapshots import DuckDBSnapshots
from retrain.core.data.snapshot import Part
from retrain.errors import DataError

MakeWorld = Callable[..., World]
QUERY: dict[str, Any] = {"data__source": None, "data__query": "rows.sql"}
JUNE = "2024-06.parquet"


def edit(world: World, name: str, column: str, values: Any) -> None:
    """Replace a column of one file; None drops it."""
    path = world.root / "source" / name
    table = pq.read_table(path)
    if column in table.column_names:
        table = table.drop_columns([column])
    if values is not None:
        table = table.append_column(column, pa.array(values(table.num_rows)))
    pq.write_table(table, path)


def edit_all(world: World, column: str, values: Any) -> None:
    for path in (world.root / "source").glob("*.parquet"):
        edit(world, path.name, column, values)


def query(world: World, sql: str, **changes: Any) -> None:
    (world.root / "rows.sql").write_text(sql)
    world.respec(**QUERY, **changes)


def read(world: World, column: str) -> pd.Series[Any]:
    snapshot = world.snapshot()
    parts = [world.snapshots.frame(snapshot, part, [column])[column] for part in Part]
    rows: pd.Series[Any] = pd.concat(parts, ignore_index=True)
    return rows


@pytest.fixture
def whole_then_fractional(world: World) -> World:
    """A world whose column `visits` is whole, but fractional in June."""
    edit_all(world, "visits", lambda rows: np.ones(rows, dtype=np.int64))
    edit(world, JUNE, "visits", lambda rows: np.full(rows, 1.5))
    return world


def test_a_source_whose_column_is_fractional_in_a_later_file_is_not_rounded(whole_then_fractional: World) -> None:
    assert set(read(whole_then_fractional, "visits")) == {1.0, 1.5}


@pytest.mark.parametrize(
    "files", ["read_parquet('source/*.parquet')", "'source/*.parquet'", "parquet_scan(['source/*.parquet'])"]
)
@pytest.mark.parametrize("columns", ["*", "at, label, signal, other, visits", "* REPLACE (visits + 1 AS visits)"])
def test_a_query_that_would_round_a_column_is_refused_by_column_types_and_files(
    whole_then_fractional: World, files: str, columns: str
) -> None:
    columns = columns.replace("at,", '"at",')
    query(whole_then_fractional, f"WITH r AS (SELECT {columns} FROM {files}) SELECT * FROM r")
    with pytest.raises(DataError, match="the column visits must have one type in all files") as caught:
        whole_then_fractional.snapshot()
    assert caught.value.got == "BIGINT in source/2024-01.parquet, DOUBLE in source/2024-06.parquet"
    assert "union_by_name = true" in caught.value.fix


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT * FROM read_parquet('source/*.parquet', union_by_name = true)",
        "SELECT \"at\", label, signal, other, 1.5 AS visits FROM read_parquet('source/*.parquet')",
    ],
)
def test_a_query_that_unites_by_name_or_does_not_use_the_column_is_taken(
    whole_then_fractional: World, sql: str
) -> None:
    query(whole_then_fractional, sql)
    assert 1.5 in set(read(whole_then_fractional, "visits"))


def test_a_column_that_is_fractional_first_and_whole_later_is_taken(world: World) -> None:
    edit_all(world, "visits", lambda rows: np.full(rows, 1.5))
    edit(world, JUNE, "visits", lambda rows: np.ones(rows, dtype=np.int64))
    query(world, "SELECT * FROM read_parquet('source/*.parquet')")
    assert set(read(world, "visits")) == {1.0, 1.5}


@pytest.mark.parametrize("by_query", [False, True])
def test_a_whole_number_that_the_common_type_cannot_hold_is_refused(
    whole_then_fractional: World, by_query: bool
) -> None:
    edit(whole_then_fractional, "2024-05.parquet", "visits", lambda rows: np.full(rows, 2**53 + 1))
    if by_query:
        query(whole_then_fractional, "SELECT * FROM read_parquet('source/*.parquet', union_by_name = true)")
    with pytest.raises(
        DataError, match=r"the whole numbers in visits must fit into .* got some of 9,007,199,254,740,992 or more"
    ):
        whole_then_fractional.snapshot()


def test_a_column_without_a_value_in_the_first_file_takes_the_type_of_the_others(world: World) -> None:
    edit_all(world, "plan", lambda rows: ["basic"] * rows)
    edit(world, "2024-01.parquet", "plan", lambda rows: [None] * rows)
    assert set(read(world, "plan")) == {"basic"}
    query(world, "SELECT * FROM read_parquet('source/*.parquet')")
    with pytest.raises(
        DataError, match=r'the column plan .*got "NULL" in source/2024-01.parquet, VARCHAR in source/2024-02'
    ):
        world.snapshot()


def test_a_text_in_one_file_and_a_number_in_another_are_refused(world: World) -> None:
    edit_all(world, "plan", lambda rows: ["1"] * rows)
    edit(world, JUNE, "plan", lambda rows: [1] * rows)
    with pytest.raises(
        DataError, match=r"the column plan must have one type.*VARCHAR in .*, BIGINT in .*2024-06.parquet"
    ):
        world.snapshot()


@pytest.mark.parametrize(("file", "other"), [("2024-01.parquet", "later"), (JUNE, "first")])
def test_a_column_that_a_file_of_a_source_lacks_is_empty_there_and_said(
    world: World, caplog: pytest.LogCaptureFixture, file: str, other: str
) -> None:
    edit_all(world, "plan", lambda rows: ["basic"] * rows)
    edit(world, file, "plan", None)
    plans = read(world, "plan")
    assert plans.isna().any() is np.bool_(other == "first")  # January is not in the window
    assert "The column plan is not in every file of source/*.parquet" in caplog.text


def test_a_column_that_a_later_file_of_a_query_lacks_is_refused_by_its_name(world: World) -> None:
    edit_all(world, "plan", lambda rows: ["basic"] * rows)
    edit(world, JUNE, "plan", None)
    query(world, "SELECT * FROM read_parquet('source/*.parquet')")
    with pytest.raises(DataError, match="the column plan must be in every file that the query reads; got 6 of 7 files"):
        world.snapshot()
    query(world, "SELECT * EXCLUDE (plan) FROM read_parquet('source/*.parquet', union_by_name = true)")
    assert world.snapshot().holdout_rows


def test_a_column_that_only_later_files_of_a_query_have_is_said(world: World, caplog: pytest.LogCaptureFixture) -> None:
    edit(world, JUNE, "plan", lambda rows: ["basic"] * rows)
    query(world, "SELECT * FROM read_parquet('source/*.parquet')")
    assert "plan" not in dict(world.snapshot().columns)
    assert "The column plan is not in the first file, source/2024-01.parquet, and is left out" in caplog.text


def test_a_nested_field_is_not_taken_for_a_column_of_that_name(world: World) -> None:
    edit_all(world, "visits", lambda rows: np.ones(rows, dtype=np.int64))
    edit(world, JUNE, "nested", lambda rows: [{"visits": 1.5, "deep": {"visits": "x"}}] * rows)
    query(world, "SELECT * FROM read_parquet('source/*.parquet')")
    assert dict(world.snapshot().columns)["visits"] == "int64"


# Columns that nobody asked for


@pytest.fixture
def partitioned(world: World) -> World:
    """A world whose files are in folders such as month=2024-06/zone=a."""
    for path in sorted((world.root / "source").glob("*.parquet")):
        folder = world.root / "parts" / f"month={path.stem}" / "zone=a"
        folder.mkdir(parents=True)
        path.rename(folder / "rows.parquet")
    return world


def test_columns_of_folders_are_read_only_if_the_spec_names_them(
    partitioned: World, caplog: pytest.LogCaptureFixture
) -> None:
    source = {"data__source": "parts/**/*.parquet", "data__features": None}
    partitioned.respec(**source)
    assert not {"month", "zone"} & set(dict(partitioned.snapshot().columns))
    assert "The columns ['month', 'zone'] of the folders' names are left out" in caplog.text
    partitioned.respec(**source, evaluation__slices=["zone"])
    columns = dict(partitioned.snapshot().columns)
    assert (columns.get("zone"), columns.get("month")) == ("string", None)


def test_a_query_that_takes_columns_of_folders_is_told_so(partitioned: World, caplog: pytest.LogCaptureFixture) -> None:
    query(partitioned, "SELECT * FROM read_parquet('parts/**/*.parquet')")
    assert "zone" in dict(partitioned.snapshot().columns)
    assert "The columns ['month', 'zone'] come from the names of folders" in caplog.text


def test_the_index_that_pandas_stored_is_never_a_feature(world: World) -> None:
    edit_all(world, "__index_level_0__", range)
    world.respec(data__features=None)
    snapshot = world.snapshot()
    assert set(dict(snapshot.columns)) == {"at", "signal", "other", "place", "label"}
    world.respec(data__features=["signal", "__index_level_0__"])
    assert "__index_level_0__" in dict(world.snapshot().columns)


@pytest.mark.parametrize(
    ("value", "got"),
    [("INTERVAL 1 DAY", "got waiting of type INTERVAL"), ("union_value(a := 1)", r"got waiting \(sparse_union")],
)
def test_a_type_that_no_estimator_or_parquet_can_hold_is_refused_by_its_column(
    world: World, value: str, got: str
) -> None:
    query(world, f"SELECT *, {value} AS waiting FROM read_parquet('source/*.parquet')")
    with pytest.raises(DataError, match=got):
        world.snapshot()


# Rows without a time


def lose_times(make_world: MakeWorld, column: str, count: int, **changes: Any) -> World:
    rows = make_rows()
    rows["known"] = rows["at"].copy()
    world = make_world(rows=rows, data__ingestion_time="known", **changes)
    table = pq.read_table(world.root / "source" / JUNE).to_pandas()
    table.loc[table.index[:count], column] = pd.NaT
    table.to_parquet(world.root / "source" / JUNE, index=False)
    return world


@pytest.mark.parametrize("column", ["at", "known"])
def test_rows_without_a_time_are_counted_and_refused(make_world: MakeWorld, column: str) -> None:
    world = lose_times(make_world, column, 7)
    with pytest.raises(DataError, match="the rows must have a time in at and known") as caught:
        world.snapshot()
    assert caught.value.got.startswith(f"7 without {column}, of ")
    assert "data.max_timeless" in caught.value.fix


def test_a_share_of_rows_without_a_time_may_be_allowed_and_is_said(
    make_world: MakeWorld, caplog: pytest.LogCaptureFixture
) -> None:
    whole = make_world().snapshot()
    world = lose_times(make_world, "at", 7, data__max_timeless=0.05)
    snapshot = world.snapshot()
    stored, left = (sum(chunk.rows for chunk in each.chunks) for each in (whole, snapshot))
    assert stored - left == 7
    assert "7 of 726 rows are left out, because they have no time: 7 without at." in caplog.text
    world.respec(data__ingestion_time="known", data__max_timeless=0.009)
    with pytest.raises(DataError, match=r"but for a share of 0\.009; got 7 without at, of 726 rows"):
        world.snapshot()


def test_the_rows_of_a_connection_without_a_time_are_counted_as_well(world: World) -> None:
    def run(connection: str, sql: str, parameters: Mapping[str, Any]) -> pd.DataFrame:
        import duckdb

        with duckdb.connect() as database:
            bound = sql.replace(":start", "$start").replace(":end", "$end")
            naive = {name: at.replace(tzinfo=None) for name, at in parameters.items()}
            rows: pd.DataFrame = database.execute(bound, naive).df()
            return rows

    sql = f"SELECT * FROM read_parquet('{world.root}/source/*.parquet') UNION ALL BY NAME SELECT NULL::TIMESTAMP AS \"at\""
    query(world, sql, data__connection="warehouse")
    world.snapshots = DuckDBSnapshots(world.snapshots._store, run)
    with pytest.raises(DataError, match="got 1 without at, of "):
        world.snapshot(make_request())


@pytest.fixture(autouse=True)
def _say(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING)

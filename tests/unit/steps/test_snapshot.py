from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import duckdb
import numpy as np
import pyarrow.parquet as pq
import pytest
from tests.builders import AS_OF, World, make_request, make_rows, make_spec, spec_document, write_rows

from retrain.adapters.content_store import ContentStore
from retrain.adapters.duckdb_snapshots import DuckDBSnapshots
from retrain.core.data.snapshot import Part
from retrain.errors import DataError, IntegrityError

MakeWorld = Callable[..., World]
EMAIL = "ada.lovelace@example.org"


def only(rows: dict[str, Any], keep: Any) -> dict[str, Any]:
    return {name: values[keep] for name, values in rows.items()}


def chunk_times(world: World, snapshot: Any) -> list[Any]:
    return [pq.read_table(file, columns=["at"]).column("at").to_numpy() for file in world.snapshots.files(snapshot)]


# Point in time


def test_no_row_after_the_windows_end_is_in_any_chunk(world: World) -> None:
    snapshot = world.snapshot()
    end = np.datetime64(snapshot.window.end.replace(tzinfo=None))
    times = chunk_times(world, snapshot)
    assert max(time.max() for time in times) < end
    for chunk, time in zip(snapshot.chunks, times, strict=True):
        assert len(time) == chunk.rows
        assert np.datetime64(chunk.start.replace(tzinfo=None)) <= time.min()
        assert time.max() < np.datetime64(chunk.end.replace(tzinfo=None))


def test_a_row_on_the_very_end_is_out_and_one_a_microsecond_before_is_in(make_world: MakeWorld) -> None:
    rows = make_rows()
    end = np.datetime64("2024-06-30T00:00:00", "us")
    rows["at"][np.searchsorted(rows["at"], end) - 1] = end - np.timedelta64(1, "us")
    assert end in rows["at"]
    world = make_world(rows=rows)
    assert max(time.max() for time in chunk_times(world, world.snapshot())) == end - np.timedelta64(1, "us")


def test_no_row_that_became_known_after_as_of_is_in_any_chunk(make_world: MakeWorld) -> None:
    rows = make_rows()
    late = np.arange(len(rows["at"])) % 3 == 0
    as_of = np.datetime64(AS_OF.replace(tzinfo=None), "us")
    rows["known"] = np.where(late, as_of + np.timedelta64(1, "us"), as_of)
    rows["known"][1] = np.datetime64("NaT")
    world = make_world(rows=rows, data__ingestion_time="known")
    snapshot = world.snapshot()
    for file in world.snapshots.files(snapshot):
        assert pq.read_table(file).column("known").to_numpy().max() <= as_of
    everything = make_world(rows=rows).snapshot()
    assert 0 < snapshot.holdout_rows < everything.holdout_rows


def test_the_parts_hold_the_rows_of_their_ranges_and_no_others(world: World) -> None:
    snapshot = world.snapshot()
    window = snapshot.window
    train = world.snapshots.frame(snapshot, Part.TRAIN, ["at"])["at"]
    holdout = world.snapshots.frame(snapshot, Part.HOLDOUT, ["at"])["at"]
    assert (len(train), len(holdout)) == (snapshot.train_rows, snapshot.holdout_rows) == (540, 168)
    first, train_end, second, end = (
        instant.replace(tzinfo=None)
        for instant in (window.train_start, window.train_end, window.holdout_start, window.end)
    )
    assert first <= train.min() <= train.max() < train_end < second <= holdout.min() <= holdout.max() < end


@pytest.mark.parametrize(("delay", "between"), [(0, 0), (30, 30 * 6)])
def test_no_training_rows_label_was_decided_inside_the_holdout(make_world: MakeWorld, delay: int, between: int) -> None:
    world = make_world(data__label_delay=f"{delay}d", data__window={"train": "60d", "holdout": "28d"})
    snapshot = world.snapshot()
    train, holdout = (world.snapshots.frame(snapshot, part, ["at"])["at"] for part in (Part.TRAIN, Part.HOLDOUT))
    assert train.max() + timedelta(days=delay) < holdout.min()
    assert (len(train), len(holdout)) == (snapshot.train_rows, snapshot.holdout_rows) == (60 * 6, 28 * 6)
    stored = np.concatenate(chunk_times(world, snapshot))
    assert ((stored > train.max()) & (stored < holdout.min())).sum() == between


def test_a_query_gives_the_same_rows_as_its_source(world: World) -> None:
    (world.root / "rows.sql").write_text("SELECT * FROM read_parquet('source/*.parquet');\n")
    by_source = world.snapshot()
    world.respec(data__source=None, data__query="rows.sql")
    by_query = world.snapshot()
    assert by_query.chunks == by_source.chunks
    assert by_query.digest != by_source.digest


_IN_A_ZONE = """
import sys
from datetime import datetime
from pathlib import Path
from retrain.adapters.content_store import ContentStore
from retrain.adapters.duckdb_snapshots import DuckDBSnapshots
from retrain.core.spec import load_spec
root = Path(sys.argv[1])
spec = load_spec(root / "churn.yaml")
store = DuckDBSnapshots(ContentStore(str(root / "store-in-a-zone")))
print(store.take(spec, spec.window_at(datetime.fromisoformat(sys.argv[2]))).digest)
"""


@pytest.mark.integration
def test_zoned_times_give_the_same_snapshot_whatever_the_zone_of_the_machine(make_world: MakeWorld) -> None:
    import pyarrow as pa

    rows = make_rows()
    for name in ("at", "known"):
        rows[name] = pa.array(make_rows()["at"], type=pa.timestamp("us", tz="Europe/Berlin"))
    world = make_world()
    for file in (world.root / "source").iterdir():
        file.unlink()
    write_rows(world.root / "source", rows)
    document = spec_document(data__ingestion_time="known", data__features=["signal", "other"])
    (world.root / "churn.yaml").write_text(json.dumps(document))
    environment = os.environ | {"TZ": "America/New_York"}
    command = [sys.executable, "-c", _IN_A_ZONE, str(world.root), AS_OF.isoformat()]
    result = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    world.respec(data__ingestion_time="known")
    snapshot = world.snapshot()
    start = world.snapshots.frame(snapshot, Part.HOLDOUT, ["at"])["at"].min()
    assert result.stdout == f"{snapshot.digest}\n"
    assert start == snapshot.window.holdout_start.replace(tzinfo=None)


# The same data, the same bytes


def test_the_same_data_gives_the_same_digest_in_whatever_order_it_lies(make_world: MakeWorld) -> None:
    rows = make_rows()
    rows["at"] = rows["at"].astype("datetime64[D]").astype("datetime64[us]")  # six rows a day of one and the same time
    world = make_world(rows=rows)
    first = world.snapshot()
    shuffled = np.random.default_rng(1).permutation(len(rows["at"]))
    for file in (world.root / "source").iterdir():
        file.unlink()
    write_rows(world.root / "source", only(rows, shuffled))
    assert world.snapshot().digest == first.digest
    assert world.snapshots.load(first.digest) == first


def test_overlapping_windows_share_the_chunks_of_their_common_past(world: World) -> None:
    one, two = world.snapshot(), world.snapshot(make_request(as_of=AS_OF + timedelta(days=14)))
    shared = {chunk.sha256 for chunk in one.chunks} & {chunk.sha256 for chunk in two.chunks}
    assert {chunk.start.month for chunk in one.chunks if chunk.sha256 in shared} == {3, 4, 5}
    assert len(one.chunks) == 4
    assert len(list((world.root / "store" / "chunks").rglob("*.parquet"))) == len({*one.chunks, *two.chunks})


def test_a_changed_row_changes_one_chunk_and_the_digest(make_world: MakeWorld) -> None:
    rows = make_rows()
    world = make_world(rows=rows)
    one = world.snapshot()
    rows["signal"][int(np.searchsorted(rows["at"], np.datetime64("2024-05-15")))] += 1
    two = make_world(rows=rows).snapshot()
    assert two.digest != one.digest
    changed = [
        chunk.start.month for chunk, was in zip(two.chunks, one.chunks, strict=True) if chunk.sha256 != was.sha256
    ]
    assert changed == [5]


# Refused


@pytest.mark.parametrize("month", ["2024-05", "2024-06"])
def test_a_missing_month_is_refused_by_its_name(make_world: MakeWorld, month: str) -> None:
    rows = make_rows()
    world = make_world(rows=only(rows, rows["at"].astype("datetime64[M]") != np.datetime64(month)))
    with pytest.raises(DataError, match=f"to 2024-06-30 must hold rows; got none in the month of {month}-01"):
        world.snapshot()


def test_many_empty_days_are_counted_and_a_longer_chunk_is_offered(make_world: MakeWorld) -> None:
    rows = make_rows()
    monday_to_friday = np.is_busday(rows["at"].astype("datetime64[D]"))
    world = make_world(rows=only(rows, monday_to_friday), data__chunk="day")
    with pytest.raises(
        DataError, match=r"none in the day of (2024-\d\d-\d\d, ){9}2024-\d\d-\d\d and \d+ more\."
    ) as caught:
        world.snapshot()
    assert "or set a longer data.chunk if such a period is often empty" in caught.value.fix
    world.respec(data__chunk="week")
    assert world.snapshot().holdout_rows > 0


def test_the_sliver_of_a_month_that_has_just_begun_may_be_empty(make_world: MakeWorld) -> None:
    rows = make_rows()
    world = make_world(rows=only(rows, rows["at"] < np.datetime64("2024-06-01")))
    at_night = make_request(as_of=datetime(2024, 6, 2, 0, 30, tzinfo=UTC))
    assert world.snapshot(at_night).window.end == datetime(2024, 6, 1, 0, 30, tzinfo=UTC)
    with pytest.raises(DataError, match="none in the month of 2024-06-01"):
        world.snapshot(make_request(as_of=datetime(2024, 6, 5, tzinfo=UTC)))


def test_history_may_begin_inside_the_window(make_world: MakeWorld) -> None:
    rows = make_rows()
    world = make_world(rows=only(rows, rows["at"] >= np.datetime64("2024-05-10")))
    assert world.snapshot().train_rows == 22 * 6


@pytest.mark.parametrize("as_of", [datetime(2020, 1, 1, tzinfo=UTC), datetime(2025, 1, 1, tzinfo=UTC)])
def test_an_empty_window_is_refused(world: World, as_of: datetime) -> None:
    with pytest.raises(DataError, match=r"the window 20\d\d-09-03 to 20\d\d-12-31 must hold rows; got none"):
        world.snapshot(make_request(as_of=as_of))


@pytest.mark.parametrize(
    ("as_of", "message"),
    [
        (datetime(1, 1, 1, tzinfo=UTC), "a window must begin in the year 1 or later; got as-of 0001-01-01"),
        (datetime(1, 4, 1, tzinfo=UTC), "a window must begin in the year 1 or later"),
        (datetime(1, 5, 2, tzinfo=UTC), "must hold rows; got none"),
        (datetime(9999, 12, 31, 23, 59, tzinfo=UTC), "as-of must not be in the future"),
    ],
)
@pytest.mark.parametrize("chunk", ["hour", "day", "week", "month"])
def test_an_as_of_at_either_end_of_time_is_a_data_error(
    world: World, as_of: datetime, message: str, chunk: str
) -> None:
    world.respec(data__chunk=chunk)
    with pytest.raises(DataError, match=message):
        world.snapshot(make_request(as_of=as_of))


@pytest.mark.parametrize(("range_", "rows"), [("training", 540), ("holdout", 168)])
def test_too_few_rows_are_refused_by_range(world: World, range_: str, rows: int) -> None:
    world.respec(
        data__min_rows=rows + 1,
        **({} if range_ == "training" else {"data__window": {"train": "120d", "holdout": "28d"}}),
    )
    with pytest.raises(
        DataError, match=f"the {range_} range must hold at least {rows + 1} rows; got {rows} rows for as-of"
    ):
        world.snapshot()


def test_an_attempt_is_in_the_ledger_even_where_its_data_is_refused(world: World) -> None:
    request = make_request(as_of=datetime(2020, 1, 1, tzinfo=UTC))
    with pytest.raises(DataError, match="must hold rows; got none"):
        world.snapshot(request)
    (attempt,) = world.ledger.list_earlier_open(make_request())
    assert (attempt.origin, attempt.as_of) == (request.origin, request.as_of)


@pytest.mark.parametrize(
    ("changes", "missing"),
    [
        ({"data__label": "churned"}, "churned"),
        ({"data__features": ["signal", "age"]}, "age"),
        ({"data__ingestion_time": "known"}, "known"),
        ({"evaluation__slices": ["shop"]}, "shop"),
        ({"data__event_time": "happened"}, "happened"),
    ],
)
def test_a_missing_column_is_named_without_values(world: World, changes: dict[str, Any], missing: str) -> None:
    world.respec(**changes)
    with pytest.raises(DataError, match=f"got none named {missing} among at, signal, other, place, label"):
        world.snapshot()


@pytest.mark.parametrize(
    ("kind", "changes"),
    [
        ("INTEGER[]", {"evaluation__slices": ["odd"]}),
        ("STRUCT(a INTEGER)", {"gate": [{"check": "custom", "gate": "tests.gates:Good", "reads": ["odd"]}]}),
        ("MAP(VARCHAR, INTEGER)", {"data__label": "odd"}),
    ],
)
def test_a_list_or_a_structure_cannot_be_grouped_by(world: World, kind: str, changes: dict[str, Any]) -> None:
    sql = f"SELECT *, NULL::{kind} AS odd FROM read_parquet('source/*.parquet')"
    (world.spec.root / "q.sql").write_text(sql)
    world.respec(data__source=None, data__query="q.sql", **changes)
    with pytest.raises(DataError, match="must hold plain values, not lists or structures; got odd") as caught:
        world.snapshot()
    assert kind in caught.value.got


def test_an_event_time_that_is_no_time_is_refused(world: World) -> None:
    world.respec(data__event_time="place")
    with pytest.raises(DataError, match="event_time place must be a timestamp or a date; got VARCHAR"):
        world.snapshot()


@pytest.mark.parametrize("damage", ["cut", "empty", "text", "bytes"])
def test_a_damaged_source_file_is_named_without_values(world: World, damage: str) -> None:
    path = world.root / "source" / "2024-05.parquet"
    content = path.read_bytes()
    middle = content[:4] + bytes(len(content) // 2) + content[4 + len(content) // 2 :]
    path.write_bytes({"cut": content[:-50], "empty": b"", "text": EMAIL.encode() * 9, "bytes": middle}[damage])
    with pytest.raises(DataError, match=r"the source must be readable; got .*Fix the file or the query") as caught:
        world.snapshot()
    assert EMAIL not in str(caught.value)


def test_a_source_that_is_not_there_is_refused(world: World) -> None:
    world.respec(data__source="nothing/*.parquet")
    with pytest.raises(DataError, match=r"the source must be readable; got IOException of nothing/\*\.parquet"):
        world.snapshot()


@pytest.mark.parametrize(
    ("sql", "got"),
    [
        ("SELECT * REPLACE (place::INTEGER AS place) FROM read_parquet('source/*.parquet')", "ConversionException"),
        (
            "SELECT * REPLACE (strptime(place, '%Y') AS \"at\") FROM read_parquet('source/*.parquet')",
            "got InvalidInputException",
        ),
        ("SELECT att FROM read_parquet('source/*.parquet')", "Binder Error: .*att"),
        ("SELEKT", "Catalog Error: Table with name SELEKT"),
        ("SELECT FROM WHERE", "Parser Error"),
    ],
)
def test_a_query_that_fails_is_reported_without_values(make_world: MakeWorld, sql: str, got: str) -> None:
    rows = make_rows()
    rows["place"][:] = f"{EMAIL}.json"
    world = make_world(rows=rows)
    (world.root / "rows.sql").write_text(sql)
    world.respec(data__source=None, data__query="rows.sql")
    with pytest.raises(DataError, match=got) as caught:
        world.snapshot()
    assert "lovelace" not in str(caught.value)
    assert "example" not in str(caught.value)


def test_a_query_that_is_not_there_is_refused(world: World) -> None:
    world.respec(data__source=None, data__query="nothing.sql")
    with pytest.raises(DataError, match=r"the query nothing\.sql must be a readable file; got FileNotFoundError"):
        world.snapshot()


def test_a_flipped_bit_in_a_stored_chunk_is_seen(world: World) -> None:
    snapshot = world.snapshot()
    path = world.snapshots.files(snapshot)[1]
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    for read in (world.snapshots.files, lambda found: world.snapshots.frame(found, Part.TRAIN, ["at"])):
        with pytest.raises(IntegrityError, match="must have the digest that its name says"):
            read(snapshot)


def test_a_connection_runs_the_query_with_bound_parameters_in_the_window(world: World) -> None:
    asked: list[tuple[str, str, dict[str, Any]]] = []

    def run_query(connection: str, sql: str, parameters: Any) -> Any:
        asked.append((connection, sql, dict(parameters)))
        return duckdb.sql(f"SELECT * FROM read_parquet('{world.root}/source/*.parquet')").df()

    (world.root / "rows.sql").write_text("SELECT * FROM rows")
    expected = world.snapshot().chunks
    snapshots = DuckDBSnapshots(ContentStore(str(world.root / "store")), run_query)
    spec = make_spec(world.root, data__source=None, data__query="rows.sql", data__connection="dwh")
    snapshot = snapshots.take(spec, spec.window_at(AS_OF))
    ((connection, sql, parameters),) = asked
    assert connection == "dwh"
    assert '"at" >= :start AND "at" < :end' in sql
    assert parameters == {"start": datetime(2024, 3, 1, tzinfo=UTC), "end": snapshot.window.end}
    assert [chunk.rows for chunk in snapshot.chunks] == [chunk.rows for chunk in expected]


def test_a_connection_outside_of_airflow_is_refused(world: World) -> None:
    (world.root / "rows.sql").write_text("SELECT 1")
    world.respec(data__source=None, data__query="rows.sql", data__connection="dwh")
    with pytest.raises(DataError, match="needs Airflow's connections; got dwh"):
        world.snapshot()


# As-of


def test_an_as_of_in_the_future_is_refused_before_any_data_is_read(world: World) -> None:
    soon = datetime.now(UTC) + timedelta(minutes=10)
    with pytest.raises(DataError, match="as-of must not be in the future") as refused:
        world.snapshot(make_request(as_of=soon))
    assert "Request the retrain again with an as-of that has passed." in str(refused.value)
    assert not (world.root / "store").exists()


def test_a_scheduler_whose_clock_is_a_little_ahead_may_retrain(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(world.ledger, "now", lambda: AS_OF - timedelta(minutes=4))
    assert world.snapshot().window.as_of == AS_OF

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from tests.builders import AS_OF, make_spec

from retrain.core.data.snapshot import Chunk, Part, Snapshot, SnapshotDiff

SNAPSHOT = Snapshot(
    source="q" * 64,
    window=make_spec().window_at(AS_OF),
    event_time="at",
    columns=(("at", "TIMESTAMP"), ("x", "DOUBLE")),
    chunks=(Chunk(datetime(2024, 6, 1, tzinfo=UTC), AS_OF - timedelta(days=1), "c" * 64, 10, 999),),
    train_rows=7,
    holdout_rows=3,
)


def test_a_manifest_survives_its_json() -> None:
    again = Snapshot.from_json(json.loads(json.dumps(SNAPSHOT.to_json())))
    assert again == SNAPSHOT
    assert again.digest == SNAPSHOT.digest


@pytest.mark.parametrize(
    "changes",
    [
        {"source": "other"},
        {"event_time": "other"},
        {"columns": (("at", "TIMESTAMP"),)},
        {"chunks": (replace(SNAPSHOT.chunks[0], sha256="d" * 64),)},
        {"chunks": ()},
        {"train_rows": 8},
        {"holdout_rows": 4},
        {"window": make_spec().window_at(AS_OF + timedelta(hours=1))},
    ],
)
def test_everything_in_the_manifest_is_in_its_digest(changes: dict[str, Any]) -> None:
    assert replace(SNAPSHOT, **changes).digest != SNAPSHOT.digest


def test_the_difference_of_snapshots_is_by_the_bytes_of_chunks_and_by_the_type_of_columns() -> None:
    kept = SNAPSHOT.chunks[0]
    old, new = replace(kept, sha256="a" * 64), replace(kept, sha256="b" * 64)
    before = replace(SNAPSHOT, chunks=(old, kept), columns=(("at", "TIMESTAMP"), ("x", "DOUBLE"), ("gone", "INTEGER")))
    after = replace(SNAPSHOT, chunks=(kept, new), columns=(("at", "TIMESTAMP"), ("x", "VARCHAR"), ("fresh", "INTEGER")))
    assert after.compare(before) == SnapshotDiff(
        shared=(kept,),
        added=(new,),
        removed=(old,),
        columns_added=(("x", "VARCHAR"), ("fresh", "INTEGER")),
        columns_removed=(("x", "DOUBLE"), ("gone", "INTEGER")),
    )
    assert SNAPSHOT.compare(SNAPSHOT) == SnapshotDiff((kept,), (), (), (), ())


def test_the_parts_span_the_two_ranges_of_the_window() -> None:
    window = SNAPSHOT.window
    assert SNAPSHOT.span(Part.TRAIN) == (window.train_start, window.train_end)
    assert SNAPSHOT.span(Part.HOLDOUT) == (window.holdout_start, window.end)

from __future__ import annotations

import json
import os
import subprocess
import sys
import traceback
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.builders import World

from retrain.adapters.extensions import Trainers
from retrain.adapters.isolated import child_process, scoring_meter
from retrain.adapters.isolated.scoring_meter import ChildProcessMeter, measure_stored
from retrain.core.evaluation.resource_usage import ResourceUsage
from retrain.errors import DataError, IntegrityError

MODULE = "measured_of_the_test"
OWN = f"{MODULE}.Own"
# It takes its memory and its time for as many rows as it is asked, and fails on three.
SOURCE = """
import time
import numpy as np
from sklearn.linear_model import LogisticRegression

class Own(LogisticRegression):
    def predict_proba(self, rows):
        if len(rows) == 3:
            raise ValueError(rows.to_csv())
        time.sleep(0.002 if len(rows) == 1 else 0.005)
        np.ones(int(self.C * 1_000_000) * len(rows))
        return super().predict_proba(rows)

def build(*, seed, **params):
    return Own(random_state=seed, **params)
"""


def measure(world: World, batches: tuple[int, ...], *, trusted: tuple[str, ...] = (), **changes: Any) -> ResourceUsage:
    meter = ChildProcessMeter(world.snapshots, trusted, **changes)
    return meter(world.spec, world.artifact(1), world.snapshot(), batches)


@pytest.fixture
def slow(world: World) -> Any:
    """A world whose model needs 8 MB a row, and two milliseconds for one row and five for more."""

    (world.root / f"{MODULE}.py").write_text(SOURCE)
    world.respec(train__estimator=f"{MODULE}:build", train__params={"C": 1.0})
    world.trainer = Trainers([OWN])
    world.train()
    yield world
    sys.modules.pop(MODULE, None)


@pytest.mark.integration
def test_a_model_is_timed_row_by_row_and_in_batches_and_weighed(slow: World) -> None:
    big = np.ones(40_000_000)  # a peak of this process that a child must not take for its own
    found = measure(slow, (1, 10), trusted=(OWN,))
    assert len(big) == 40_000_000
    single, batch = found.latencies
    assert (single.rows, batch.rows) == (1, 10)
    assert 100 <= min(single.calls, batch.calls) <= max(single.calls, batch.calls) <= 300
    assert 0.002 <= single.p50 <= single.p99
    assert 0.005 <= batch.p50 <= batch.p99
    # Ten rows take 80 MB at once; libraries and arithmetic add their own.
    assert 80_000_000 <= found.memory < 300_000_000
    files = [path for path in slow.artifact(1).rglob("*") if path.is_file()]
    assert found.size == sum(len(path.read_bytes()) for path in files)


def test_a_batch_may_be_larger_than_the_holdout(crowned: World, monkeypatch: pytest.MonkeyPatch) -> None:
    rows, arguments = seen_by_the_child(crowned, (500,), monkeypatch)
    assert rows == 168
    assert measured_here(crowned, arguments)["latencies"][0]["rows"] == 500


def test_no_more_rows_leave_the_store_than_are_timed(crowned: World, monkeypatch: pytest.MonkeyPatch) -> None:
    rows, _ = seen_by_the_child(crowned, (1, 120), monkeypatch)
    assert rows == 120


def seen_by_the_child(world: World, batches: tuple[int, ...], monkeypatch: pytest.MonkeyPatch) -> tuple[int, Any]:
    """Return the number of rows that the child would get, and its arguments."""
    import pandas as pd

    seen: list[Any] = []

    def look(_: Any, arguments: dict[str, Any], **__: Any) -> dict[str, Any]:
        frame = pd.read_parquet(arguments["rows"])
        copy = world.root / "rows.parquet"
        frame.to_parquet(copy)
        seen.extend([len(frame), arguments | {"rows": str(copy)}])
        return {"latencies": [], "memory": None}

    monkeypatch.setattr(child_process, "call_in_child", look)
    assert np.isnan(measure(world, batches).memory)
    return seen[0], seen[1]


def measured_here(world: World, arguments: dict[str, Any]) -> dict[str, Any]:
    """Run in this process what the child runs."""
    found: dict[str, Any] = measure_stored(**arguments)
    return found


def test_calls_stop_when_their_time_is_up(crowned: World, monkeypatch: pytest.MonkeyPatch) -> None:
    _, arguments = seen_by_the_child(crowned, (1,), monkeypatch)
    monkeypatch.setattr(scoring_meter, "_SECONDS", 0.0)
    monkeypatch.setattr(scoring_meter, "_WARM_UP_SECONDS", 0.0)
    assert measured_here(crowned, arguments)["latencies"][0]["calls"] == 1


def test_where_the_system_does_not_tell_memory_is_unknown(crowned: World, monkeypatch: pytest.MonkeyPatch) -> None:
    _, arguments = seen_by_the_child(crowned, (1,), monkeypatch)
    monkeypatch.setattr(scoring_meter, "_PROCESS", Path("/nowhere"))
    assert measured_here(crowned, arguments)["memory"] is None


def test_without_rows_nothing_is_timed(crowned: World, tmp_path: Path) -> None:
    rows = tmp_path / "none.parquet"
    crowned.snapshots.frame(crowned.snapshot(), "holdout", ["signal", "other"]).head(0).to_parquet(rows)
    with pytest.raises(DataError, match="timing a model needs rows"):
        measure_stored(str(crowned.artifact(1)), str(rows), (), (1,))


@pytest.mark.integration
def test_a_model_that_cannot_score_is_not_measured_and_no_value_is_in_the_error(slow: World) -> None:
    with pytest.raises(
        IntegrityError, match=r"own to be measured; got ValueError at .*\.py:\d+ while scoring"
    ) as caught:
        measure(slow, (3,), trusted=(OWN,))
    said = "".join(traceback.format_exception(caught.value))
    rows = slow.snapshots.frame(slow.snapshot(), "holdout", ["signal"])["signal"]
    assert not [value for value in rows if str(value)[:8] in said]


@pytest.mark.integration
def test_a_type_that_the_platform_does_not_trust_is_not_measured(slow: World) -> None:
    with pytest.raises(IntegrityError, match=rf"got {OWN}\."):
        measure(slow, (1,))


@pytest.mark.integration
def test_no_answer_in_time_is_said(crowned: World) -> None:
    with pytest.raises(IntegrityError, match="got no answer within 0 s"):
        measure(crowned, (1,), timeout=0.01)


@pytest.mark.integration
def test_the_child_writes_the_kind_of_an_error_and_never_its_text(tmp_path: Path) -> None:
    answer = tmp_path / "answer.json"
    task = {"module": "builtins", "function": "int", "arguments": {"x": "secret"}, "answer": str(answer)}
    command = "import sys; from retrain.adapters.isolated.child_process import run_child; run_child(sys.argv[1])"
    limits = {"parent": os.getpid(), "timeout": 60}
    subprocess.run([sys.executable, "-c", command, json.dumps(task | limits)], check=True, timeout=120)
    assert json.loads(answer.read_text()) == {"failure": "TypeError"}

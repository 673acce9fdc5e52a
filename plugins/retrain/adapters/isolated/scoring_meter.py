"""Timing and weighing a stored model in a process of its own."""

from __future__ import annotations

import math
import re
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final

from retrain.adapters.isolated.child_process import ChildError, call_in_child
from retrain.core.data.snapshot import Part, Snapshot
from retrain.core.evaluation.footprint import Footprint
from retrain.core.ports import SnapshotStore
from retrain.core.spec import PipelineSpec
from retrain.errors import DataError, IntegrityError

__all__ = ["ChildProcessMeter", "measure_stored"]

_CALLS: Final = 300
_WARM_UP: Final = 10
_WARM_UP_SECONDS: Final = 5.0
_SECONDS: Final = 20.0
_PROCESS: Final = Path("/proc/self")
_FRAMES: Final = 100
"""So many different frames take turns, made before the clock runs."""


class ChildProcessMeter:
    """The `Meter` by the trainer that made the model.

    One thread, ten calls to warm up, then 300 timed ones or as many as 20 s allow.

    Args:
        snapshots: Where the rows to score come from.
        trusted_types: The platform's trust list.
        timeout: Seconds that the process may take.
    """

    def __init__(self, snapshots: SnapshotStore, trusted_types: Sequence[str], *, timeout: float = 180) -> None:
        self._snapshots = snapshots
        self._trusted_types = list(trusted_types)
        self._timeout = timeout

    def __call__(self, spec: PipelineSpec, folder: Path, snapshot: Snapshot, batches: Sequence[int]) -> Footprint:
        """Load the model and time calls of so many rows each, rows of the holdout over and over where it has too few."""
        with tempfile.TemporaryDirectory(prefix="retrain-") as scratch:
            rows = Path(scratch) / "rows.parquet"
            features = spec.feature_columns([name for name, _ in snapshot.columns])
            frame = self._snapshots.frame(snapshot, Part.HOLDOUT, features)
            frame.head(max(_FRAMES, *batches)).to_parquet(rows)
            asked = {
                "folder": str(folder),
                "rows": str(rows),
                "trusted_types": self._trusted_types,
                "batches": list(batches),
            }
            try:
                measured = call_in_child(measure_stored, asked, spec=spec, timeout=self._timeout)
            except ChildError as error:
                raise IntegrityError(
                    "a version must load and score in a process of its own to be measured",
                    got=str(error),
                    fix="Reproduce it with `retrain run` and mend the estimator.",
                ) from None
        size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
        return Footprint.from_json(measured | {"size": size})


def measure_stored(folder: str, rows: str, trusted_types: Sequence[str], batches: Sequence[int]) -> dict[str, Any]:
    """Load a stored model, time it on the rows of a Parquet file, and say what that added to memory. Runs in the child."""
    import numpy as np
    import pandas as pd

    from retrain.adapters.extensions import Trainers

    trainer, source = Trainers(trusted_types), pd.read_parquet(rows)
    if source.empty:
        raise DataError("a model is timed on rows", got="none", fix="Widen the holdout.")
    before = _forget_peak()
    model = trainer.load(Path(folder))
    latencies = []
    for size in batches:
        starts = range(min(_FRAMES, len(source)) if size == 1 else 1)
        frames = [source.iloc[np.arange(start, start + size) % len(source)] for start in starts]
        seconds = _time_calls(lambda frame: trainer.score(model, frame), frames)
        p50, p99 = np.quantile(seconds, [0.5, 0.99], method="inverted_cdf")
        latencies.append({"rows": size, "calls": len(seconds), "p50": float(p50), "p99": float(p99)})
    memory = _resident("VmHWM") - before
    return {"latencies": latencies, "memory": memory if math.isfinite(memory) else None}


def _time_calls(score: Callable[[Any], object], frames: Sequence[Any]) -> list[float]:
    _repeat(score, frames, _WARM_UP, _WARM_UP_SECONDS)
    return _repeat(score, frames, _CALLS, _SECONDS)


def _repeat(score: Callable[[Any], object], frames: Sequence[Any], most: int, seconds: float) -> list[float]:
    """Return how long each call took: one at least, and the last one begins before the time is up."""
    took: list[float] = []
    began = time.perf_counter()
    while not took or (len(took) < most and time.perf_counter() - began < seconds):
        frame = frames[len(took) % len(frames)]
        start = time.perf_counter()
        score(frame)
        took.append(time.perf_counter() - start)
    return took


def _forget_peak() -> float:
    """Return the memory of this process now, in bytes, and let its peak be measured from here.

    Not by `resource.getrusage`: its peak of a new process begins with that of the process that started it.
    """
    try:
        (_PROCESS / "clear_refs").write_text("5", encoding="ascii")
    except OSError:
        return math.nan
    return _resident("VmRSS")


def _resident(field: str) -> float:
    """Return a memory field of this process in bytes; NaN where the system does not tell."""
    try:
        status = (_PROCESS / "status").read_text(encoding="ascii", errors="replace")
    except OSError:
        return math.nan
    found = re.search(rf"^{field}:\s+(\d+) kB$", status, re.MULTILINE)
    return int(found[1]) * 1024.0 if found else math.nan

"""Measurement of a stored model's latency and memory in a child process."""

from __future__ import annotations

import math
import re
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from retrain.adapters.isolated.child_process import ChildError, ScoringProcess
from retrain.core.codec import finite_or_none
from retrain.core.data.snapshot import Part, Snapshot
from retrain.core.evaluation.resource_usage import ResourceUsage
from retrain.core.spec import PipelineSpec
from retrain.errors import DataError, IntegrityError

__all__ = ["ChildProcessMeter", "measure_stored"]

_CALLS: Final = 300
_WARM_UP: Final = 10
_WARM_UP_SECONDS: Final = 5.0
_SECONDS: Final = 20.0
_PROCESS: Final = Path("/proc/self")
_FRAMES: Final = 100
"""Number of different one-row frames that take turns; they are built before the timing starts."""


@dataclass(frozen=True)
class ChildProcessMeter(ScoringProcess):
    """The `Meter` that uses the trainer that made the model.

    It uses one thread and ten warm-up calls, then times 300 calls or as many as fit into 20 s.
    """

    timeout: float = 180

    def __call__(self, spec: PipelineSpec, folder: Path, snapshot: Snapshot, batches: Sequence[int]) -> ResourceUsage:
        """Load the model and time calls with each batch size; the rows of a small holdout are repeated."""
        features = spec.feature_columns([name for name, _ in snapshot.columns])
        rows = self.snapshots.frame(snapshot, Part.HOLDOUT, features).head(max(_FRAMES, *batches))
        try:
            measured = self.score_in_child(measure_stored, folder, rows, spec, batches=list(batches))
        except ChildError as error:
            raise IntegrityError(
                "a version must load and score in a process of its own to be measured",
                got=str(error),
                fix="Fix the estimator.",
            ) from None
        size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
        return ResourceUsage.from_json(measured | {"size": size})


def measure_stored(folder: str, rows: str, trusted_types: Sequence[str], batches: Sequence[int]) -> dict[str, Any]:
    """Load a stored model, time it on the rows of a Parquet file and measure the added memory; runs in the child.

    Args:
        folder: The model folder.
        rows: The path of a Parquet file with the features.
        trusted_types: The platform's trust list.
        batches: Rows per call, one measurement for each.

    Returns:
        The latencies in seconds and the memory in bytes, in the JSON of `ResourceUsage`; memory is None if it cannot be measured.

    Raises:
        DataError: The file has no rows.
    """
    import numpy as np
    import pandas as pd

    from retrain.adapters.extensions import Trainers

    trainer, features = Trainers(trusted_types), pd.read_parquet(rows)
    if features.empty:
        raise DataError("timing a model needs rows", got="none", fix="Widen the holdout.")
    memory_before = _reset_peak_memory()
    model = trainer.load(Path(folder))
    latencies = []
    for size in batches:
        starts = range(min(_FRAMES, len(features)) if size == 1 else 1)
        frames = [features.iloc[np.arange(start, start + size) % len(features)] for start in starts]
        seconds = _time_calls(lambda frame: trainer.score(model, frame), frames)
        p50, p99 = np.quantile(seconds, [0.5, 0.99], method="inverted_cdf")
        latencies.append({"rows": size, "calls": len(seconds), "p50": float(p50), "p99": float(p99)})
    memory = _read_memory("VmHWM") - memory_before
    return {"latencies": latencies, "memory": finite_or_none(memory)}


def _time_calls(score: Callable[[Any], object], frames: Sequence[Any]) -> list[float]:
    _repeat(score, frames, _WARM_UP, _WARM_UP_SECONDS)
    return _repeat(score, frames, _CALLS, _SECONDS)


def _repeat(score: Callable[[Any], object], frames: Sequence[Any], most: int, seconds: float) -> list[float]:
    """Return the seconds of each call: at least one call, at most `most`, and none that starts after `seconds`."""
    durations: list[float] = []
    began = time.perf_counter()
    while not durations or (len(durations) < most and time.perf_counter() - began < seconds):
        frame = frames[len(durations) % len(frames)]
        start = time.perf_counter()
        score(frame)
        durations.append(time.perf_counter() - start)
    return durations


def _reset_peak_memory() -> float:
    """Reset the peak memory of this process and return its current memory in bytes; NaN if the system does not support it.

    `resource.getrusage` cannot do this: in a new process its peak starts at the peak of the parent process.
    """
    try:
        (_PROCESS / "clear_refs").write_text("5", encoding="ascii")
    except OSError:
        return math.nan
    return _read_memory("VmRSS")


def _read_memory(field: str) -> float:
    """Return a memory field of this process in bytes; NaN if the system does not report it."""
    try:
        status = (_PROCESS / "status").read_text(encoding="ascii", errors="replace")
    except OSError:
        return math.nan
    match = re.search(rf"^{field}:\s+(\d+) kB$", status, re.MULTILINE)
    return int(match[1]) * 1024.0 if match else math.nan

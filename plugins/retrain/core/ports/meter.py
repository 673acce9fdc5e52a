"""Measurement of the resources that a stored model uses."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from retrain.core.data.snapshot import Snapshot
    from retrain.core.evaluation.resource_usage import ResourceUsage
    from retrain.core.spec import PipelineSpec

__all__ = ["Meter"]


class Meter(Protocol):
    """Measures the resource usage of a stored model in a fresh process, so the state of this process has no influence."""

    def __call__(self, spec: PipelineSpec, folder: Path, snapshot: Snapshot, batches: Sequence[int]) -> ResourceUsage:
        """Load a verified artifact in its own process; return latency per batch size, memory and size on disk.

        Args:
            spec: The spec of the model; its root holds the code that loading needs.
            folder: The model folder, whose digest the caller has verified.
            snapshot: The rows to score come from its holdout, repeated if there are too few.
            batches: Rows per call, one measurement for each.

        Raises:
            IntegrityError: The model does not load, does not score, or exceeds the time limit.
        """

"""What a stored model costs in time and memory."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from retrain.core.data.snapshot import Snapshot
    from retrain.core.evaluation.footprint import Footprint
    from retrain.core.spec import PipelineSpec

__all__ = ["Meter"]


class Meter(Protocol):
    """What a stored model costs, measured without the memory and the habits of this process."""

    def __call__(self, spec: PipelineSpec, folder: Path, snapshot: Snapshot, batches: Sequence[int]) -> Footprint:
        """Load a verified artifact in a process of its own, time calls of so many rows each, weigh it.

        Raises:
            IntegrityError: It does not load, does not score, or takes too long to be measured.
        """

"""The smoke test of a stored model: it still loads and scores."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from pathlib import Path

    from retrain.core.data.snapshot import Snapshot
    from retrain.core.spec import PipelineSpec

__all__ = ["SmokeTest"]


class SmokeTest(Protocol):
    """Checks that a stored model still works, in a process of its own that may crash without harm."""

    def __call__(self, spec: PipelineSpec, folder: Path, snapshot: Snapshot | None) -> int:
        """Load a verified artifact in its own process and score rows of a snapshot's holdout.

        Args:
            spec: The spec of the model; its root holds the code that loading needs.
            folder: The model folder, whose digest the caller has verified.
            snapshot: The snapshot to take rows from; with None the model is only loaded.

        Returns:
            The number of scored rows.

        Raises:
            IntegrityError: The model does not load or score, gives a score that is not finite, or exceeds the time limit.
        """

"""Proof that a stored model still loads and scores."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from pathlib import Path

    from retrain.core.data.snapshot import Snapshot
    from retrain.core.spec import PipelineSpec

__all__ = ["SmokeTest"]


class SmokeTest(Protocol):
    """Proof that a stored model still works, without trusting this process to it."""

    def __call__(self, spec: PipelineSpec, folder: Path, snapshot: Snapshot | None) -> int:
        """Load a verified artifact in a process of its own and score rows of a snapshot's holdout; return how many.

        Raises:
            IntegrityError: It does not load, does not score, or gives a score that is not finite.
        """

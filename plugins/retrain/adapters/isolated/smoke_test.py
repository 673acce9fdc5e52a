"""Loading and scoring a stored model in a child process, which may crash without harm."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from retrain.adapters.isolated.child_process import ChildError, ScoringProcess
from retrain.core.data.snapshot import Part, Snapshot
from retrain.core.spec import PipelineSpec
from retrain.errors import IntegrityError

__all__ = ["ChildProcessSmokeTest", "score_stored"]

_ROWS: Final = 1000


@dataclass(frozen=True)
class ChildProcessSmokeTest(ScoringProcess):
    """The `SmokeTest` that uses the trainer that made the model."""

    def __call__(self, spec: PipelineSpec, folder: Path, snapshot: Snapshot | None) -> int:
        """Load the model and score up to 1,000 rows of the holdout; return their number."""
        rows = None
        if snapshot:
            columns = [name for name, _ in snapshot.columns]
            rows = self.snapshots.frame(snapshot, Part.HOLDOUT, columns).head(_ROWS)
        try:
            return int(self.score_in_child(score_stored, folder, rows, spec))
        except ChildError as error:
            raise IntegrityError(
                "a version must load and score in a process of its own before it becomes champion",
                got=str(error),
                fix="Choose another version; `retrain why` says how this one was made.",
            ) from None


def score_stored(folder: str, rows: str, trusted_types: Sequence[str]) -> int:
    """Load a stored model and score the rows of a Parquet file, if there is one; runs in the child.

    Args:
        folder: The model folder.
        rows: The path of a Parquet file, or an empty text.
        trusted_types: The platform's trust list.

    Returns:
        The number of scored rows.
    """
    import pandas as pd

    from retrain.adapters.extensions import Trainers

    trainer = Trainers(trusted_types)
    model = trainer.load(Path(folder))
    return len(trainer.score(model, pd.read_parquet(rows))) if rows else 0

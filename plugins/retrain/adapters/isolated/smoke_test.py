"""Loading and scoring a stored model in a process of its own, which may die of it without harm."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from retrain.adapters.isolated.child_process import ChildError, call_in_child
from retrain.core.data.snapshot import Part, Snapshot
from retrain.core.ports import SnapshotStore
from retrain.core.spec import PipelineSpec
from retrain.errors import IntegrityError

__all__ = ["ChildProcessSmokeTest", "score_stored"]

_ROWS: Final = 1000


class ChildProcessSmokeTest:
    """The `SmokeTest` by the trainer that made the model.

    Args:
        snapshots: Where the rows to score come from.
        trusted_types: The platform's trust list.
        timeout: Seconds that the process may take.
    """

    def __init__(self, snapshots: SnapshotStore, trusted_types: Sequence[str], *, timeout: float = 120) -> None:
        self._snapshots = snapshots
        self._trusted_types = list(trusted_types)
        self._timeout = timeout

    def __call__(self, spec: PipelineSpec, folder: Path, snapshot: Snapshot | None) -> int:
        """Load the model and score up to 1,000 rows of the holdout; return how many."""
        with tempfile.TemporaryDirectory(prefix="retrain-") as scratch:
            rows = self._rows(snapshot, Path(scratch)) if snapshot else ""
            asked = {"folder": str(folder), "rows": rows, "trusted_types": self._trusted_types}
            try:
                return int(call_in_child(score_stored, asked, spec=spec, timeout=self._timeout))
            except ChildError as error:
                raise IntegrityError(
                    "a version must load and score in a process of its own before it becomes champion",
                    got=str(error),
                    fix="Choose another version; `retrain why` says how this one was made.",
                ) from None

    def _rows(self, snapshot: Snapshot, folder: Path) -> str:
        columns = [name for name, _ in snapshot.columns]
        path = folder / "rows.parquet"
        self._snapshots.frame(snapshot, Part.HOLDOUT, columns).head(_ROWS).to_parquet(path)
        return str(path)


def score_stored(folder: str, rows: str, trusted_types: Sequence[str]) -> int:
    """Load a stored model and score the rows of a Parquet file, if any; return how many. Runs in the child."""
    import pandas as pd

    from retrain.adapters.extensions import Trainers

    trainer = Trainers(trusted_types)
    model = trainer.load(Path(folder))
    return len(trainer.score(model, pd.read_parquet(rows))) if rows else 0

"""Loading and scoring a stored model in a process of its own, which may die of it without harm."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from retrain.core.ports import SnapshotStore
from retrain.core.snapshot import Part, Snapshot
from retrain.core.spec import PipelineSpec
from retrain.errors import IntegrityError

__all__ = ["ChildProcessRehearsal"]

_ROWS: Final = 1000
_PROGRAM: Final = """
import json, sys
import pandas
from pathlib import Path
from retrain.adapters.sklearn_trainer import SklearnTrainer
asked = json.loads(sys.argv[1])
trainer = SklearnTrainer(asked["trusted_types"])
model = trainer.load(Path(asked["folder"]))
rows = pandas.read_parquet(asked["rows"]) if asked["rows"] else None
print(0 if rows is None else len(trainer.score(model, rows)))
"""


class ChildProcessRehearsal:
    """The `Rehearsal` of scikit-learn models.

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
            asked = json.dumps({"folder": str(folder), "rows": rows, "trusted_types": self._trusted_types})
            return self._run(spec, asked)

    def _rows(self, snapshot: Snapshot, folder: Path) -> str:
        columns = [name for name, _ in snapshot.columns]
        path = folder / "rows.parquet"
        self._snapshots.frame(snapshot, Part.HOLDOUT, columns).head(_ROWS).to_parquet(path)
        return str(path)

    def _run(self, spec: PipelineSpec, asked: str) -> int:
        # A custom estimator's class is found where the spec's own code is.
        paths = os.pathsep.join([str(spec.root), *filter(None, sys.path)])
        environment = {"PATH": os.environ.get("PATH", os.defpath), "PYTHONPATH": paths, "OMP_NUM_THREADS": "1"}
        try:
            done = subprocess.run(
                [sys.executable, "-c", _PROGRAM, asked],
                env=environment,
                cwd=spec.root,
                capture_output=True,
                text=True,
                timeout=self._timeout,
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise _unfit(f"no answer within {self._timeout:.0f} s") from None
        if done.returncode != 0:
            # The kind of the error alone: its text may hold a row value.
            last = done.stderr.strip().splitlines()[-1:] or [f"exit status {done.returncode}"]
            raise _unfit(last[0].partition(":")[0][:200])
        return int(done.stdout.splitlines()[-1])


def _unfit(got: str) -> IntegrityError:
    return IntegrityError(
        "a version must load and score in a process of its own before it becomes champion",
        got=got,
        fix="Choose another version; `retrain why` says how this one was made.",
    )

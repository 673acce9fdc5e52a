"""Loading and scoring a stored model in a process of its own, which may die of it without harm."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

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
from retrain.errors import RetrainError

def rehearse():
    trainer = SklearnTrainer(asked["trusted_types"])
    model = trainer.load(Path(asked["folder"]))
    return len(trainer.score(model, pandas.read_parquet(asked["rows"]))) if asked["rows"] else 0

asked = json.loads(sys.argv[1])
try:
    answer = {"rows": rehearse()}
except RetrainError as error:
    answer = {"unfit": error.got}
except Exception as error:
    answer = {"unfit": type(error).__name__}
Path(asked["answer"]).write_text(json.dumps(answer))
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
            asked = {"folder": str(folder), "rows": rows, "trusted_types": self._trusted_types}
            return self._run(spec, asked, Path(scratch) / "answer.json")

    def _rows(self, snapshot: Snapshot, folder: Path) -> str:
        columns = [name for name, _ in snapshot.columns]
        path = folder / "rows.parquet"
        self._snapshots.frame(snapshot, Part.HOLDOUT, columns).head(_ROWS).to_parquet(path)
        return str(path)

    def _run(self, spec: PipelineSpec, asked: dict[str, Any], answer: Path) -> int:
        # A custom estimator's class is found where the spec's own code is.
        paths = os.pathsep.join([str(spec.root), *filter(None, sys.path)])
        environment = {"PATH": os.environ.get("PATH", os.defpath), "PYTHONPATH": paths, "OMP_NUM_THREADS": "1"}
        try:
            done = subprocess.run(
                [sys.executable, "-c", _PROGRAM, json.dumps(asked | {"answer": str(answer)})],
                env=environment,
                cwd=spec.root,
                # What a model says while it scores may hold row values.
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                timeout=self._timeout,
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise _unfit(f"no answer within {self._timeout:.0f} s") from None
        if done.returncode != 0 or not answer.is_file():
            raise _unfit(f"exit status {done.returncode}")
        said = json.loads(answer.read_text(encoding="utf-8"))
        if "unfit" in said:
            raise _unfit(said["unfit"])
        return int(said["rows"])


def _unfit(got: str) -> IntegrityError:
    return IntegrityError(
        "a version must load and score in a process of its own before it becomes champion",
        got=got,
        fix="Choose another version; `retrain why` says how this one was made.",
    )

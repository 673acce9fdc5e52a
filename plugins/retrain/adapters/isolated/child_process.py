"""Running one function on a stored model in a child process, which may crash without harm."""

from __future__ import annotations

import importlib
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from retrain.adapters.isolated.orphan import die_after, die_with_parent
from retrain.core.ports import SnapshotStore
from retrain.core.spec import PipelineSpec
from retrain.errors import RetrainError

if TYPE_CHECKING:
    from pandas import DataFrame

__all__ = ["ChildError", "ScoringProcess", "call_in_child", "call_with_rows", "run_child"]

_ARITHMETIC: Final = ("BLIS_", "MKL_", "OPENBLAS_")
_GRACE: Final = 10
"""How many seconds after its time limit a child ends by itself, if its parent did not end it."""
_PROGRAM: Final = "import sys; from retrain.adapters.isolated.child_process import run_child; run_child(sys.argv[1])"


class ChildError(Exception):
    """The failure of a child process, without row values: the kind of its error, its exit status, or a timeout."""


@dataclass(frozen=True)
class ScoringProcess:
    """Base of the checks that score rows of a snapshot with a stored model in a child process.

    Attributes:
        snapshots: The store that the rows come from.
        trusted_types: The platform's trust list.
        timeout: Time limit of the child process in seconds.
    """

    snapshots: SnapshotStore
    trusted_types: Sequence[str]
    timeout: float = 120

    def score_in_child(
        self,
        work: Callable[..., Any],
        folder: Path,
        rows: DataFrame | None,
        spec: PipelineSpec,
        **arguments: Any,
    ) -> Any:
        """Call `work` in a child process with a model folder, the trust list, the rows and more arguments.

        Raises:
            ChildError: The child gave no answer.
        """
        common = {"folder": str(folder), "trusted_types": list(self.trusted_types)}
        return call_with_rows(work, common | arguments, rows, spec=spec, timeout=self.timeout)


def call_with_rows(work: Callable[..., Any], arguments: dict[str, Any], rows: DataFrame | None, **options: Any) -> Any:
    """Call a function in a child process with rows, which it receives as the path of a Parquet file.

    Args:
        work: A function at the top level of its module, with a parameter `rows`.
        arguments: Its other keyword arguments, as plain JSON.
        rows: The rows; with None the path is empty.
        options: Passed on to `call_in_child`.

    Raises:
        ChildError: The child gave no answer.
    """
    with tempfile.TemporaryDirectory(prefix="retrain-") as scratch:
        path = Path(scratch) / "rows.parquet"
        if rows is not None:
            rows.to_parquet(path)
        return call_in_child(work, arguments | {"rows": "" if rows is None else str(path)}, **options)


def call_in_child(
    work: Callable[..., Any],
    arguments: dict[str, Any],
    *,
    spec: PipelineSpec | None,
    timeout: float,
    threads: int = 1,
    without: Path | None = None,
) -> Any:
    """Call a function of this package in a child process and return its answer; both ways as plain JSON.

    The child uses the same arithmetic kernels as this process. It inherits no other environment variables, which may hold
    secrets, and its output is discarded, because it may hold row values. It dies with this process, and ends by itself after the
    time limit.

    Args:
        work: A function at the top level of its module.
        arguments: Its keyword arguments.
        spec: The spec whose root holds the code that the child may import; with None it starts in an empty folder.
        timeout: Time limit in seconds.
        threads: Number of threads for arithmetic.
        without: A project whose code the child must not import.

    Raises:
        ChildError: The child gave no answer.
    """
    with tempfile.TemporaryDirectory(prefix="retrain-") as scratch:
        answer_file, empty = Path(scratch) / "answer.json", Path(scratch) / "empty"
        empty.mkdir()
        task = {
            "module": work.__module__,
            "function": work.__name__,
            "arguments": arguments,
            "answer": str(answer_file),
            "parent": os.getpid(),
            "timeout": timeout,
        }
        try:
            child = subprocess.run(
                [sys.executable, "-c", _PROGRAM, json.dumps(task)],
                env=_make_environment(spec, threads, without),
                cwd=spec.root if spec else empty,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                timeout=timeout,
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise ChildError(f"no answer within {timeout:.0f} s") from None
        if child.returncode != 0 or not answer_file.is_file():
            raise ChildError(f"exit status {child.returncode}")
        answer = json.loads(answer_file.read_text(encoding="utf-8"))
    if "failure" in answer:
        raise ChildError(answer["failure"])
    return answer["answer"]


def run_child(text: str) -> None:
    """Run, inside the child, the task that `call_in_child` wrote as JSON."""
    task = json.loads(text)
    die_with_parent(task["parent"])
    die_after(task["timeout"] + _GRACE)
    try:
        work = getattr(importlib.import_module(task["module"]), task["function"])
        answer = {"answer": work(**task["arguments"])}
    except RetrainError as error:
        answer = {"failure": error.got}
    except Exception as error:  # noqa: BLE001 - its text may hold row values, so only its class leaves the child
        answer = {"failure": type(error).__name__}
    Path(task["answer"]).write_text(json.dumps(answer), encoding="utf-8")


def _make_environment(spec: PipelineSpec | None, threads: int, without: Path | None) -> dict[str, str]:
    found = [Path(path).absolute() for path in sys.path if path]
    paths = [str(path) for path in found if without is None or path.resolve() != without.resolve()]
    kernels = {
        name: value
        for name, value in os.environ.items()
        if name.startswith(_ARITHMETIC) and not name.endswith("_NUM_THREADS")
    }
    return kernels | {
        "PATH": os.environ.get("PATH", os.defpath),
        "PYTHONPATH": os.pathsep.join([str(spec.root), *paths] if spec else paths),
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "PYTHONDONTWRITEBYTECODE": "1",  # the folder of a stored model must stay as it is
        "OMP_NUM_THREADS": str(threads),
    }

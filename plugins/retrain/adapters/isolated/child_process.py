"""Doing one thing to a stored model in a process of its own, which may die of it without harm."""

from __future__ import annotations

import importlib
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from retrain.core.spec import PipelineSpec
from retrain.errors import RetrainError

__all__ = ["ChildError", "call_in_child", "run_child"]

_ARITHMETIC: Final = ("BLIS_", "MKL_", "OPENBLAS_")
_PROGRAM: Final = "import sys; from retrain.adapters.isolated.child_process import run_child; run_child(sys.argv[1])"


class ChildError(Exception):
    """What became of the process, without any row value: the kind of an error, an exit status, or that time was up."""


def call_in_child(
    work: Callable[..., Any],
    asked: dict[str, Any],
    *,
    spec: PipelineSpec,
    timeout: float,
    threads: int = 1,
    without: Path | None = None,
) -> Any:
    """Call a function of this package in a child process and return its answer, both ways as plain JSON.

    The child does arithmetic with the same kernels as the parent, has no other environment of it, which may hold a secret, and
    no voice.

    Args:
        work: A function at the top of its module.
        asked: Its keyword arguments.
        spec: Whose estimators the child must find.
        timeout: Seconds that it may take.
        threads: How many it may use for arithmetic.
        without: A project whose code must be out of its reach, because the spec's root holds the same at another time.

    Raises:
        ChildError: It gave no answer.
    """
    # A custom estimator's class is found where the spec's own code is.
    known = [path for path in sys.path if path and (without is None or Path(path).resolve() != without.resolve())]
    paths = os.pathsep.join([str(spec.root), *known])
    kernels = {
        name: value
        for name, value in os.environ.items()
        if name.startswith(_ARITHMETIC) and not name.endswith("_NUM_THREADS")
    }
    environment = kernels | {
        "PATH": os.environ.get("PATH", os.defpath),
        "PYTHONPATH": paths,
        "OMP_NUM_THREADS": str(threads),
    }
    with tempfile.TemporaryDirectory(prefix="retrain-") as scratch:
        answer = Path(scratch) / "answer.json"
        task = {"module": work.__module__, "function": work.__name__, "asked": asked, "answer": str(answer)}
        try:
            done = subprocess.run(
                [sys.executable, "-c", _PROGRAM, json.dumps(task)],
                env=environment,
                cwd=spec.root,
                # What a model says while it scores may hold row values.
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                timeout=timeout,
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise ChildError(f"no answer within {timeout:.0f} s") from None
        if done.returncode != 0 or not answer.is_file():
            raise ChildError(f"exit status {done.returncode}")
        said = json.loads(answer.read_text(encoding="utf-8"))
    if "failure" in said:
        raise ChildError(said["failure"])
    return said["answer"]


def run_child(task: str) -> None:
    """Do, in the child, what `call_in_child` asks for."""
    asked = json.loads(task)
    try:
        work = getattr(importlib.import_module(asked["module"]), asked["function"])
        said = {"answer": work(**asked["asked"])}
    except RetrainError as error:
        said = {"failure": error.got}
    except Exception as error:  # noqa: BLE001 - its text may hold row values: the kind is all that gets out
        said = {"failure": type(error).__name__}
    Path(asked["answer"]).write_text(json.dumps(said), encoding="utf-8")

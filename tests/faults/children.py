"""What a test lets another process do, which may die of it or be stopped; forked from a server that has imported it all."""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
import time
from pathlib import Path
from typing import Any

from tests.builders import NOT_WORSE, ROOT, World, make_spec

from retrain.adapters.mlflow_registry import MlflowRegistry
from retrain.adapters.sql_ledger import SqlLedger
from retrain.core.request import RetrainRequest
from retrain.errors import ConflictError

CONFLICT = 3
FORKS = multiprocessing.get_context("forkserver")
FORKS.set_forkserver_preload(["pytest", "tests.faults.children", "duckdb", "sklearn.linear_model", "retrain.steps"])
if str(ROOT) not in sys.path:
    sys.path.insert(0, str(ROOT))  # where a forked process looks for this module


def world_over(root: Path, model: str, mlflow: str, database: str) -> World:
    """Return a world over real servers whose every challenger wins."""
    changes = {"data__features": ["signal", "other"], "train__refit": True, **NOT_WORSE}
    world = World.over(root, make_spec(root, model=model, **changes))
    world.registry, world.ledger = MlflowRegistry(mlflow), SqlLedger(database)
    return world


def retrain(place: tuple[Path, str, str, str], request: RetrainRequest) -> None:
    """Go all the way to a new champion, or say that another one won."""
    try:
        world_over(*place).retrain(request)
    except ConflictError:
        sys.exit(CONFLICT)


def start(failpoint: str, work: Any, *arguments: Any) -> Any:
    """Start work in a process of its own with a failpoint on."""
    child = FORKS.Process(target=_with, args=(failpoint, work, arguments), daemon=True)
    child.start()
    return child


def wait_until_stopped(pid: int, seconds: float = 30) -> None:
    """Wait for SIGSTOP."""
    deadline = time.monotonic() + seconds
    while Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "T":
        assert time.monotonic() < deadline, "the process did not stop"
        time.sleep(0.02)


def wake(child: Any) -> int:
    """Let a stopped process go on; return how it ended."""
    os.kill(child.pid, signal.SIGCONT)
    child.join(30)
    return int(child.exitcode)


def _with(failpoint: str, work: Any, arguments: tuple[Any, ...]) -> None:
    os.environ["RETRAIN_FAILPOINT"] = failpoint
    os.environ["OMP_NUM_THREADS"] = "1"
    work(*arguments)

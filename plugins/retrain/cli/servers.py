"""The servers of one's own project on this machine, and what the demo shares with them."""

from __future__ import annotations

import json
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import psutil
from rich.console import Console

from retrain.core.spec import list_models
from retrain.errors import NotFoundError, OutageError
from retrain.sandbox.stack import Ports, Stack

__all__ = ["end_on_signals", "print_addresses", "run_down", "run_up", "start_stack", "wait_for_end"]

_LAUNCHER: Final = "launcher.json"
_SECONDS: Final = 60.0


def run_up(project: Path, home: Path, ports: Ports, trusted_types: tuple[str, ...], console: Console) -> None:
    """Start the servers for a project, print their addresses and stay until Ctrl-C or `retrain down`.

    Raises:
        NotFoundError: The project has no DAG files or no specs.
        OutageError: A server does not start.
    """
    models = list_models(project / "include" / "pipelines") if (project / "include" / "pipelines").is_dir() else []
    if not models or not any((project / "dags").glob("*.py")):
        raise NotFoundError(
            "a project must have specs in include/pipelines/ and DAG files in dags/",
            got=str(project),
            fix="Make both with `retrain init my_model`, or go to the project's folder.",
        )
    settings = {"AIRFLOW__RETRAIN__TRUSTED_TYPES": ",".join(trusted_types)} if trusted_types else {}
    with start_stack(Stack(project, home, ports, settings=settings), console) as stack:
        _note_launcher(home)
        print_addresses(stack, console, models[0] if len(models) == 1 else None)
        console.print(
            "New DAGs are off: switch them on in Airflow. In another terminal, the commands work on this platform"
        )
        console.print(f"after `export RETRAIN_HOME={home}`.", highlight=False, soft_wrap=True)
        wait_for_end(console, "Up until Ctrl-C, or `retrain down`.")


def run_down(home: Path) -> bool:
    """End the servers of `retrain up`; return whether any ran.

    Raises:
        OutageError: They do not end in time.
    """
    launcher = _find_launcher(home)
    if launcher is None:
        return False
    launcher.terminate()
    deadline = time.monotonic() + _SECONDS
    while _is_alive(launcher):
        if time.monotonic() > deadline:
            raise OutageError(
                f"the servers of {home} must end within {_SECONDS:.0f} s",
                got=f"process {launcher.pid} that still runs",
                fix="See the log files in the state folder, or end that process.",
            )
        time.sleep(0.1)
    return True


def _is_alive(process: psutil.Process) -> bool:
    """Return whether a process runs; one that has ended and whose parent has not looked yet does not."""
    try:
        return bool(process.is_running() and process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


@contextmanager
def start_stack(stack: Stack, console: Console) -> Iterator[Stack]:
    """Have the servers up, until the block or a signal ends them in good order."""
    stack.say = lambda what: console.print(f"starting {what}", style="dim")
    stack.ports.check()
    began = time.monotonic()
    with end_on_signals(), stack:
        console.print(f"Airflow answers after {time.monotonic() - began:.0f} s", highlight=False)
        yield stack


def wait_for_end(console: Console, text: str) -> None:
    """Say how it ends, and wait for that."""
    console.print(text, style="bold", highlight=False)
    threading.Event().wait()


def print_addresses(stack: Stack, console: Console, model: str | None) -> None:
    """Print where the servers are, with the login; the pages of one model if it is given."""
    dag, registered = (f"/dags/{model}", f"/{model}") if model else ("", "")
    for name, address in (
        ("Models", f"{stack.airflow_url}/plugin/retrain"),
        ("Airflow", f"{stack.airflow_url}{dag}   login admin / {stack.password}"),
        ("MLflow", f"{stack.mlflow_url}/#/models{registered}"),
        ("State", str(stack.home)),
    ):
        console.print(f"{name:<8} {address}", highlight=False, soft_wrap=True)


@contextmanager
def end_on_signals() -> Iterator[None]:
    """Let Ctrl-C and SIGTERM end the block in good order."""

    def end(number: int, frame: object) -> None:  # noqa: ARG001 - the signature of a signal handler
        raise KeyboardInterrupt

    # SIGINT too: a shell starts background jobs with it ignored, and they would keep it so.
    before = {number: signal.signal(number, end) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    except KeyboardInterrupt:
        pass
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _note_launcher(home: Path) -> None:
    """Leave the id of this process, with its start: ids are used again."""
    launcher = psutil.Process()
    note = {"pid": launcher.pid, "started": launcher.create_time()}
    (home / _LAUNCHER).write_text(json.dumps(note), encoding="utf-8")


def _find_launcher(home: Path) -> psutil.Process | None:
    """Return the process that `retrain up` noted, if it still runs."""
    try:
        note = json.loads((home / _LAUNCHER).read_text(encoding="utf-8"))
        launcher = psutil.Process(note["pid"])
        return launcher if launcher.create_time() == note["started"] else None
    except (OSError, ValueError, KeyError, psutil.NoSuchProcess):
        return None

"""The demo: a year of monthly retrains on real flights, in a real Airflow, on this machine."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from retrain.adapters.mlflow_registry import MlflowRegistry
from retrain.adapters.sql_ledger import SqlLedger
from retrain.cli import tables
from retrain.cli.servers import print_addresses, start_stack, wait_for_end
from retrain.core.names import PRODUCTION
from retrain.errors import IntegrityError, NotFoundError, OutageError
from retrain.sandbox.airflow_api import AirflowApi
from retrain.sandbox.stack import Ports, Stack

__all__ = ["run_demo"]

MODEL: Final = "flight_delay"
MONTHS: Final = 11
_FIRST, _LAST = "2013-02-01T00:00:00Z", "2013-12-01T00:00:00Z"
_DONE: Final = frozenset({"success", "failed"})
_SECONDS: Final = 900


def run_demo(project: Path, home: Path, ports: Ports, *, fresh: bool, stay: bool | None, console: Console) -> None:
    """Start the servers, backfill February to December 2013 onto production, print the decisions.

    Raises:
        OutageError: A server does not start, or the backfill does not end.
        IntegrityError: The registry does not say what the ledger says.
    """
    if not (project / "include" / "pipelines" / f"{MODEL}.yaml").exists():
        raise NotFoundError(
            "the demo needs include/pipelines/flight_delay.yaml and its data",
            got=str(project),
            fix="Run it in the repo.",
        )
    stack = Stack(project, home, ports)
    ports.check()
    _say_how(stack, fresh=fresh, console=console)
    with start_stack(stack, console):
        api = AirflowApi(stack.airflow_url, "admin", stack.password)
        _backfill(api, console)
        ledger = SqlLedger(stack.database_url("retrain"))
        decisions = sorted(ledger.decisions(MODEL, PRODUCTION), key=lambda decision: decision.as_of)
        tables.print_decisions(console, decisions)
        _print_proof(ledger, stack, console)
        print_addresses(stack, console, MODEL)
        if stay if stay is not None else sys.stdout.isatty():
            wait_for_end(console, "Up until Ctrl-C.")


def _say_how(stack: Stack, *, fresh: bool, console: Console) -> None:
    if not stack.home.exists():
        console.print(f"Starting clean in {stack.home}", highlight=False, soft_wrap=True)
    elif fresh:
        stack.erase()
        console.print(f"Starting clean in {stack.home}: the earlier state is deleted", highlight=False, soft_wrap=True)
    else:
        words = f"Resuming in {stack.home}: what an earlier demo finished stays (start clean with --fresh)"
        console.print(words, highlight=False, soft_wrap=True)


def _backfill(api: AirflowApi, console: Console) -> None:
    """Backfill what is missing and wait for it, with a bar."""
    api.wait_for_dag(MODEL)
    api.patch(f"/dags/{MODEL}", {"is_paused": False})
    states = _monthly(api)
    if len(states) < MONTHS:
        conf = {"timeline": PRODUCTION, "reason": "demo: a year of monthly retrains"}
        _start_backfill(api, conf)
    with _bar(console) as progress:
        task = progress.add_task("backfill 2013", total=MONTHS)
        deadline = time.monotonic() + _SECONDS
        while True:
            states = _monthly(api)
            done = sum(state in _DONE for state in states.values())
            progress.update(task, completed=done)
            if done >= MONTHS:
                return
            if time.monotonic() > deadline:
                raise OutageError(
                    f"the backfill must end within {_SECONDS} s",
                    got=f"{done} of {MONTHS} runs",
                    fix="Look at Airflow's log files in the state folder, then run it again: it resumes.",
                )
            time.sleep(0.5)


def _start_backfill(api: AirflowApi, conf: dict[str, str]) -> None:
    """Start it; where an earlier demo's backfill still stands in the way, wait for Airflow to close that one."""
    for _ in range(60):
        body = {
            "dag_id": MODEL, "from_date": _FIRST, "to_date": _LAST, "max_active_runs": 2,
            "dag_run_conf": conf, "reprocess_behavior": "none",
        }  # fmt: skip
        response = api.post("/backfills", body)
        if response.status_code != 409:
            response.raise_for_status()
            return
        time.sleep(1)
    raise OutageError("an earlier backfill must have ended", got="one that is active", fix="Start clean with --fresh.")


def _monthly(api: AirflowApi) -> dict[str, str]:
    return {run_id: state for run_id, state in api.run_states(MODEL).items() if run_id.startswith("backfill__2013")}


def _bar(console: Console) -> Progress:
    return Progress(
        SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), console=console
    )  # fmt: skip


def _print_proof(ledger: SqlLedger, stack: Stack, console: Console) -> None:
    """Check the promises on the spot: chain intact, alias equal to the pointer."""
    entries = ledger.verify().count
    pointer = ledger.pointer(MODEL, PRODUCTION)
    alias = MlflowRegistry(stack.mlflow_url).alias_version(MODEL, "champion")
    if pointer is None or alias != pointer.version:
        raise IntegrityError(
            "MLflow's alias must name the champion", got=f"alias {alias}, pointer {pointer}", fix="See the task logs."
        )
    console.print(
        f"Champion is version {pointer.version}, as of {pointer.as_of:%Y-%m-%d}: MLflow's alias says the same. "
        f"Ledger: {entries} entries, chain intact.",
        highlight=False,
        soft_wrap=True,
    )

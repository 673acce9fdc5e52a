"""Time an 11-month backfill of retrain and of a hand-written DAG, both from a cold start, and the same work without Airflow.

Each side gets a fresh platform: PostgreSQL, an MLflow server, Airflow with LocalExecutor, two active runs. The hand-written side
uses Airflow's default settings, retrain those that the project ships. The time runs from the creation of the backfill to the end
of its last run.

usage: bench_backfill.py [--write docs/explanation/benchmarks.md]
"""

from __future__ import annotations

import argparse
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

import duckdb
from page import write_between_marks
from rich.console import Console

from retrain.sandbox.airflow_api import AirflowApi
from retrain.sandbox.stack import PRELOAD, Ports, Stack

HERE = Path(__file__).parent
REPO = HERE.parent
RUNS = 11
console = Console(width=120)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--write", type=Path, help="a page whose marked part the table replaces")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="retrain-bench-") as folder:
        work = Path(folder)
        flights = work / "flights.parquet"
        join_months(flights)
        bare = time_bare_work(flights, work)
        by_hand = time_hand_written(flights, work / "hand-written")
        ours = time_retrain(work / "retrain")
        parse = time_parsing()
    table = render(bare, by_hand, ours, parse)
    console.print(table, markup=False, highlight=False, soft_wrap=True)
    if arguments.write:
        write_between_marks(arguments.write, "bench_backfill", table)


def join_months(target: Path) -> None:
    """Write the year as a single file, which the hand-written side reads."""
    with duckdb.connect() as connection:
        connection.read_parquet(str(REPO / "include" / "data" / "flights" / "*.parquet")).write_parquet(str(target))


def time_bare_work(flights: Path, work: Path) -> float:
    """Return the seconds of the same months in one warm process without an orchestrator."""
    script = HERE / "peers" / "bare_work.py"
    output = subprocess.run(
        [sys.executable, str(script), str(flights), str(work)], check=True, capture_output=True, text=True, cwd=work
    ).stdout
    console.print(f"bare work: {output.strip().splitlines()[-1]}", markup=False)
    return float(output.rsplit("total", 1)[1]) * RUNS / 12


def time_hand_written(flights: Path, project: Path) -> float:
    (project / "dags").mkdir(parents=True)
    shutil.copy(HERE / "peers" / "hand_written_dag.py", project / "dags")
    ports = Ports.free()
    settings = {"PEER_DATA": str(flights), "PEER_MLFLOW": f"http://127.0.0.1:{ports.mlflow}"}
    stack = Stack(project, project / "state", ports, settings=settings, preload=(), say=_quiet)
    return time_backfill(stack, "peer_retrain", "2013-02-01", "2013-12-01")


def time_retrain(project: Path) -> float:
    shutil.copytree(HERE / "include_for_bench", project / "include")
    shutil.copytree(REPO / "include" / "data", project / "include" / "data")
    (project / "dags").mkdir()
    shutil.copy(REPO / "dags" / "retraining.py", project / "dags")
    stack = Stack(project, project / "state", Ports.free(), preload=PRELOAD, say=_quiet)
    return time_backfill(stack, "bench_retrain", "2013-03-01", "2014-01-01", {"timeline": "production"})


def time_backfill(stack: Stack, dag_id: str, first: str, last: str, conf: dict[str, str] | None = None) -> float:
    """Return the seconds from the creation of the backfill to the end of its last run."""
    with stack, console.status(f"{dag_id}: starting"):
        api = AirflowApi(stack.airflow_url, "admin", stack.password)
        api.wait_for_dag(dag_id)
        api.patch(f"/dags/{dag_id}", {"is_paused": False})
        time.sleep(10)  # wait until the servers are idle, so both sides start equally
        began = time.perf_counter()
        body = {
            "dag_id": dag_id,
            "from_date": f"{first}T00:00:00Z",
            "to_date": f"{last}T00:00:00Z",
            "max_active_runs": 2,
            "dag_run_conf": conf or {},
            "reprocess_behavior": "none",
        }
        api.post("/backfills", body).raise_for_status()
        while True:
            states = [state for run, state in api.run_states(dag_id).items() if run.startswith("backfill__")]
            if len(states) == RUNS and set(states) <= {"success", "failed"}:
                break
            time.sleep(0.5)
        seconds = time.perf_counter() - began
        failed = states.count("failed")
        console.print(f"{dag_id}: {seconds:.1f} s")
        if failed:
            raise SystemExit(
                f"{failed} of {RUNS} runs of {dag_id} failed, so their time is meaningless. See the task logs."
            )
    return seconds


def time_parsing() -> float:
    """Return the seconds that a cold process takes to parse retrain's DAG file, without the import of Airflow."""
    program = (
        "import time, airflow.sdk, runpy; began = time.perf_counter(); "
        f"runpy.run_path({str(REPO / 'dags' / 'retraining.py')!r}); print(time.perf_counter() - began)"
    )
    output = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True).stdout
    return float(output.splitlines()[-1])


def render(bare: float, by_hand: float, ours: float, parse: float) -> str:
    def overhead(seconds: float) -> float:
        return (seconds - bare) / RUNS

    return "\n".join(
        [
            f"{datetime.now(UTC):%Y-%m-%d}, {platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}, "
            f"{RUNS} monthly retrains, 2 active runs:",
            "",
            "| | wall, s | overhead per run, s | times ours |",
            "|---|---:|---:|---:|",
            f"| hand-written DAG | {by_hand:.1f} | {overhead(by_hand):.1f} | {by_hand / ours:.1f} |",
            f"| retrain | {ours:.1f} | {overhead(ours):.1f} | 1.0 |",
            f"| bare work, one warm process | {bare:.1f} | 0 | {bare / ours:.2f} |",
            "",
            f"Overhead: hand-written to ours {overhead(by_hand) / overhead(ours):.1f} to 1. "
            f"Parsing our DAG file: {parse:.2f} s beyond importing Airflow.",
        ]
    )


def _quiet(_: str) -> None:
    """Print nothing, because the status line shows the progress."""


if __name__ == "__main__":
    main()

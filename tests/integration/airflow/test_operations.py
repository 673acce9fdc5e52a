"""Approval, rollback, freeze and reconciliation, asked for as people do: over REST and from the command line."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from datetime import timedelta
from typing import Any

import httpx
import pytest
from tests.integration.airflow.conftest import TODAY, Live
from tests.require import require

from retrain.core.ledger.entries import Action
from retrain.core.names import PRODUCTION
from retrain.core.policy.decision import Choice
from retrain.errors import OutageError

pytestmark = pytest.mark.live

GUARDED, CALM = "guarded", "calm"


def asked(live: Live, run_id: str) -> dict[str, Any]:
    """Return the question of a run, once it waits for its answer."""
    base = f"/dags/{GUARDED}/dagRuns/{run_id}"
    live.until(lambda: live.api.get(f"{base}/taskInstances/approve")["state"] == "awaiting_input")
    question: dict[str, Any] = live.api.get(f"{base}/taskInstances/approve/-1/hitlDetails")
    return question


def answer(live: Live, user: str, run_id: str, option: str) -> int:
    path = f"/dags/{GUARDED}/dagRuns/{run_id}/taskInstances/approve/-1/hitlDetails"
    try:
        live.as_user(user).patch(path, {"chosen_options": [option], "params_input": {}})
    except OutageError as error:
        return int(error.got[:3])
    return httpx.codes.OK


def retrain(live: Live, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a command on a champion against the platform."""
    environment = os.environ | {
        "RETRAIN_LEDGER": live.stack.database_url("retrain"),
        "MLFLOW_TRACKING_URI": live.stack.mlflow_url,
        "AIRFLOW__RETRAIN__STORE": (live.stack.home / "store").as_uri(),
    }
    command = [sys.executable, "-m", "retrain.cli", *arguments]
    return subprocess.run(command, env=environment, cwd=live.stack.project, capture_output=True, text=True)


def retrain_calm(live: Live, days_ago: int) -> int:
    """Bring a version of calm, whose gate lets every later one pass, into production; return it."""
    as_of = (TODAY - timedelta(days=days_ago)).date().isoformat()
    live.unpause(CALM)
    run_id = live.trigger(CALM, conf={"as_of": as_of, "timeline": PRODUCTION, "nonce": f"{days_ago} days ago"})
    assert live.wait(CALM, run_id) == "success"
    decision = live.decision_of(CALM, PRODUCTION, run_id)
    assert decision.choice is Choice.PROMOTE
    return int(require(decision.challenger).version)


@pytest.fixture(scope="module")
def two(live: Live) -> tuple[int, int]:
    """Two versions that were champion one after the other."""
    return retrain_calm(live, 3), retrain_calm(live, 2)


# Approval


def test_an_approver_who_did_not_ask_for_it_says_yes(live: Live) -> None:
    live.unpause(GUARDED)
    run_id = live.trigger(GUARDED, conf={"as_of": TODAY.date().isoformat()})
    question = asked(live, run_id)
    assert sorted(user["id"] for user in question["assigned_users"]) == ["ann", "bob"]
    assert "beats_champion(roc_auc)" in question["body"]
    assert live.ledger.pointer(GUARDED, PRODUCTION) is None
    assert answer(live, "vera", run_id, "Approve") == httpx.codes.FORBIDDEN
    assert answer(live, "admin", run_id, "Approve") == httpx.codes.FORBIDDEN
    assert answer(live, "ann", run_id, "Approve") == httpx.codes.OK
    assert live.wait(GUARDED, run_id) == "success"
    decision = live.decision_of(GUARDED, PRODUCTION, run_id)
    decided, approved, entry = (item for item in live.ledger.entries(GUARDED) if item.decision_id == decision.id)
    assert (decided.action, approved.action, approved.approver) == (Action.DECIDE, Action.APPROVE, "ann")
    assert (entry.action, entry.actor, entry.approver) == (Action.PROMOTE, "admin", "ann")
    assert live.mlflow.get_registered_model(GUARDED).aliases == {"champion": str(entry.version)}


def test_a_simulation_asks_nobody(live: Live) -> None:
    live.unpause(GUARDED)
    run_id = live.trigger(GUARDED, conf={"as_of": TODAY.date().isoformat(), "timeline": "unasked"})
    assert live.wait(GUARDED, run_id) == "success"
    assert live.ledger.pointer(GUARDED, "unasked") is not None


# Rollback, reconciliation, freeze


def test_a_rollback_from_the_form_moves_the_alias_and_a_clear_does_not_bring_it_back(
    live: Live, two: tuple[int, int]
) -> None:
    first, second = two
    live.unpause("retrain_rollback")
    run_id = live.trigger("retrain_rollback", conf={"model": CALM, "reason": "it went wrong at three"})
    assert live.wait("retrain_rollback", run_id) == "success"
    entry = require(live.ledger.standing(CALM, PRODUCTION).champion)
    assert (entry.action, entry.version, entry.previous_version) == (Action.ROLLBACK, first, second)
    assert live.mlflow.get_registered_model(CALM).aliases == {"champion": str(first)}
    again = live.trigger("retrain_rollback", conf={"model": CALM, "reason": "it went wrong at three"})
    assert live.wait("retrain_rollback", again) == "success"
    assert live.ledger.standing(CALM, PRODUCTION).champion == entry
    as_of = (TODAY - timedelta(days=2)).date().isoformat()
    bad = live.trigger(CALM, conf={"as_of": as_of, "timeline": PRODUCTION, "nonce": "2 days ago"})
    assert live.wait(CALM, bad) == "success"
    assert live.ledger.standing(CALM, PRODUCTION).champion == entry


def test_a_viewer_cannot_roll_back(live: Live) -> None:
    body = {"logical_date": None, "conf": {"model": CALM, "reason": "mischief"}}
    response = live.as_user("vera").post("/dags/retrain_rollback/dagRuns", body)
    assert response.status_code == httpx.codes.FORBIDDEN


def test_the_command_line_rolls_back_in_seconds_and_says_what_changed(live: Live, two: tuple[int, int]) -> None:
    first, second = two
    forced = retrain(live, "promote", CALM, str(second), "--force", "--reason", "again")
    assert forced.returncode == 0, forced.stderr
    dry = retrain(live, "rollback", CALM, "--reason", "again", "--dry-run")
    assert "Dry run: nothing was changed" in dry.stdout
    assert require(live.ledger.pointer(CALM, PRODUCTION)).version == second
    began = time.monotonic()
    done = retrain(live, "rollback", CALM, "--reason", "again")
    assert done.returncode == 0, done.stderr
    assert f"version {first} is champion" in done.stdout
    assert time.monotonic() - began < 60
    why = retrain(live, "why", CALM, str(second))
    assert all(word in why.stdout for word in ("snapshot", "code", "moves", "force", "point_estimate"))


def test_a_frozen_model_is_held_until_the_freeze_is_lifted(live: Live, two: tuple[int, int]) -> None:
    frozen = retrain(live, "freeze", CALM, "--reason", "holiday")
    assert frozen.returncode == 0, frozen.stderr
    as_of = (TODAY - timedelta(days=1)).date().isoformat()
    run_id = live.trigger(CALM, conf={"as_of": as_of, "timeline": PRODUCTION, "nonce": "frozen"})
    assert live.wait(CALM, run_id) == "success"
    decision = live.decision_of(CALM, PRODUCTION, run_id)
    assert (decision.choice, "holiday" in decision.reason) == (Choice.HOLD, True)
    lifted = retrain(live, "unfreeze", CALM, "--reason", "back")
    assert lifted.returncode == 0, lifted.stderr
    assert live.ledger.standing(CALM, PRODUCTION).freeze is None


def test_an_alias_moved_by_hand_is_an_alarm_and_is_put_back(live: Live, two: tuple[int, int]) -> None:
    champion = require(live.ledger.pointer(CALM, PRODUCTION))
    versions = {int(version.version) for version in live.mlflow.search_model_versions(f"name = '{CALM}'")}
    never_live = min(versions - set(two))
    live.mlflow.set_registered_model_alias(CALM, "champion", str(never_live))
    live.unpause("retrain_reconcile")  # which starts the run of its last tick as well: either may come first
    live.wait("retrain_reconcile", live.trigger("retrain_reconcile"))
    assert live.mlflow.get_registered_model(CALM).aliases == {"champion": str(champion.version)}
    live.until(lambda: "failed" in live.api.run_states("retrain_reconcile").values())


def test_what_was_live_is_rehearsed(live: Live, two: tuple[int, int]) -> None:
    live.unpause("retrain_rehearsal")
    run_id = live.trigger("retrain_rehearsal")
    assert live.wait("retrain_rehearsal", run_id) == "success"


def test_the_export_is_the_chain(live: Live, two: tuple[int, int]) -> None:
    lines = retrain(live, "ledger", "export").stdout.splitlines()
    assert len(lines) == live.ledger.verify().count
    assert live.ledger.entries()[-1].hash in lines[-1]

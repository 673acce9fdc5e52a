"""Real retrains in a real Airflow: every way in which a run can be asked for ends in the right ledger row."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import psutil
import pytest
from tests.integration.airflow.conftest import TODAY, Live
from tests.readme_blocks import live_script
from tests.require import require

from retrain.core.names import PRODUCTION
from retrain.core.policy.decision import Choice
from retrain.core.spec import load_spec
from retrain.hooks import MlflowHook, RetrainLedgerHook

pytestmark = pytest.mark.live

FLIGHTS, PULSE = "flight_delay", "pulse"


def month(number: int) -> datetime:
    return datetime(2013, number, 1, tzinfo=UTC)


def test_no_server_listens_beyond_this_machine_and_no_other_user_reads_its_files(live: Live) -> None:
    listening = {
        connection.laddr.ip
        for process in live.stack.processes()
        for connection in process.net_connections()
        if connection.status == psutil.CONN_LISTEN
    }
    assert listening == {"127.0.0.1"}
    for folder in ("logs", "airflow", "artifacts", "store", "secrets"):
        assert (live.stack.home / folder).stat().st_mode & 0o077 == 0, folder


@pytest.fixture(scope="session")
def spring(live: Live) -> list[str]:
    """The runs of a backfill over REST, February to April 2013, two at once, onto production."""
    live.unpause("follower")
    live.unpause(FLIGHTS)
    body = {
        "dag_id": FLIGHTS,
        "from_date": "2013-02-01T00:00:00Z",
        "to_date": "2013-04-01T00:00:00Z",
        "max_active_runs": 2,
        "dag_run_conf": {"timeline": PRODUCTION, "reason": "spring"},
    }
    assert live.api.post("/backfills", body).status_code == 200
    runs = [f"backfill__2013-0{number}-01T00:00:00+00:00" for number in (2, 3, 4)]
    for run_id in runs:
        live.until(partial(has_run, live, run_id))
        assert live.wait(FLIGHTS, run_id) == "success"
    return runs


def test_a_bad_spec_is_one_import_error_and_hides_nothing(live: Live) -> None:
    for dag_id in (FLIGHTS, "arrival_delay", PULSE):
        live.api.wait_for_dag(dag_id)
    errors = live.until(lambda: live.api.get("/importErrors")["import_errors"])
    assert [error["filename"] for error in errors] == ["pipeline_errors.py"]
    for mistake in ("ownr", "12x", "nowhere", "roc_ac", "beats_champio"):
        assert mistake in errors[0]["stack_trace"]


def test_a_backfill_over_rest_promotes_month_by_month(live: Live, spring: list[str]) -> None:
    decisions = {d.as_of: d for d in live.ledger.decisions(FLIGHTS, PRODUCTION) if d.as_of <= month(4)}
    assert sorted(decisions) == [month(2), month(3), month(4)]
    assert [decisions[month(n)].choice for n in (2, 3, 4)] == [Choice.PROMOTE, Choice.HOLD, Choice.PROMOTE]
    february, march, april = (decisions[month(n)] for n in (2, 3, 4))
    assert february.opponent == "baseline"
    assert march.champion_version == april.champion_version == require(february.challenger).version
    pointer = require(live.ledger.pointer(FLIGHTS, PRODUCTION))
    assert (pointer.version, pointer.generation) == (require(april.challenger).version, 2)
    assert live.mlflow.get_registered_model(FLIGHTS).aliases == {"champion": str(pointer.version)}
    assert live.ledger.verify().count >= 2


def test_a_promotion_and_only_a_promotion_updates_the_champion_asset(live: Live, spring: list[str]) -> None:
    events = live.until(lambda: found if len(found := live.api.get("/assets/events")["asset_events"]) >= 5 else None)
    promotions = [event for event in events if event["uri"] == f"retrain://champion/{FLIGHTS}"]
    assert sorted(event["source_run_id"] for event in promotions) == [spring[0], spring[2]]
    followers = live.until(lambda: live.api.get("/dags/follower/dagRuns")["dag_runs"])
    assert {run["run_type"] for run in followers} == {"asset_triggered"}


def has_run(live: Live, run_id: str) -> bool:
    return run_id in live.api.run_states(FLIGHTS)


def find_note(live: Live, run_id: str) -> str | None:
    note: str | None = live.run(FLIGHTS, run_id)["note"]
    return note


def test_the_decision_is_the_note_of_the_run_and_of_its_gate(live: Live, spring: list[str]) -> None:
    for run_id, choice in zip(spring, ("PROMOTE", "HOLD", "PROMOTE"), strict=True):
        note = live.until(partial(find_note, live, run_id))
        assert note.startswith(f"**retrain:** {choice}: ")
        assert live.api.get(f"/dags/{FLIGHTS}/dagRuns/{run_id}/taskInstances/gate")["note"] == note


def test_a_note_of_a_person_stays_and_one_of_ours_is_renewed(live: Live, spring: list[str]) -> None:
    path = f"/dags/{FLIGHTS}/dagRuns/{spring[1]}"
    live.api.patch(path, {"note": "seen by ann"})
    body = {"dry_run": False, "dag_run_id": spring[1], "task_ids": ["gate"], "only_failed": False}
    live.api.post(f"/dags/{FLIGHTS}/clearTaskInstances", body | {"include_downstream": True, "reset_dag_runs": True})
    assert live.wait(FLIGHTS, spring[1]) == "success"
    assert live.run(FLIGHTS, spring[1])["note"] == "seen by ann"
    live.api.patch(path, {"note": "**retrain:** an old word"})
    live.api.post(f"/dags/{FLIGHTS}/clearTaskInstances", body | {"include_downstream": True, "reset_dag_runs": True})
    assert live.wait(FLIGHTS, spring[1]) == "success"
    assert live.run(FLIGHTS, spring[1])["note"].startswith("**retrain:** HOLD: ")


def test_tasks_hand_on_small_references_and_link_to_mlflow(live: Live, spring: list[str]) -> None:
    base = f"/dags/{FLIGHTS}/dagRuns/{spring[0]}/taskInstances"
    for task in ("snapshot", "validate", "train", "evaluate", "gate", "promote"):
        value = live.api.get(f"{base}/{task}/xcomEntries/return_value", stringify=True)["value"]
        assert len(json.dumps(value)) < 4096
    links = live.api.get(f"{base}/train/links")["extra_links"]
    version = require(live.ledger.decisions(FLIGHTS, PRODUCTION)[0].challenger).version
    assert links["Model version"] == f"{live.stack.mlflow_url}/#/models/{FLIGHTS}/versions/{version}"
    assert links["MLflow run"].startswith(f"{live.stack.mlflow_url}/#/experiments/")
    page = live.api.get(f"{base}/gate/links")["extra_links"]["Scorecard"]
    assert page == f"{links['MLflow run']}/artifacts/decision/production/scorecard.html"


def test_the_mlflow_run_holds_what_people_look_at(live: Live, spring: list[str]) -> None:
    challenger = require(live.decision_of(FLIGHTS, PRODUCTION, spring[2]).challenger)
    run = live.mlflow.get_run(challenger.run_id)
    assert run.info.status == "FINISHED"
    assert {"challenger.roc_auc", "champion.roc_auc"} <= set(run.data.metrics)
    assert run.data.params["estimator"] == "include.models.flights:build_estimator"
    assert run.inputs.dataset_inputs[0].dataset.digest == run.data.tags["retrain.snapshot"][:36]
    assert [file.path for file in live.mlflow.list_artifacts(challenger.run_id, "evaluation")] == [
        "evaluation/scores.png"
    ]
    assert [file.path for file in live.mlflow.list_artifacts(challenger.run_id, "decision/production")] == [
        "decision/production/README.md",
        "decision/production/scorecard.html",
    ]
    page = Path(live.mlflow.download_artifacts(challenger.run_id, "decision/production/scorecard.html")).read_text()
    assert f'href="{live.stack.airflow_url}/dags/{FLIGHTS}/runs/' in page
    described = live.mlflow.get_model_version(FLIGHTS, str(challenger.version)).description
    assert described.startswith("PROMOTE as of 2013-04-01 00:00. ")


@pytest.mark.parametrize("task", ["snapshot", "validate", "train", "evaluate", "gate", "promote"])
def test_clearing_and_rerunning_a_task_makes_no_second_run_or_version(live: Live, spring: list[str], task: str) -> None:
    before = live.made(FLIGHTS), live.ledger.entries(FLIGHTS), live.ledger.decisions(FLIGHTS, PRODUCTION)
    body = {
        "dry_run": False,
        "dag_run_id": spring[0],
        "task_ids": [task],
        "only_failed": False,
        "include_downstream": True,
        "reset_dag_runs": True,
    }
    assert live.api.post(f"/dags/{FLIGHTS}/clearTaskInstances", body).status_code == 200
    assert live.wait(FLIGHTS, spring[0]) == "success"
    after = live.made(FLIGHTS), live.ledger.entries(FLIGHTS), live.ledger.decisions(FLIGHTS, PRODUCTION)
    assert after == before


def test_a_backfill_by_cli_simulates_and_leaves_production_alone(live: Live, spring: list[str]) -> None:
    live.api.wait_for_dag(PULSE)
    live.unpause(PULSE)
    tick = f"scheduled__{TODAY.isoformat()}"  # unpausing starts it, and it does move production
    live.until(lambda: tick in live.api.run_states(PULSE))
    assert live.wait(PULSE, tick) == "success"
    before = production_of(live, PULSE)
    first, last = TODAY - timedelta(days=4), TODAY - timedelta(days=3)
    live.stack.run_airflow(
        "backfill", "create", "--dag-id", PULSE, "--from-date", f"{first:%Y-%m-%d}", "--to-date", f"{last:%Y-%m-%d}"
    )
    timeline = f"simulation-{load_spec(live.stack.project / 'include/pipelines/pulse.yaml').digest[:12]}"
    decisions = live.until(lambda: found if len(found := live.ledger.decisions(PULSE, timeline)) == 2 else None)
    assert [decision.as_of for decision in decisions] == [first, last]
    assert decisions[0].choice is Choice.PROMOTE
    for day in (first, last):
        assert live.wait(PULSE, f"backfill__{day.isoformat()}") == "success"
    assert live.ledger.pointer(PULSE, timeline) is not None
    assert production_of(live, PULSE) == before


def production_of(live: Live, model: str) -> tuple[Any, ...]:
    """Return what serves: the pointer, the aliases, and every entry and decision of the production timeline."""
    entries = [entry for entry in live.ledger.entries(model) if entry.timeline == PRODUCTION]
    aliases = live.mlflow.get_registered_model(model).aliases
    return live.ledger.pointer(model, PRODUCTION), aliases, entries, live.ledger.decisions(model, PRODUCTION)


def test_a_scheduled_run_after_unpausing_knows_what_its_tick_knows(live: Live) -> None:
    live.unpause(PULSE)
    run_id = f"scheduled__{TODAY.isoformat()}"
    live.until(lambda: run_id in live.api.run_states(PULSE))
    assert live.wait(PULSE, run_id) == "success"
    decision = live.decision_of(PULSE, PRODUCTION, run_id)
    assert decision.as_of == TODAY
    assert live.mlflow.get_registered_model(PULSE).aliases["champion"] == str(
        require(live.ledger.pointer(PULSE, PRODUCTION)).version
    )


def test_a_run_over_rest_takes_its_as_of_from_conf(live: Live) -> None:
    live.unpause(PULSE)
    conf = {"as_of": "2020-02-03T04:05:06Z", "timeline": "asked", "reason": "why not"}
    run_id = live.trigger(PULSE, conf=conf)
    assert live.wait(PULSE, run_id) == "failed"
    decision = live.decision_of(PULSE, "asked", run_id)
    assert decision.as_of == datetime(2020, 2, 3, 4, 5, 6, tzinfo=UTC)
    assert (decision.choice, decision.failed_step) == (Choice.REJECT, "snapshot")
    assert "must hold rows; got none" in decision.reason


def test_a_run_without_a_logical_date_takes_run_after(live: Live) -> None:
    live.unpause(PULSE)
    run_id = live.trigger(PULSE, conf={"timeline": "undated"})
    assert live.wait(PULSE, run_id) == "success"
    run_after = datetime.fromisoformat(live.run(PULSE, run_id)["run_after"])
    assert live.decision_of(PULSE, "undated", run_id).as_of == run_after


@pytest.mark.parametrize(
    "conf",
    [
        {"as_of": "yesterday"},
        {"as_of": "2013-01-01\n"},
        {"as_of": 20130101},
        {"timeline": "No Such Name"},
        {"timeline": "production\n"},
        {"timeline": "x" * 65},
        {"reason": "x" * 501},
        {"nonce": ["list"]},
    ],
)
def test_wrong_params_are_refused_with_400(live: Live, conf: dict[str, object]) -> None:
    live.api.wait_for_dag(PULSE)
    response = live.api.post(f"/dags/{PULSE}/dagRuns", {"logical_date": None, "conf": conf})
    assert response.status_code == 400, response.text


def test_the_same_run_id_twice_is_refused_with_409(live: Live) -> None:
    live.unpause(PULSE)
    body = {"logical_date": None, "dag_run_id": "once", "conf": {"timeline": "once"}}
    assert [live.api.post(f"/dags/{PULSE}/dagRuns", body).status_code for _ in range(2)] == [200, 409]
    assert live.wait(PULSE, "once") == "success"


def test_the_recipes_of_the_readme_run_as_they_stand(live: Live) -> None:
    where = {"AIRFLOW_URL": live.stack.airflow_url, "USERNAME": "admin", "PASSWORD": live.stack.password}
    recipe = ["bash", "-euo", "pipefail", "-c"]
    rest = subprocess.run(
        [*recipe, live_script("rest")], env=os.environ | where, capture_output=True, text=True, timeout=300
    )
    assert rest.returncode == 0, rest.stdout + rest.stderr
    assert '"choice": "PROMOTE"' in rest.stdout
    live.until(lambda: set(live.api.run_states("arrival_delay").values()) == {"success"})
    cli = live_script("cli").replace("airflow ", f"{sys.executable} -m airflow ")
    live.until(
        lambda: (
            subprocess.run(
                [*recipe, cli], env=live.stack.environment(), cwd=live.stack.project, capture_output=True
            ).returncode
            == 0
        )
    )
    live.until(lambda: len(live.ledger.decisions("arrival_delay", "what-if")) == 2)


def test_without_mlflow_the_decision_is_written_and_says_so(live: Live) -> None:
    live.unpause("without_mlflow")
    run_id = live.trigger("without_mlflow")
    assert live.wait("without_mlflow", run_id) == "failed"
    decision = live.decision_of(PULSE, "without-mlflow", run_id)
    assert (decision.choice, decision.failed_step) == (Choice.REJECT, "train")
    assert "the MLflow server must answer" in decision.reason


def test_the_connections_of_the_platform_test_green(live: Live, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in live.stack.environment().items():
        if name.startswith("AIRFLOW_CONN_"):
            monkeypatch.setenv(name, value)
    assert MlflowHook().test_connection() == (True, f"MLflow at {live.stack.mlflow_url} answers")
    ok, message = RetrainLedgerHook().test_connection()
    assert ok
    assert "chain" in message
    dead, reason = MlflowHook("dead_mlflow").test_connection()
    assert not dead
    assert "the MLflow server must answer" in reason

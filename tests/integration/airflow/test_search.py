"""A search by two mapped tasks in a real Airflow, with its trials in a real MLflow and PostgreSQL."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text
from tests.integration.airflow.conftest import TODAY, Live
from tests.require import require

pytestmark = pytest.mark.live

SEARCHED, TRIALS = "searched", 7


@pytest.fixture(scope="session")
def searched(live: Live) -> str:
    """A run of the pipeline that searches with two workers."""
    live.unpause(SEARCHED)
    run_id = live.trigger(SEARCHED, conf={"as_of": f"{TODAY:%Y-%m-%d}"})
    assert live.wait(SEARCHED, run_id, 240) == "success"
    return run_id


def test_two_tasks_share_the_trials_and_hand_on_small_numbers(live: Live, searched: str) -> None:
    base = f"/dags/{SEARCHED}/dagRuns/{searched}/taskInstances"
    workers = live.api.get(f"{base}/search/listMapped")["task_instances"]
    assert {worker["map_index"]: worker["state"] for worker in workers} == {0: "success", 1: "success"}
    done = [
        live.api.get(f"{base}/search/xcomEntries/return_value", map_index=index, stringify=False)["value"]
        for index in (0, 1)
    ]
    assert [item["worker"] for item in done] == [0, 1]
    assert sum(item["trials"] for item in done) == TRIALS


def test_each_trial_is_a_run_nested_in_the_retrains(live: Live, searched: str) -> None:
    challenger = require(live.decision_of(SEARCHED, "production", searched).challenger)
    experiment = live.mlflow.get_experiment_by_name(SEARCHED).experiment_id
    nested = live.mlflow.search_runs([experiment], f"tags.`mlflow.parentRunId` = '{challenger.run_id}'")
    assert sorted(int(run.data.tags["retrain.trial"]) for run in nested) == list(range(TRIALS))
    complete = [run for run in nested if run.data.tags["retrain.state"] == "complete"]
    in_order = sorted(complete, key=lambda run: int(run.data.tags["retrain.trial"]))
    best = max(in_order, key=lambda run: run.data.metrics["roc_auc"])
    assert live.mlflow.get_run(challenger.run_id).data.params["C"] == best.data.params["C"]
    assert live.made(SEARCHED) == (TRIALS + 1, 1)


def test_the_searches_are_in_a_schema_of_their_own(live: Live, searched: str) -> None:
    key = require(live.decision_of(SEARCHED, "production", searched).challenger).key
    count = "SELECT count(*) FROM retrain_search.trials JOIN retrain_search.studies USING (study_id) WHERE study_name = :key"
    engine = create_engine(live.stack.database_url("retrain"))
    with engine.connect() as connection:
        (trials,) = connection.execute(text(count), {"key": key}).one()
    engine.dispose()
    assert trials == TRIALS
    assert live.ledger.verify().count >= 1


def test_what_was_found_is_replayed_bit_for_bit(live: Live, searched: str) -> None:
    challenger = require(live.decision_of(SEARCHED, "production", searched).challenger)
    project, stack = live.stack.home.parent, live.stack
    command = [
        Path(sys.executable).with_name("retrain"),
        "--home", stack.home, "--ledger", stack.database_url("retrain"), "--tracking-uri", stack.mlflow_url,
        "replay", challenger.run_id,
    ]  # fmt: skip
    done = subprocess.run(list(map(str, command)), cwd=project, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "bit-identical" in done.stdout

"""The same retrains on Celery workers over Redis."""

from __future__ import annotations

import time
from datetime import UTC, datetime

import pytest
from tests.require import require

from retrain.adapters.mlflow_registry import MlflowRegistry
from retrain.adapters.sql_ledger import SqlLedger
from retrain.core.names import PRODUCTION
from retrain.core.policy.decision import Choice
from retrain.sandbox.airflow_api import AirflowApi
from retrain.sandbox.stack import Stack

pytestmark = pytest.mark.e2e

MODEL = "arrival_delay"


def backfilled(api: AirflowApi) -> list[str]:
    """Return the states of the backfill's runs."""
    return [state for run_id, state in api.run_states(MODEL).items() if run_id.startswith("backfill__")]


def test_a_backfill_on_celery_workers_promotes_the_regression(stack: Stack) -> None:
    api = AirflowApi(stack.airflow_url, "admin", stack.password)
    api.wait_for_dag(MODEL)
    api.patch(f"/dags/{MODEL}", {"is_paused": False})
    body = {
        "dag_id": MODEL,
        "from_date": "2013-04-01T00:00:00Z",
        "to_date": "2013-05-01T00:00:00Z",
        "max_active_runs": 2,
        "dag_run_conf": {"timeline": PRODUCTION},
    }
    assert api.post("/backfills", body).status_code == 200
    deadline = time.monotonic() + 600
    while backfilled(api) != ["success"] * 2:
        assert time.monotonic() < deadline, api.run_states(MODEL)
        time.sleep(0.5)
    ledger = SqlLedger(stack.database_url("retrain"))
    april, may = (d for d in ledger.decisions(MODEL, PRODUCTION) if d.origin.run_id.startswith("backfill__"))
    assert (april.as_of, may.as_of) == (datetime(2013, 4, 1, tzinfo=UTC), datetime(2013, 5, 1, tzinfo=UTC))
    assert april.choice is Choice.PROMOTE
    assert (may.opponent, may.champion_version) == ("champion", require(april.challenger).version)
    pointer = require(ledger.pointer(MODEL, PRODUCTION))
    assert MlflowRegistry(stack.mlflow_url).alias_version(MODEL, "champion") == pointer.version

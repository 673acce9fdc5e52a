"""One live platform for all live tests: PostgreSQL, an MLflow server and Airflow on free ports of this machine."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

import duckdb
import pytest
from mlflow.tracking import MlflowClient
from tests.integration.airflow.people import write_people

from retrain.adapters.sql_ledger import SqlLedger
from retrain.core.policy.decision import Decision
from retrain.sandbox.airflow_api import AirflowApi
from retrain.sandbox.stack import Ports, Stack

T = TypeVar("T")
REPO = Path(__file__).parents[3]
TODAY = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)

PULSE = """\
model: pulse
schedule: "@daily"
start_date: {start:%Y-%m-%d}
data:
  source: include/data/pulse/*.parquet
  event_time: seen_at
  label: bought
  label_delay: 1d
  window: {{train: 60d, holdout: 20d}}
validation: {{suite: include/expectations/pulse.json}}
train: {{estimator: "include.models.pulse:build_estimator"}}
evaluation: {{task: classification, primary: roc_auc, metrics: [roc_auc]}}
gate: [{{check: beats_champion, metric: roc_auc, cluster_by: day}}]
"""

GUARDED = """\
promotion: {alias: champion, approval: required, approvers: [admin, ann, bob]}
"""

SEARCHING = """\
search: {params: {C: {float: [0.01, 10], log: true}}, trials: 7, workers: 2}
"""

SUITE = """{"name": "pulse", "meta": {}, "expectations": [
  {"type": "expect_column_values_to_not_be_null", "kwargs": {"column": "bought"}}]}"""

ESTIMATOR = """\
from sklearn.linear_model import LogisticRegression


def build_estimator(*, seed, **params):
    return LogisticRegression(random_state=seed, **params)
"""

BROKEN = """\
model: broken
ownr: nobody
start_date: 2024-01-01
data: {source: a.parquet, event_time: t, label: y, window: {train: 12x, holdout: 1d}}
validation: {suite: s.json}
train: {estimator: nowhere}
evaluation: {task: classification, primary: roc_ac, metrics: [roc_auc]}
gate: [{check: beats_champio, metric: roc_auc}]
"""

MORE_DAGS = """\
\"\"\"A DAG that follows a champion, and one composed by hand against an MLflow server that is down.\"\"\"

from pathlib import Path

import pendulum
from airflow.sdk import DAG
from airflow.providers.standard.operators.empty import EmptyOperator

from retrain.core.spec import load_spec
from retrain.operators import (
    EvaluateModelOperator,
    QualityGateOperator,
    SnapshotDataOperator,
    TrainModelOperator,
    champion_asset,
)

with DAG("follower", schedule=[champion_asset("flight_delay")], start_date=pendulum.datetime(2013, 1, 1)):
    EmptyOperator(task_id="follow")

spec = load_spec(Path(__file__).parent.parent / "include" / "pipelines" / "pulse.yaml")
with DAG("without_mlflow", schedule=None, start_date=pendulum.datetime(2013, 1, 1)):
    common = {"spec": spec, "mlflow_conn_id": "dead_mlflow", "timeline": "without-mlflow"}
    snapshot = SnapshotDataOperator(task_id="snapshot", **common)
    train = TrainModelOperator(task_id="train", snapshot=snapshot.output, **common)
    evaluate = EvaluateModelOperator(task_id="evaluate", snapshot=snapshot.output, challenger=train.output, **common)
    QualityGateOperator(
        task_id="gate", snapshot=snapshot.output, challenger=train.output, scorecard=evaluate.output, **common
    )
"""


@dataclass(frozen=True)
class Live:
    """A running platform and the ways to look at it."""

    stack: Stack
    api: AirflowApi
    ledger: SqlLedger
    mlflow: MlflowClient

    def wait(self, dag_id: str, run_id: str, seconds: float = 120) -> str:
        """Return the final state of a run."""

        def ask() -> str | None:
            state = str(self.run(dag_id, run_id)["state"])
            return state if state in ("success", "failed") else None

        return self.until(ask, seconds)

    def run(self, dag_id: str, run_id: str) -> dict[str, Any]:
        found: dict[str, Any] = self.api.get(f"/dags/{dag_id}/dagRuns/{run_id}")
        return found

    def until(self, ask: Callable[[], T | None], seconds: float = 120) -> T:
        """Return the first answer that is not empty."""
        deadline = time.monotonic() + seconds
        while True:
            if answer := ask():
                return answer
            assert time.monotonic() < deadline, f"no answer within {seconds} s"
            time.sleep(0.3)

    def unpause(self, dag_id: str) -> None:
        self.api.wait_for_dag(dag_id)
        self.api.patch(f"/dags/{dag_id}", {"is_paused": False})

    def trigger(self, dag_id: str, **body: Any) -> str:
        response = self.api.post(f"/dags/{dag_id}/dagRuns", {"logical_date": None, **body})
        assert response.status_code == 200, response.text
        return str(response.json()["dag_run_id"])

    def decision_of(self, model: str, timeline: str, run_id: str) -> Decision:
        """Return the last decision of a DAG run."""
        return [d for d in self.ledger.decisions(model, timeline) if d.origin.run_id == run_id][-1]

    def as_user(self, name: str) -> AirflowApi:
        """Return the API as one of the other users: ann and bob may operate, uma may run DAGs, vera may look."""
        passwords = json.loads((self.stack.home / "secrets" / "passwords.json").read_text())
        return AirflowApi(self.stack.airflow_url, name, passwords[name])

    def made(self, model: str) -> tuple[int, int]:
        """Return how many runs and versions MLflow holds of a model."""
        experiment = self.mlflow.get_experiment_by_name(model)
        runs = self.mlflow.search_runs([experiment.experiment_id])
        return len(runs), len(self.mlflow.search_model_versions(f"name = '{model}'"))


@pytest.fixture(scope="session")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    project = tmp_path_factory.mktemp("project")
    _make_project(project)
    settings = {
        "AIRFLOW_CONN_DEAD_MLFLOW": '{"conn_type": "mlflow", "host": "http://127.0.0.1:9"}',
        # A killed scheduler is given up, and its tasks taken over, after this many seconds instead of 30 and 300.
        "AIRFLOW__SCHEDULER__SCHEDULER_HEALTH_CHECK_THRESHOLD": "10",
        "AIRFLOW__SCHEDULER__ORPHANED_TASKS_CHECK_INTERVAL": "5",
        "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT": "20",
        "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT_DETECTION_INTERVAL": "5",
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS": "admin:admin,ann:op,bob:op,uma:user,vera:viewer",
    }
    stack = Stack(project, project / ".retrain", Ports.free(), settings=settings, say=lambda _: None)
    with stack:
        yield Live(
            stack,
            AirflowApi(stack.airflow_url, "admin", stack.password),
            SqlLedger(stack.database_url("retrain")),
            MlflowClient(stack.mlflow_url, stack.mlflow_url),
        )


def _make_project(project: Path) -> None:
    for name in ("dags", "include"):
        shutil.copytree(REPO / name, project / name, ignore=shutil.ignore_patterns("__pycache__"))
    include = project / "include"

    def write(name: str, text: str) -> None:
        (include / "pipelines" / f"{name}.yaml").write_text(text.replace("model: pulse", f"model: {name}"))

    flights = include / "pipelines" / "flight_delay.yaml"
    gate = "{check: fresh, metric: roc_auc, cluster_by: day}"
    assert gate in flights.read_text()
    # By the default worth every month of spring is promoted, and no test would see a HOLD.
    flights.write_text(flights.read_text().replace(gate, gate.replace("}", ", worth: 0.03}")))
    pulse = PULSE.format(start=TODAY - timedelta(days=10))
    for name in ("pulse", "rough"):
        write(name, pulse)
    write("guarded", pulse + GUARDED)
    on_request, gate = pulse.replace('schedule: "@daily"\n', "").split("gate:")
    any_passes = on_request + "gate: [{check: point_estimate, metric: roc_auc, margin: -1}]\n"
    for name in ("calm", "steady", "forged"):
        write(name, any_passes)
    write("sealed", any_passes + GUARDED)
    estimator = 'train: {estimator: "include.models.pulse:build_estimator"'
    write("searched", on_request.replace(estimator, f"{estimator}, {SEARCHING.strip()}") + f"gate:{gate}")
    write_people(include, TODAY)
    (include / "pipelines" / "broken.yaml").write_text(BROKEN)
    (include / "expectations" / "pulse.json").write_text(SUITE)
    (include / "models" / "pulse.py").write_text(ESTIMATOR)
    (project / "dags" / "more.py").write_text(MORE_DAGS)
    (include / "data" / "pulse").mkdir()
    with duckdb.connect() as connection:
        connection.sql("SELECT setseed(0.5)").fetchall()
        connection.sql(f"""
            SELECT seen_at, visits, (random() < 1 / (1 + exp(2 - visits)))::INT AS bought
            FROM (
                SELECT TIMESTAMP '{TODAY:%Y-%m-%d}' - to_minutes(i * 20) AS seen_at, random() * 4 AS visits
                FROM range(9000) AS t(i)
            )
        """).write_parquet(str(include / "data" / "pulse" / "all.parquet"))

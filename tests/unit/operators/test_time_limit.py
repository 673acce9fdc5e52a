"""Airflow's own runner ends a try after the time limit of the spec."""

from __future__ import annotations

import signal
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest
import structlog
from airflow.sdk.execution_time.task_runner import _execute_task
from tests.builders import make_spec

from retrain.operators import SnapshotDataOperator
from retrain.operators.base import RetrainOperator


@pytest.mark.parametrize(
    ("of_the_task", "seconds"), [({}, 90 * 60), ({"execution_timeout": timedelta(minutes=5)}, 5 * 60)]
)
def test_a_try_ends_after_the_limit_of_the_spec_or_of_the_task(
    monkeypatch: pytest.MonkeyPatch, of_the_task: dict[str, Any], seconds: int
) -> None:
    alarms: list[float] = []

    def note_alarm(*_: object) -> dict[str, Any]:
        alarms.append(signal.getitimer(signal.ITIMER_REAL)[0])
        return {}

    monkeypatch.setattr(SnapshotDataOperator, "run_step", note_alarm)
    monkeypatch.setattr(RetrainOperator, "retrain", lambda *_: None)
    operator = SnapshotDataOperator(task_id="snapshot", spec=make_spec(execution={"timeout": "90m"}), **of_the_task)
    run = SimpleNamespace(dag_id="churn", run_id="r", run_type="manual", triggering_user_name="ann", run_after=None)
    instance: Any = SimpleNamespace(task=operator, _ti_context_from_server=None)
    context: Any = {"dag_run": run, "ti": instance, "task": operator, "outlet_events": {}}
    _execute_task(context, instance, structlog.get_logger())
    assert seconds - 60 < alarms[0] <= seconds

"""What an error of a step leaves in Airflow's logs."""

from __future__ import annotations

import logging
import os
import traceback
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from airflow.sdk.exceptions import AirflowException, AirflowFailException, AirflowSkipException, AirflowTaskTimeout
from tests.builders import World, make_spec

from retrain.errors import DataError, OutageError
from retrain.operators import FreezeModelOperator, SnapshotDataOperator
from retrain.operators.base import FAILURE_KEY, RetrainOperator
from retrain.operators.champion import ChampionOperator

EMAIL = "secret.person72@example.com"


def fail(error: Exception) -> Any:
    """Return a step that ends with an error which a library raised for a row."""

    def step(*_: object) -> None:
        try:
            os.environ[EMAIL]
        except KeyError as cause:
            raise error from cause

    return step


def run_context(left: dict[str, Any]) -> Any:
    run = SimpleNamespace(dag_id="churn", run_id="r", run_type="manual", triggering_user_name="ann", run_after=None)
    return {"ti": SimpleNamespace(xcom_push=lambda key, value: left.update({key: value})), "dag_run": run}


@pytest.mark.parametrize(
    ("error", "raised", "reason"),
    [
        (ValueError(f"could not convert string to float: {EMAIL!r}"), AirflowException, "ValueError"),
        (
            OutageError("it must answer", got="nothing", fix="Wait."),
            AirflowException,
            "it must answer; got nothing. Wait.",
        ),
        (DataError("rows must come", got="none", fix="Load."), AirflowFailException, "rows must come; got none. Load."),
    ],
)
def test_a_step_hands_on_no_value_by_message_cause_or_log(
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    world: World,
    error: Exception,
    raised: type[Exception],
    reason: str,
) -> None:
    operator = SnapshotDataOperator(task_id="snapshot", spec=world.spec)
    monkeypatch.setattr(SnapshotDataOperator, "run_step", fail(error))
    monkeypatch.setattr(RetrainOperator, "retrain", lambda *_: None)
    left: dict[str, Any] = {}
    with caplog.at_level(logging.DEBUG), pytest.raises(AirflowException) as caught:
        operator.execute(run_context(left))
    assert type(caught.value) is raised
    assert left[FAILURE_KEY] == {"step": "snapshot", "reason": reason}
    shown = "".join(traceback.format_exception(caught.value)) + caplog.text
    assert EMAIL not in shown
    assert reason in shown


def test_a_task_that_takes_too_long_leaves_the_reason_for_the_gate(
    monkeypatch: pytest.MonkeyPatch, world: World
) -> None:
    def run_out_of_time(*_: object) -> None:
        raise AirflowTaskTimeout("Timeout")

    operator = SnapshotDataOperator(task_id="snapshot", spec=world.spec, execution_timeout=timedelta(hours=2))
    monkeypatch.setattr(SnapshotDataOperator, "run_step", run_out_of_time)
    monkeypatch.setattr(RetrainOperator, "retrain", lambda *_: None)
    left: dict[str, Any] = {}
    with pytest.raises(AirflowTaskTimeout):
        operator.execute(run_context(left))
    assert left[FAILURE_KEY]["reason"] == "took longer than 2:00:00, the task's execution timeout"


def test_the_log_shows_where_an_unknown_error_came_from(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture, world: World
) -> None:
    operator = SnapshotDataOperator(task_id="snapshot", spec=world.spec)
    monkeypatch.setattr(SnapshotDataOperator, "run_step", fail(ValueError(EMAIL)))
    monkeypatch.setattr(RetrainOperator, "retrain", lambda *_: None)
    with pytest.raises(AirflowException, match="The step failed by ValueError"):
        operator.execute(run_context({}))
    logged = caplog.text + "".join(capsys.readouterr())
    assert "test_failures.py" in logged
    assert "in step" in logged


def test_a_skip_stays_a_skip(monkeypatch: pytest.MonkeyPatch, world: World) -> None:
    operator = SnapshotDataOperator(task_id="snapshot", spec=world.spec)
    monkeypatch.setattr(SnapshotDataOperator, "run_step", fail(AirflowSkipException("later")))
    monkeypatch.setattr(RetrainOperator, "retrain", lambda *_: None)
    with pytest.raises(AirflowSkipException, match="later"):
        operator.execute(run_context({}))


def test_an_operation_on_a_champion_hands_on_no_value(monkeypatch: pytest.MonkeyPatch) -> None:
    operator = FreezeModelOperator(task_id="freeze", specs=[make_spec()], model="churn", reason="because")
    monkeypatch.setattr(FreezeModelOperator, "operate", fail(ValueError(EMAIL)))
    monkeypatch.setattr(ChampionOperator, "open_resources", lambda *_: None)
    with pytest.raises(AirflowException, match="The step failed by ValueError") as caught:
        operator.execute(run_context({}))
    assert EMAIL not in "".join(traceback.format_exception(caught.value))

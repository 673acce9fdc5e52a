"""The notes that the scheduler writes, in Airflow's own tables on SQLite and on PostgreSQL, whose columns refuse long texts."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import URL, Engine, create_engine, insert, select
from sqlalchemy.orm import Session
from sqlalchemy.pool import NullPool
from tests.servers import fresh_database

from retrain.listeners.run_notes import on_dag_run_failed, on_dag_run_success
from retrain.operators import QualityGateOperator
from retrain.settings import NOTE_KEY, NOTE_WRITER

NOW = datetime(2026, 1, 1, tzinfo=UTC)
Left = Callable[..., uuid.UUID]


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.integration)])
def engine(request: pytest.FixtureRequest, tmp_path: Any) -> Iterator[Engine]:
    """An engine on Airflow's tables."""
    from airflow.models import import_all_models
    from airflow.models.base import Base

    import_all_models()  # type: ignore[no-untyped-call]

    def made(url: URL | str) -> Engine:
        engine = create_engine(url, poolclass=NullPool)
        Base.metadata.create_all(engine)
        return engine

    if request.param == "sqlite":
        yield made(f"sqlite:///{tmp_path}/airflow.db")
    else:
        with fresh_database(request.getfixturevalue("postgresql"), "template1") as url:
            yield made(url)


@pytest.fixture
def leave(engine: Engine) -> Left:
    """Leave a value as an XCom of a task of the run `r` of a DAG, and return the id of the task's instance."""
    from airflow.models.dagrun import DagRun
    from airflow.models.taskinstance import TaskInstance
    from airflow.models.xcom import XComModel

    with engine.begin() as connection:
        connection.execute(
            insert(DagRun).values(
                id=7,
                dag_id="flights",
                run_id="r",
                run_type="manual",
                state="running",
                run_after=NOW,
                log_template_id=None,
            )
        )

    def left(value: Any, *, task: str = "gate", operator: str = NOTE_WRITER, key: str = NOTE_KEY) -> uuid.UUID:
        task_id = uuid.uuid4()
        owner = {"dag_id": "flights", "run_id": "r", "task_id": task, "map_index": -1}
        with engine.begin() as connection:
            connection.execute(
                insert(TaskInstance).values(
                    **owner, id=task_id, operator=operator, pool="p", pool_slots=1, try_number=1, max_tries=0
                )
            )
            connection.execute(insert(XComModel).values(**owner, dag_run_id=7, key=key, value=value, timestamp=NOW))
        return task_id

    return left


def end_run(engine: Engine, listener: Callable[..., None]) -> None:
    """End the run as the scheduler does: in a session that refuses other commits, and with a change of its own."""
    from airflow.models.dagrun import DagRun
    from airflow.utils.sqlalchemy import prohibit_commit

    with Session(engine) as session, prohibit_commit(session) as guard:  # type: ignore[no-untyped-call]
        run = session.scalars(select(DagRun)).one()
        run.state = "success"
        listener(dag_run=run, msg="")
        guard.commit()


def read_notes(engine: Engine) -> tuple[dict[int, str | None], dict[uuid.UUID, str | None], str]:
    """Return the notes of runs and of task instances, and the state of the run."""
    from airflow.models.dagrun import DagRun, DagRunNote
    from airflow.models.taskinstance import TaskInstanceNote

    with Session(engine) as session:
        runs = {note.dag_run_id: note.content for note in session.scalars(select(DagRunNote))}
        tasks = {note.ti_id: note.content for note in session.scalars(select(TaskInstanceNote))}
        return runs, tasks, str(session.scalars(select(DagRun.state)).one())


@pytest.mark.parametrize("listener", [on_dag_run_success, on_dag_run_failed])
def test_the_note_of_the_gate_stands_on_its_task_and_its_run(
    engine: Engine, leave: Left, listener: Callable[..., None]
) -> None:
    gate = leave("HOLD: not significant")
    end_run(engine, listener)
    note = "**retrain:** HOLD: not significant"
    assert read_notes(engine) == ({7: note}, {gate: note}, "success")


def test_a_long_decision_is_cut_to_what_airflow_holds(engine: Engine, leave: Left) -> None:
    gate = leave("REJECT: " + "x" * 2000)
    end_run(engine, on_dag_run_failed)
    runs, tasks, state = read_notes(engine)
    assert runs[7] == tasks[gate] == "**retrain:** REJECT: " + "x" * 968 + "…"
    assert state == "success"


@pytest.mark.parametrize(
    "left",
    [
        {"value": "someone else's", "operator": "PythonOperator"},
        {"value": "x" * 1200, "key": "note"},
        {"value": {"token": "secret"}},
        {"value": 3},
    ],
    ids=["another operator", "another key", "an object", "a number"],
)
def test_what_is_not_a_text_of_a_gate_is_not_shown(engine: Engine, leave: Left, left: dict[str, Any]) -> None:
    leave(**left)
    end_run(engine, on_dag_run_success)
    assert read_notes(engine) == ({}, {}, "success")


@pytest.mark.parametrize(
    ("before", "after"), [("seen by ann", "seen by ann"), ("**retrain:** old", "**retrain:** new")]
)
def test_only_a_note_of_ours_is_replaced(engine: Engine, leave: Left, before: str, after: str) -> None:
    from airflow.models.dagrun import DagRunNote

    leave("new")
    with engine.begin() as connection:
        connection.execute(insert(DagRunNote).values(dag_run_id=7, content=before))
    end_run(engine, on_dag_run_success)
    assert read_notes(engine)[0] == {7: after}


def test_an_error_leaves_the_schedulers_transaction_intact(engine: Engine, leave: Left) -> None:
    from airflow.models.taskinstance import TaskInstanceNote

    leave("first half written, second half refused")
    TaskInstanceNote.__table__.drop(engine)
    failed: list[Exception] = []

    def listen(**keywords: Any) -> None:
        try:
            on_dag_run_success(**keywords)
        except Exception as error:  # noqa: BLE001 - Airflow logs whatever a listener raises, and goes on
            failed.append(error)

    end_run(engine, listen)
    TaskInstanceNote.__table__.create(engine)
    assert len(failed) == 1
    assert read_notes(engine) == ({}, {}, "success")


def test_the_writer_of_notes_is_the_gate() -> None:
    assert QualityGateOperator.__name__ == NOTE_WRITER

"""Notes with the decision on runs and tasks, so that Airflow's grid shows the outcome without opening a log.

Tasks may not write notes, so the gate leaves the text as an XCom under `NOTE_KEY`; when the run ends, the scheduler copies it. A
note that a person wrote stays.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from airflow.listeners import hookimpl

from retrain.settings import NOTE_KEY, NOTE_WRITER

if TYPE_CHECKING:
    from airflow.models.dagrun import DagRun
    from sqlalchemy import Connection
    from sqlalchemy.orm import InstrumentedAttribute

__all__ = ["on_dag_run_failed", "on_dag_run_success"]

_PREFIX: Final = "**retrain:**"
"""Prefix of the notes of this listener; only notes with it are replaced when a run is repeated."""

_MOST_CHARACTERS: Final = 990
"""Airflow's column holds 1,000; PostgreSQL refuses a longer text, which would stop the scheduler."""


@hookimpl
def on_dag_run_success(dag_run: DagRun, msg: str) -> None:  # noqa: ARG001 - Airflow's signature
    """Write the decision of a run into its note."""
    _write_notes(dag_run)


@hookimpl
def on_dag_run_failed(dag_run: DagRun, msg: str) -> None:  # noqa: ARG001 - Airflow's signature
    """Write the decision of a failed run, or the reason why there is none, into its note."""
    _write_notes(dag_run)


def _write_notes(dag_run: DagRun) -> None:
    """Copy the text of each gate of the run; an error here ends in Airflow's log and leaves the scheduler's transaction intact."""
    from airflow.models.dagrun import DagRunNote
    from airflow.models.taskinstance import TaskInstanceNote
    from sqlalchemy.orm import object_session

    session = object_session(dag_run)
    if session is None:
        return
    connection = session.connection()
    # A savepoint of the connection: the scheduler forbids commits of its session, and a savepoint of that counts as one.
    with connection.begin_nested():
        for task_id, text in _find_texts(connection, dag_run):
            note = f"{_PREFIX} {text}"
            note = note if len(note) <= _MOST_CHARACTERS else note[: _MOST_CHARACTERS - 1] + "…"
            _write(connection, DagRunNote, DagRunNote.dag_run_id, dag_run.id, note)
            _write(connection, TaskInstanceNote, TaskInstanceNote.ti_id, task_id, note)


def _find_texts(connection: Connection, dag_run: DagRun) -> list[tuple[Any, str]]:
    """Return the id of each gate's task instance with its text; what others left under the same key is not ours to show."""
    from airflow.models.taskinstance import TaskInstance
    from airflow.models.xcom import XComModel
    from sqlalchemy import select

    same_task = [
        getattr(XComModel, name) == getattr(TaskInstance, name) for name in ("dag_id", "run_id", "task_id", "map_index")
    ]
    query = select(TaskInstance.id, XComModel.value).where(
        *same_task,
        XComModel.dag_id == dag_run.dag_id,
        XComModel.run_id == dag_run.run_id,
        XComModel.key == NOTE_KEY,
        TaskInstance.operator == NOTE_WRITER,
    )
    return [(task_id, value) for task_id, value in connection.execute(query) if isinstance(value, str)]


def _write(connection: Connection, table: Any, column: InstrumentedAttribute[Any], owner: Any, note: str) -> None:
    from sqlalchemy import insert, select, update

    found = connection.execute(select(table.content).where(column == owner)).one_or_none()
    if found is None:
        connection.execute(insert(table).values({column.key: owner, "content": note}))
    elif not found.content or found.content.startswith(_PREFIX):
        connection.execute(update(table).where(column == owner).values(content=note))

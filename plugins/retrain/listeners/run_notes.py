"""Notes with the decision on runs and tasks, so that Airflow's grid shows the outcome without opening a log.

Tasks may not write notes, so a task leaves the text as an XCom under `NOTE_KEY`; when the run ends, the scheduler copies it. A note
that a person wrote stays.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

from airflow.listeners import hookimpl

from retrain.settings import NOTE_KEY

if TYPE_CHECKING:
    from airflow.models.dagrun import DagRun

__all__ = ["on_dag_run_failed", "on_dag_run_success"]

_PREFIX: Final = "**retrain:**"
"""Prefix of the notes of this listener; only notes with it are replaced when a run is repeated."""


@hookimpl
def on_dag_run_success(dag_run: DagRun, msg: str) -> None:  # noqa: ARG001 - Airflow's signature
    """Write the decision of a run into its note."""
    _write_note(dag_run)


@hookimpl
def on_dag_run_failed(dag_run: DagRun, msg: str) -> None:  # noqa: ARG001 - Airflow's signature
    """Write the decision of a failed run, or the reason why there is none, into its note."""
    _write_note(dag_run)


def _write_note(dag_run: DagRun) -> None:
    from airflow.models.xcom import XComModel  # available, because run listeners are called in the scheduler
    from sqlalchemy.orm import object_session

    session = object_session(dag_run)
    if session is None:
        return
    query = XComModel.get_many(run_id=dag_run.run_id, dag_ids=dag_run.dag_id, key=NOTE_KEY)
    xcoms: Sequence[Any] = session.scalars(query).all()
    for xcom in xcoms:
        text = f"{_PREFIX} {XComModel.deserialize_value(xcom)}"
        task = dag_run.get_task_instance(xcom.task_id, session=session)
        for target in (dag_run, task):
            if target is not None and (not target.note or target.note.startswith(_PREFIX)):
                target.note = text

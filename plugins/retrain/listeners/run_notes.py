"""Notes on runs and tasks with what was decided, so that Airflow's grid answers before anybody opens a log.

A task leaves the text as an XCom under `NOTE_KEY`, because tasks may not write notes; the scheduler, which may, copies it
when the run ends. A note that a person wrote stays.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

from airflow.listeners import hookimpl

from retrain.settings import NOTE_KEY

if TYPE_CHECKING:
    from airflow.models.dagrun import DagRun

__all__ = ["on_dag_run_failed", "on_dag_run_success"]

_MARK: Final = "**retrain:**"
"""How notes of ours begin: they are replaced when a run is cleared, those of people are not."""


@hookimpl
def on_dag_run_success(dag_run: DagRun, msg: str) -> None:  # noqa: ARG001 - Airflow's signature
    """Note what the run decided."""
    _note(dag_run)


@hookimpl
def on_dag_run_failed(dag_run: DagRun, msg: str) -> None:  # noqa: ARG001 - Airflow's signature
    """Note what the run decided before it failed, or why it could not."""
    _note(dag_run)


def _note(dag_run: DagRun) -> None:
    from airflow.models.xcom import XComModel  # the scheduler's, which is where a listener of runs is called
    from sqlalchemy.orm import object_session

    session = object_session(dag_run)
    if session is None:
        return
    left = XComModel.get_many(run_id=dag_run.run_id, dag_ids=dag_run.dag_id, key=NOTE_KEY)
    xcoms: Sequence[Any] = session.scalars(left).all()
    for xcom in xcoms:
        text = f"{_MARK} {XComModel.deserialize_value(xcom)}"
        task = dag_run.get_task_instance(xcom.task_id, session=session)
        for noted in (dag_run, task):
            if noted is not None and (not noted.note or noted.note.startswith(_MARK)):
                noted.note = text

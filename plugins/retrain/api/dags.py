"""The pipelines' DAGs as Airflow stores them: owner, tags, next run, and open approvals."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from urllib.parse import quote

from airflow.models.dag import DagModel, DagTag
from airflow.models.hitl import HITLDetail
from airflow.models.taskinstance import TaskInstance
from airflow.utils.session import create_session
from airflow.utils.state import TaskInstanceState
from sqlalchemy import ColumnElement, or_, select

__all__ = ["APPROVE_TASK", "Dag", "OpenApproval", "find_dags", "find_open_approvals", "run_link", "task_link"]

APPROVE_TASK: Final = "approve"
_PIPELINE: Final = "retrain"
_OPERATION: Final = "operations"
_WAITING: Final = (TaskInstanceState.AWAITING_INPUT, TaskInstanceState.DEFERRED)


@dataclass(frozen=True)
class Dag:
    """A pipeline's DAG.

    Attributes:
        next_run: When Airflow starts it next; None while it is paused or has no schedule.
        is_stale: Whether its spec is gone.
    """

    dag_id: str
    owner: str
    tags: tuple[str, ...]
    description: str
    paused: bool
    next_run: datetime | None
    is_stale: bool
    is_pipeline: bool


@dataclass(frozen=True)
class OpenApproval:
    """A task that waits for a person."""

    run_id: str
    since: datetime
    subject: str
    approvers: tuple[str, ...]


def find_dags(models: Collection[str], *, and_pipelines: bool = False) -> dict[str, Dag]:
    """Return the DAGs of some models by their id; on demand, of every pipeline as well."""
    wanted: ColumnElement[bool] = DagModel.dag_id.in_(models)
    if and_pipelines:
        wanted = or_(wanted, DagModel.dag_id.in_(select(DagTag.dag_id).where(DagTag.name == _PIPELINE)))
    with create_session(scoped=False) as session:
        tags: defaultdict[str, list[str]] = defaultdict(list)
        for dag_id, name in session.execute(select(DagTag.dag_id, DagTag.name).join(DagModel).where(wanted)):
            tags[dag_id].append(name)
        facts = select(
            DagModel.dag_id,
            DagModel.owners,
            DagModel.description,
            DagModel.is_paused,
            DagModel.is_stale,
            DagModel.next_dagrun_create_after,
        )
        return {row.dag_id: _dag(row, tags[row.dag_id]) for row in session.execute(facts.where(wanted))}


def find_open_approvals(model: str) -> list[OpenApproval]:
    """Return the promotions of a pipeline that wait for approval, the longest waiting first."""
    query = (
        select(TaskInstance.run_id, HITLDetail.created_at, HITLDetail.subject, HITLDetail.assignees)
        .join(HITLDetail, HITLDetail.ti_id == TaskInstance.id)
        .where(TaskInstance.dag_id == model, TaskInstance.task_id == APPROVE_TASK)
        .where(TaskInstance.state.in_(_WAITING), HITLDetail.responded_at.is_(None))
        .order_by(HITLDetail.created_at)
    )
    with create_session(scoped=False) as session:
        return [
            OpenApproval(run_id, since, subject, tuple(user["id"] for user in assignees or ()))
            for run_id, since, subject, assignees in session.execute(query)
        ]


def run_link(dag_id: str, run_id: str) -> str:
    """Return the page of a run, relative to Airflow's base URL."""
    return f"dags/{quote(dag_id, safe='')}/runs/{quote(run_id, safe='')}"


def task_link(dag_id: str, run_id: str, task_id: str) -> str:
    """Return the page of a run's task, relative to Airflow's base URL."""
    return f"{run_link(dag_id, run_id)}/tasks/{quote(task_id, safe='')}"


def _dag(row: Any, names: list[str]) -> Dag:
    return Dag(
        row.dag_id,
        row.owners or "",
        tuple(sorted(name for name in names if name != _PIPELINE)),
        row.description or "",
        bool(row.is_paused),
        None if row.is_paused or row.is_stale else row.next_dagrun_create_after,
        bool(row.is_stale),
        _PIPELINE in names and _OPERATION not in names,
    )

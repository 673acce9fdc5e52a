"""The permissions of the signed-in user, from Airflow's auth manager."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, Final, Literal

from airflow.api_fastapi.app import get_auth_manager
from airflow.api_fastapi.auth.managers.models.resource_details import DagAccessEntity, DagDetails
from airflow.models.dag import DagModel
from starlette.exceptions import HTTPException

__all__ = ["Access"]

Method = Literal["GET", "POST", "PUT"]
_FORBIDDEN: Final = 403


class Access:
    """The permissions of one user.

    Args:
        user: What Airflow's `get_user` returned.
    """

    def __init__(self, user: Any) -> None:
        self.user = user
        self._manager = get_auth_manager()

    @property
    def name(self) -> str:
        """The user's name, as a DAG run keeps it."""
        return str(self.user.get_name())

    def readable(self, models: Collection[str], dags: Collection[str]) -> set[str]:
        """Return the models whose DAG the user may read.

        Args:
            models: The models.
            dags: The models for which Airflow has a DAG; permission for the others is checked by name.
        """
        known, others = set(models).intersection(dags), set(models).difference(dags)
        allowed = self._manager.get_authorized_dag_ids(user=self.user, method="GET") if known else set()
        if others:
            allowed |= self._manager.filter_authorized_dag_ids(dag_ids=others, user=self.user, method="GET")
        return allowed.intersection(models)

    def may_read(self, model: str) -> bool:
        """Tell whether the user may read the DAG of a model."""
        return self._may("GET", model, None)

    def may_run(self, dag_id: str) -> bool:
        """Tell whether the user may start a run of a DAG."""
        return self._may("POST", dag_id, DagAccessEntity.RUN)

    def may_answer(self, dag_id: str) -> bool:
        """Tell whether the user may answer a task that waits for a person."""
        return self._may("PUT", dag_id, DagAccessEntity.HITL_DETAIL)

    def is_approver(self, approvers: Collection[str]) -> bool:
        """Tell whether the user may answer a task that waits for one of these people."""
        return not approvers or self._manager.is_authorized_hitl_task(assigned_users=set(approvers), user=self.user)

    def need_read(self, model: str) -> None:
        """Refuse a user who may not read the DAG of a model."""
        if not self.may_read(model):
            raise _refusal(f"the user {self.name} may not read the DAG {model}")

    def need_run(self, *dag_ids: str) -> None:
        """Refuse a user who may not start a run of each of these DAGs."""
        for dag_id in dag_ids:
            if not self.may_run(dag_id):
                raise _refusal(f"the user {self.name} may not start the DAG {dag_id}")

    def need_answer(self, dag_id: str) -> None:
        """Refuse a user who may not answer a task of a DAG."""
        if not self.may_answer(dag_id):
            raise _refusal(f"the user {self.name} may not answer tasks of the DAG {dag_id}")

    def _may(self, method: Method, dag_id: str, entity: DagAccessEntity | None) -> bool:
        details = DagDetails(id=dag_id, team_name=DagModel.get_team_name(dag_id))
        return self._manager.is_authorized_dag(method=method, access_entity=entity, details=details, user=self.user)


def _refusal(why: str) -> HTTPException:
    return HTTPException(_FORBIDDEN, why)

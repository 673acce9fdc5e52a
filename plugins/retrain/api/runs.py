"""Starts runs and answers approvals in the name of the signed-in user, as Airflow's own API does, in this process."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, Final

from airflow.api.common.trigger_dag import trigger_dag
from airflow.api_fastapi.core_api.datamodels.hitl import UpdateHITLDetailPayload
from airflow.api_fastapi.core_api.routes.public.hitl import update_hitl_detail
from airflow.exceptions import DagNotFound, DagRunAlreadyExists
from airflow.models.dag import DagModel
from airflow.models.dagrun import DagRun
from airflow.sdk.exceptions import ParamValidationError
from airflow.utils.session import create_session
from airflow.utils.state import DagRunState
from airflow.utils.types import DagRunTriggeredByType
from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError
from starlette.exceptions import HTTPException

from retrain.api.dags import APPROVE_TASK, run_link
from retrain.core.digest import digest_json
from retrain.errors import ConflictError, NotFoundError

__all__ = ["AskedBeforeError", "answer_approval", "run_id_for", "start_run"]

_SHOWN: Final = 12
_WHEN_PAUSED: Final = (
    "Switch it on in Airflow first: what waits in a paused DAG would be done later, to another champion."
)


class AskedBeforeError(ConflictError):
    """The same request was made before, and its run exists."""

    def __init__(self, dag_id: str, run_id: str) -> None:
        super().__init__(
            "the same may be asked once, until it changed something or failed",
            got=f"the run {run_id} of {dag_id} already",
            fix="Look at that run.",
        )
        self.link = run_link(dag_id, run_id)


def run_id_for(dag_id: str, operation: str, model: str, change: Mapping[str, Any]) -> str:
    """Return the run id of a request: the same for the same request, until a run of it failed.

    Args:
        change: The request and the state that it rests on, such as the pointer's generation.
    """
    prefix = f"{operation}__{model}__{digest_json(dict(change))[:_SHOWN]}"
    failed = select(func.count()).where(
        DagRun.dag_id == dag_id, DagRun.run_id.startswith(prefix, autoescape=True), DagRun.state == DagRunState.FAILED
    )
    with create_session(scoped=False) as session:
        return f"{prefix}__{(session.scalar(failed) or 0) + 1}"


def start_run(dag_id: str, run_id: str, conf: Mapping[str, Any], user: str) -> None:
    """Start a run of a DAG; the caller has checked the user's permission.

    Raises:
        NotFoundError: There is no such DAG.
        ConflictError: It is paused or its file has errors.
        AskedBeforeError: Such a run exists.
    """
    _check_ready(dag_id)
    try:
        trigger_dag(
            dag_id,
            triggered_by=DagRunTriggeredByType.REST_API,
            triggering_user_name=user,
            run_id=run_id,
            conf=dict(conf),
        )
    except (DagRunAlreadyExists, IntegrityError):
        raise AskedBeforeError(dag_id, run_id) from None
    except DagNotFound:
        raise _no_dag(dag_id) from None
    except (ParamValidationError, ValueError) as error:
        raise HTTPException(HTTPStatus.UNPROCESSABLE_ENTITY, str(error)) from None


def answer_approval(model: str, run_id: str, option: str, user: Any) -> None:
    """Answer the approval that a run waits for, as `user`; Airflow checks that the user is among those who may.

    Raises:
        HTTPException: Airflow's own answer: 403, 404, or 409 if it was answered before.
    """
    payload = UpdateHITLDetailPayload(chosen_options=[option], params_input={})
    with create_session(scoped=False) as session:
        update_hitl_detail(model, run_id, APPROVE_TASK, payload, user, session, -1)


def _check_ready(dag_id: str) -> None:
    with create_session(scoped=False) as session:
        dag = session.scalar(select(DagModel).where(DagModel.dag_id == dag_id, ~DagModel.is_stale))
        if dag is None:
            raise _no_dag(dag_id)
        trouble = "import errors" if dag.has_import_errors else "paused" if dag.is_paused else ""
    if trouble:
        fix = _WHEN_PAUSED if trouble == "paused" else "Fix its file; see Airflow's import errors."
        raise ConflictError(f"the DAG {dag_id} must be ready to run", got=trouble, fix=fix)


def _no_dag(dag_id: str) -> NotFoundError:
    fix = "The operations DAGs come from dags/operations.py, a pipeline's from its spec."
    return NotFoundError(f"Airflow must have the DAG {dag_id}", got="none", fix=fix)

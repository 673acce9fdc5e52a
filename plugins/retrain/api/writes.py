"""One request of one user: whether it is allowed, which state it rests on, and the run that does it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any, Final, Literal

from fastapi import Depends, Request

from retrain.adapters.sql_ledger import Attempt, SqlLedger
from retrain.api.access import Access
from retrain.api.dags import find_dags, run_link
from retrain.api.dependencies import AccessDep, LedgerDep
from retrain.api.runs import answer_approval, run_id_for, start_run
from retrain.api.schemas.operations import OPERATION_DAGS, Accepted, Operation
from retrain.core.names import PRODUCTION
from retrain.errors import NotFoundError

__all__ = ["Ask", "AskDep"]

_OPTIONS: Final = {"approve": "Approve", "reject": "Reject"}


class Ask:
    """Asks Airflow in the name of the user.

    Args:
        attempt: The row in the log of attempts, which receives the details of the request.
        seq: The number of that row.
    """

    def __init__(self, access: Access, ledger: SqlLedger, attempt: Attempt, seq: int) -> None:
        self._access = access
        self._ledger = ledger
        self._attempt = attempt
        self._seq = seq

    def for_a_run(
        self, operation: Operation, model: str, timeline: str, reason: str, given: dict[str, Any]
    ) -> Accepted:
        """Start the run that does an operation.

        Args:
            given: What the DAG takes beside model, timeline and reason.

        Raises:
            HTTPException: 403: the user may not start that DAG, or not the model's own.
            NotFoundError: There is no such pipeline.
            ConflictError: The DAG is paused, or the same was asked before.
        """
        dag_id = OPERATION_DAGS.get(operation, model)
        self._note(timeline, reason, dag_id)
        self._access.need_run(model, dag_id)
        self._check_pipeline(model)
        change = {"timeline": timeline, "given": given, "state": self._state(operation, model, timeline)}
        run_id = self._attempt.run_id = run_id_for(dag_id, operation.value, model, change)
        conf = given | {"timeline": timeline, "reason": reason} | ({} if dag_id == model else {"model": model})
        # Before the run is there, because its task may look for the row; after the permissions were checked.
        self._ledger.attempts.update(self._seq, self._attempt)
        start_run(dag_id, run_id, conf, self._access.name)
        return _accepted(operation, model, timeline, dag_id, run_id)

    def for_an_answer(self, model: str, run_id: str, answer: Literal["approve", "reject"], reason: str) -> Accepted:
        """Answer the promotion that a run of the model's DAG waits with.

        Raises:
            HTTPException: 403: the user may not answer; 404: nothing waits there; 409: it was answered before.
        """
        self._note(PRODUCTION, f"{answer}: {reason}", model)
        self._access.need_answer(model)
        self._attempt.run_id = run_id
        answer_approval(model, run_id, _OPTIONS[answer], self._access.user)
        return _accepted(Operation.APPROVE, model, PRODUCTION, model, run_id)

    def _note(self, timeline: str, reason: str, dag_id: str) -> None:
        self._attempt.timeline, self._attempt.reason, self._attempt.dag_id = timeline, reason, dag_id

    def _check_pipeline(self, model: str) -> None:
        dag = find_dags([model]).get(model)
        if dag is None or dag.is_stale or not dag.is_pipeline:
            raise NotFoundError("the model must be a pipeline's", got=model, fix="See the list of models.")

    def _state(self, operation: Operation, model: str, timeline: str) -> int:
        """Return a counter that changes once the operation succeeds, so that the next identical request gets a new run id."""
        if operation is Operation.RETRAIN:
            return self._ledger.overview.decision_count(model, timeline)
        standing = self._ledger.standing(model, timeline)
        if operation in (Operation.FREEZE, Operation.UNFREEZE):
            return len(standing.freezes)
        return len(standing.moves)


def _accepted(operation: Operation, model: str, timeline: str, dag_id: str, run_id: str) -> Accepted:
    return Accepted(
        operation=operation,
        model=model,
        timeline=timeline,
        dag_id=dag_id,
        run_id=run_id,
        link=run_link(dag_id, run_id),
        at=datetime.now(UTC),
    )


async def ask_of(request: Request, access: AccessDep, ledger: LedgerDep) -> Ask:
    """Return the identity under which the run is started for the user."""
    return Ask(access, ledger, request.state.attempt, request.state.attempt_seq)


AskDep = Annotated[Ask, Depends(ask_of)]

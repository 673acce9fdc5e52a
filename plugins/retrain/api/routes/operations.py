"""Operations that move a champion or start a retrain: each starts a DAG run and returns before the run ends."""

from __future__ import annotations

from typing import Final

from fastapi import APIRouter, status

from retrain.api.parameters import ModelParam
from retrain.api.problems import PROBLEMS_OF_A_BODY
from retrain.api.schemas.operations import (
    Accepted,
    ApproveBody,
    FreezeBody,
    Operation,
    PromoteBody,
    RetrainBody,
    RollbackBody,
)
from retrain.api.security import GuardedRoute
from retrain.api.writes import AskDep

__all__ = ["router"]

router = APIRouter(
    prefix="/models/{model}", tags=["operations"], route_class=GuardedRoute, responses=PROBLEMS_OF_A_BODY
)
_ACCEPTED: Final = status.HTTP_202_ACCEPTED


@router.post("/retrain", status_code=_ACCEPTED)
def retrain(model: ModelParam, body: RetrainBody, ask: AskDep) -> Accepted:
    """Start the pipeline's own DAG."""
    given = body.model_dump(mode="json", exclude={"timeline", "reason"}, exclude_defaults=True)
    return ask.for_a_run(Operation.RETRAIN, model, body.timeline, body.reason, given)


@router.post("/promote", status_code=_ACCEPTED)
def promote(model: ModelParam, body: PromoteBody, ask: AskDep) -> Accepted:
    """Force a version: champion without a decision, for a while."""
    given = {"version": body.version, "expires": body.expires}
    return ask.for_a_run(Operation.PROMOTE, model, body.timeline, body.reason, given)


@router.post("/rollback", status_code=_ACCEPTED)
def rollback(model: ModelParam, body: RollbackBody, ask: AskDep) -> Accepted:
    """Go back to a version that was live."""
    given = {"to": body.to, "dry_run": body.dry_run}
    return ask.for_a_run(Operation.ROLLBACK, model, body.timeline, body.reason, given)


@router.post("/freeze", status_code=_ACCEPTED)
def freeze(model: ModelParam, body: FreezeBody, ask: AskDep) -> Accepted:
    """Stop automatic promotions."""
    return ask.for_a_run(Operation.FREEZE, model, body.timeline, body.reason, {"lift": False})


@router.post("/unfreeze", status_code=_ACCEPTED)
def unfreeze(model: ModelParam, body: FreezeBody, ask: AskDep) -> Accepted:
    """Let automatic promotions happen again."""
    return ask.for_a_run(Operation.UNFREEZE, model, body.timeline, body.reason, {"lift": True})


@router.post("/approve", status_code=_ACCEPTED)
def approve(model: ModelParam, body: ApproveBody, ask: AskDep) -> Accepted:
    """Answer a promotion that waits for a person."""
    return ask.for_an_answer(model, body.run_id, body.answer, body.reason)

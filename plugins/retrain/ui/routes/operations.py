"""What moves a champion or starts a retrain: each starts a DAG run, and returns before it has ended."""

from __future__ import annotations

from fastapi import APIRouter, status

from retrain.errors import NotFoundError
from retrain.ui.parameters import ModelParam
from retrain.ui.schemas.operations import Accepted, ApproveBody, FreezeBody, PromoteBody, RetrainBody, RollbackBody

__all__ = ["router"]

router = APIRouter(prefix="/models/{model}", tags=["operations"])


def _none(model: str) -> NotFoundError:
    return NotFoundError("the model must have a DAG", got=model, fix="List the models first.")


@router.post("/retrain", status_code=status.HTTP_202_ACCEPTED)
def retrain(model: ModelParam, body: RetrainBody) -> Accepted:
    """Start the pipeline's own DAG."""
    raise _none(model)


@router.post("/promote", status_code=status.HTTP_202_ACCEPTED)
def promote(model: ModelParam, body: PromoteBody) -> Accepted:
    """Force a version: champion without a decision, for a while."""
    raise _none(model)


@router.post("/rollback", status_code=status.HTTP_202_ACCEPTED)
def rollback(model: ModelParam, body: RollbackBody) -> Accepted:
    """Go back to a version that was live."""
    raise _none(model)


@router.post("/freeze", status_code=status.HTTP_202_ACCEPTED)
def freeze(model: ModelParam, body: FreezeBody) -> Accepted:
    """Stop automatic promotions."""
    raise _none(model)


@router.post("/unfreeze", status_code=status.HTTP_202_ACCEPTED)
def unfreeze(model: ModelParam, body: FreezeBody) -> Accepted:
    """Let automatic promotions happen again."""
    raise _none(model)


@router.post("/approve", status_code=status.HTTP_202_ACCEPTED)
def approve(model: ModelParam, body: ApproveBody) -> Accepted:
    """Answer a promotion that waits for a person."""
    raise _none(model)

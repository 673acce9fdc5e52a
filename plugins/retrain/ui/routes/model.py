"""One model: its champions and decisions, one retrain of it, two versions of it."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query

from retrain.core.names import PRODUCTION
from retrain.errors import NotFoundError
from retrain.ui.parameters import DecisionId, ModelParam, TimelineParam, VersionParam
from retrain.ui.schemas.comparison import Comparison
from retrain.ui.schemas.model import ModelDetail
from retrain.ui.schemas.retrain import RetrainDetail

__all__ = ["router"]

router = APIRouter(prefix="/models/{model}", tags=["models"])


@router.get("")
def read_model(
    model: ModelParam,
    timeline: TimelineParam = PRODUCTION,
    decisions: Annotated[int, Query(ge=1, le=1000, description="How many decisions at the most, the last ones.")] = 240,
) -> ModelDetail:
    """Return champion, moves, decisions, ledger, freeze, and what the user may do."""
    raise NotFoundError("the model must be in the ledger", got=model, fix="List the models first.")


@router.get("/decisions/{decision_id}")
def read_retrain(model: ModelParam, decision_id: DecisionId) -> RetrainDetail:
    """Return everything on one retrain: decision, verdicts, scorecard, data, and the difference to the champion."""
    raise NotFoundError("the decision must be in the ledger", got=decision_id, fix="List the decisions first.")


@router.get("/compare")
def compare_versions(
    model: ModelParam, a: VersionParam, b: VersionParam, timeline: TimelineParam = PRODUCTION
) -> Comparison:
    """Return two versions side by side."""
    raise NotFoundError("both versions must be in the ledger", got=f"{a} and {b}", fix="See the model's decisions.")

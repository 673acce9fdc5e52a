"""One model: its champions and decisions, one retrain of it, two versions of it; and what a DAG run decided."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query

from retrain.api.capacity import PageRoute
from retrain.api.dependencies import AccessDep, LedgerDep, ReadableModel
from retrain.api.parameters import DagParam, DecisionId, RunParam, TimelineParam, VersionParam
from retrain.api.queries import comparison, retrain
from retrain.api.queries import model as reads
from retrain.api.queries.views import decision_point
from retrain.api.schemas.comparison import Comparison
from retrain.api.schemas.decisions import DecisionList
from retrain.api.schemas.model import ModelDetail
from retrain.api.schemas.retrain import RetrainDetail
from retrain.core.ledger.origin import Origin
from retrain.core.names import PRODUCTION

__all__ = ["router", "runs"]

runs = APIRouter(tags=["models"], route_class=PageRoute)
router = APIRouter(prefix="/models/{model}", tags=["models"], route_class=PageRoute)


@router.get("")
def read_model(
    model: ReadableModel,
    ledger: LedgerDep,
    access: AccessDep,
    timeline: TimelineParam = PRODUCTION,
    decisions: Annotated[int, Query(ge=1, le=1000, description="At most this many decisions, the last ones.")] = 240,
) -> ModelDetail:
    """Return champion, moves, decisions, ledger, freeze, and what the user may do."""
    return reads.read_model(model, timeline, decisions, ledger, access)


@router.get("/decisions/{decision_id}")
def read_retrain(model: ReadableModel, decision_id: DecisionId, ledger: LedgerDep) -> RetrainDetail:
    """Return everything on one retrain: decision, verdicts, scorecard, data, and the difference to the champion."""
    return retrain.read_retrain(model, decision_id, ledger)


@router.get("/compare")
def compare_versions(
    model: ReadableModel, a: VersionParam, b: VersionParam, ledger: LedgerDep, timeline: TimelineParam = PRODUCTION
) -> Comparison:
    """Return two versions side by side."""
    return comparison.compare_versions(model, a, b, timeline, ledger)


@runs.get("/decisions")
def list_decisions(dag_id: DagParam, run_id: RunParam, ledger: LedgerDep, access: AccessDep) -> DecisionList:
    """Return what a DAG run decided, on whichever timeline."""
    access.need_read(dag_id)
    found = ledger.overview.decisions_of(Origin.of_dag_run(dag_id, run_id))
    return DecisionList(decisions=[decision_point(decision) for decision in found if access.may_read(decision.model)])

"""All models, and all timelines."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query

from retrain.api.capacity import PageRoute
from retrain.api.dependencies import AccessDep, LedgerDep
from retrain.api.parameters import Limit, Offset, TimelineParam
from retrain.api.queries import fleet
from retrain.api.schemas.fleet import ModelPage, Timelines
from retrain.core.names import PRODUCTION
from retrain.core.policy.decision import Choice

__all__ = ["router"]

router = APIRouter(tags=["models"], route_class=PageRoute)


@router.get("/models")
def list_models(
    ledger: LedgerDep,
    access: AccessDep,
    timeline: TimelineParam = PRODUCTION,
    search: Annotated[str, Query(max_length=100, description="A part of the model's, owner's or a tag's name.")] = "",
    owner: Annotated[str | None, Query(max_length=250)] = None,
    tag: Annotated[str | None, Query(max_length=250)] = None,
    choice: Annotated[Choice | None, Query(description="What the last decision chose.")] = None,
    state: Annotated[fleet.State | None, Query()] = None,
    sort: Annotated[fleet.Sort, Query(description="A minus turns it round; what is not known comes last.")] = "model",
    limit: Limit = 50,
    offset: Offset = 0,
) -> ModelPage:
    """List the models whose DAG the user may read: champion, last decision, margin, next run, sparkline."""
    model_filter = fleet.ModelFilter(timeline, search, owner, tag, choice, state, sort, limit, offset)
    return fleet.list_models(model_filter, ledger, access)


@router.get("/timelines")
def list_timelines(ledger: LedgerDep, access: AccessDep) -> Timelines:
    """List the timelines of the models that the user may read."""
    return fleet.list_timelines(ledger, access)

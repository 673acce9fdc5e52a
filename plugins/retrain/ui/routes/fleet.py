"""All models, and all timelines."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Query

from retrain.core.decision import Choice
from retrain.core.names import PRODUCTION
from retrain.ui.parameters import Limit, Offset, TimelineParam
from retrain.ui.schemas.fleet import ModelPage, Timelines

__all__ = ["router"]

router = APIRouter(tags=["models"])

Sort = Literal[
    "model", "-model", "owner", "-owner", "age", "-age", "since", "-since",
    "decided", "-decided", "margin", "-margin", "next_run", "-next_run",
]  # fmt: skip
State = Literal["champion", "no_champion", "frozen", "forced"]


@router.get("/models")
def list_models(
    timeline: TimelineParam = PRODUCTION,
    search: Annotated[str, Query(max_length=100, description="A part of the model's, owner's or a tag's name.")] = "",
    owner: Annotated[str | None, Query(max_length=250)] = None,
    tag: Annotated[str | None, Query(max_length=250)] = None,
    choice: Annotated[Choice | None, Query(description="What the last decision chose.")] = None,
    state: Annotated[State | None, Query()] = None,
    sort: Annotated[Sort, Query(description="A minus turns it round; what is not known comes last.")] = "model",
    limit: Limit = 50,
    offset: Offset = 0,
) -> ModelPage:
    """List the models whose DAG the user may read: champion, last decision, margin, next run, sparkline."""
    return ModelPage(timeline=timeline, rows=[], total=0, limit=limit, offset=offset, owners=[], tags=[])


@router.get("/timelines")
def list_timelines() -> Timelines:
    """List the timelines of the models that the user may read."""
    return Timelines(timelines=[])

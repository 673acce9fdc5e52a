"""The table of all models."""

from __future__ import annotations

from datetime import datetime

from pydantic import Field

from retrain.api.schemas.base import Schema
from retrain.api.schemas.decisions import DecisionPoint
from retrain.core.ledger.entries import Action

__all__ = ["Champion", "MetricPoint", "ModelPage", "ModelRow", "Timeline", "Timelines"]


class Champion(Schema):
    """The champion, and since when it is live."""

    version: int
    as_of: datetime = Field(description="What it knows: the end of its data.")
    age_seconds: float = Field(description="From its as-of to now.")
    since: datetime = Field(description="When the pointer moved to it.")
    action: Action = Field(description="What moved it.")
    actor: str
    approver: str
    reason: str
    generation: int
    manifest_digest: str
    decision_id: str = Field(description="The decision it rests on; empty if it rests on none.")
    expires_at: datetime | None = Field(description="Until when a forced version may stay.")


class MetricPoint(Schema):
    """The primary metric of the champion after the decision of one as-of, on that decision's holdout."""

    as_of: datetime
    value: float


class ModelRow(Schema):
    """One model on one timeline."""

    model: str
    dag_id: str | None = Field(description="The DAG of the pipeline; null if Airflow has none.")
    owner: str | None
    tags: list[str]
    paused: bool | None
    next_run: datetime | None = Field(description="When Airflow starts the DAG next; null without a schedule.")
    champion: Champion | None
    decision: DecisionPoint | None = Field(description="The last decision.")
    metric: str = Field(description="The primary metric of `sparkline`; empty without a decision.")
    sparkline: list[MetricPoint] = Field(description="Oldest first, at most 24.")
    frozen: bool


class ModelPage(Schema):
    """A page of the table."""

    timeline: str
    rows: list[ModelRow]
    total: int = Field(description="How many models meet the filters.")
    limit: int
    offset: int
    owners: list[str] = Field(description="The owners among all models, to filter by.")
    tags: list[str] = Field(description="The tags among all models, to filter by.")


class Timeline(Schema):
    """A named history of champions."""

    name: str
    models: list[str]


class Timelines(Schema):
    """All timelines with a model that the user may read, production first."""

    timelines: list[Timeline]

"""Two versions side by side."""

from __future__ import annotations

from datetime import datetime

from pydantic import Field

from retrain.api.schemas.base import Schema
from retrain.api.schemas.problem import Unavailable
from retrain.api.schemas.retrain import Change, ChunkChange
from retrain.core.policy.decision import Choice

__all__ = ["Comparison", "MetricOfTwo", "VersionView"]


class VersionView(Schema):
    """One version: where it came from and what was decided on it."""

    version: int
    key: str
    as_of: datetime
    decision_id: str | None
    choice: Choice | None
    reason: str
    train_rows: int | None
    holdout_rows: int | None
    snapshot: str
    live: list[datetime] = Field(description="Each time it became champion.")
    mlflow_run: str | None
    model_version: str | None
    dag_run: str | None


class MetricOfTwo(Schema):
    """One metric of two versions, each on its own holdout unless `same_rows`."""

    name: str
    greater_is_better: bool
    a: float | None
    b: float | None


class Comparison(Schema):
    """Version a beside version b."""

    model: str
    timeline: str
    a: VersionView
    b: VersionView
    same_rows: bool = Field(
        description="Whether both were measured on the same rows, so that the metrics may be compared."
    )
    metrics: list[MetricOfTwo]
    changes: list[Change] = Field(description="From a to b.")
    changed: list[ChunkChange] = Field(
        description="Periods whose rows differ: `champion_rows` are a's, `rows` are b's."
    )
    unavailable: list[Unavailable]

"""Everything on one retrain."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from pydantic import Field

from retrain.api.schemas.base import Schema
from retrain.api.schemas.decisions import DecisionPoint, VerdictView
from retrain.api.schemas.problem import Unavailable

__all__ = [
    "CalibrationBin",
    "Change",
    "ChunkChange",
    "DataView",
    "Links",
    "MetricPair",
    "ReliabilityCurve",
    "RetrainDetail",
    "ScorecardView",
    "SliceView",
]


class MetricPair(Schema):
    """One metric of challenger and opponent on the same rows; null if it is not defined."""

    name: str
    greater_is_better: bool
    challenger: float | None
    opponent: float | None


class SliceView(Schema):
    """The metrics of the rows whose column has a value."""

    column: str
    value: str
    rows: int
    metrics: list[MetricPair]


class CalibrationBin(Schema):
    """The rows of one range of predicted probability."""

    rows: int
    predicted: float = Field(description="The mean predicted probability.")
    observed: float = Field(description="The share of rows for which it came true.")


class ReliabilityCurve(Schema):
    """Predicted probability against observed share, in up to ten bins with the same number of rows.

    Of the second class if there are two, otherwise of the predicted class.
    """

    side: Literal["challenger", "opponent"]
    bins: list[CalibrationBin]


class ScorecardView(Schema):
    """The measurements, before any gate judges them."""

    digest: str
    rows: int
    dropped_rows: int = Field(description="Holdout rows left out because the champion's training covers them.")
    opponent_problem: str = Field(description="Why there is no opponent; empty if there is one.")
    metrics: list[MetricPair]
    slices: list[SliceView]
    calibration: list[ReliabilityCurve] = Field(description="Empty for a regression.")


class ChunkChange(Schema):
    """A calendar period whose rows are not those of the champion's snapshot."""

    start: datetime
    end: datetime
    rows: int | None = Field(description="Null if only the champion's snapshot has the period.")
    champion_rows: int | None = Field(description="Null if only this snapshot has the period.")


class DataView(Schema):
    """The data that the challenger was trained and evaluated on."""

    snapshot: str
    train_start: datetime
    train_end: datetime
    holdout_start: datetime
    end: datetime
    event_time: str
    train_rows: int
    holdout_rows: int
    chunks: int
    bytes: int
    columns: list[str]
    champion_snapshot: str | None
    changed: list[ChunkChange] = Field(description="Against the champion's snapshot, oldest first.")
    columns_added: list[str]
    columns_removed: list[str]


class Change(Schema):
    """A difference between two runs; null if one of the two does not have the value."""

    kind: Literal["param", "data", "code", "lock", "spec"]
    name: str
    before: str | None
    after: str | None


class Links(Schema):
    """Links; those within Airflow are relative to its base URL."""

    dag_run: str | None
    validation: str | None = Field(description="The task that holds the data's expectations against it.")
    mlflow_run: str | None
    model_version: str | None


class RetrainDetail(Schema):
    """One retrain: the decision, its reasons and its data."""

    decision: DecisionPoint
    verdicts: list[VerdictView]
    key: str | None
    actor: str = Field(description="Who or what asked for it.")
    request_reason: str
    scorecard: ScorecardView | None
    data: DataView | None
    changes: list[Change] = Field(description="Compared with the champion at the time; empty if there was none.")
    compared_with: int | None = Field(description="The version of that champion.")
    links: Links
    unavailable: list[Unavailable]

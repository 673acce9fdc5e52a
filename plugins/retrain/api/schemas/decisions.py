"""A decision in brief, and the numbers of its gates."""

from __future__ import annotations

from datetime import datetime

from pydantic import Field

from retrain.api.schemas.base import Schema
from retrain.core.policy.decision import Choice
from retrain.core.policy.gates import Outcome

__all__ = ["DecisionList", "DecisionPoint", "Interval", "VerdictView"]


class Interval(Schema):
    """A confidence interval; an end that is not finite is null."""

    low: float | None
    high: float | None


class VerdictView(Schema):
    """What one gate said."""

    gate: str
    outcome: Outcome
    reason: str
    value: float | None = Field(description="The number that was judged; how far it is over `bound` is the margin.")
    bound: float | None
    interval: Interval | None


class DecisionPoint(Schema):
    """One decision, as a point over as-of."""

    id: str
    model: str
    timeline: str
    as_of: datetime
    at: datetime | None = Field(description="When it was recorded.")
    choice: Choice
    reason: str
    failed_step: str = Field(description="The step that failed where the retrain never came to its gates; else empty.")
    version: int | None = Field(description="The challenger's version.")
    champion_version: int | None = Field(description="The champion of then.")
    opponent: str | None = Field(description="Whom the challenger met: champion, baseline, or nobody.")
    metric: str = Field(description="The primary metric; both values are in its units.")
    challenger_value: float | None
    opponent_value: float | None
    margin: VerdictView | None = Field(description="The first verdict with an interval: of the gain over the opponent.")
    dag_id: str | None = Field(description="The Airflow DAG that did the retrain, where one did.")
    run_id: str | None


class DecisionList(Schema):
    """What one DAG run decided: nothing yet, one decision, or several where it was cleared and ran again."""

    decisions: list[DecisionPoint] = Field(description="Oldest first.")

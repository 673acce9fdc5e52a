"""A decision in brief, and the numbers of its gates."""

from __future__ import annotations

from datetime import datetime

from pydantic import Field

from retrain.api.schemas.base import Schema
from retrain.core.ledger.block_reason import BlockKind
from retrain.core.policy.decision import Choice
from retrain.core.policy.gates import Outcome

__all__ = ["BlockView", "DecisionList", "DecisionPoint", "Interval", "VerdictView"]


class Interval(Schema):
    """A confidence interval; an end that is not finite is null."""

    low: float | None
    high: float | None


class VerdictView(Schema):
    """The verdict of one gate."""

    name: str = Field(description="The check with its metric, as it is shown.")
    check: str
    metric: str = Field(description="The metric that was judged; empty for a gate without one.")
    column: str = Field(description="The column that the number is of; empty for all rows.")
    group: str = Field(description="The slice or group of that column; empty for all.")
    outcome: Outcome
    reason: str
    value: float | None = Field(description="The number that was judged; how far it is over `bound` is the margin.")
    bound: float | None
    interval: Interval | None


class BlockView(Schema):
    """Why no verdict could promote the challenger."""

    kind: BlockKind
    actor: str = Field(description="Who froze the timeline or rolled back from the key; empty when it was neither.")
    since: datetime | None
    reason: str
    champion_version: int | None = Field(description="The champion that superseded the challenger.")
    champion_as_of: datetime | None


class DecisionPoint(Schema):
    """One decision, as a point over as-of."""

    id: str
    model: str
    timeline: str
    as_of: datetime
    at: datetime | None = Field(description="When it was recorded.")
    choice: Choice
    reason: str = Field(description="The reasons in one text.")
    reasons: list[str] = Field(description="Each reason on its own.")
    decided_by: list[int] = Field(description="Where in the verdicts those stand that decided.")
    blocked_by: BlockView | None
    failed_step: str = Field(description="The step that failed when the retrain never came to its gates; else empty.")
    version: int | None = Field(description="The challenger's version.")
    champion_version: int | None = Field(description="The champion at the time.")
    opponent: str | None = Field(description="Whom the challenger met: champion, baseline, or nobody.")
    metric: str = Field(description="The primary metric; both values are in its units.")
    challenger_value: float | None
    opponent_value: float | None
    gain: VerdictView | None = Field(description="The verdict on the gain over the opponent, with its interval.")
    dag_id: str | None = Field(description="The Airflow DAG that did the retrain; null if none did.")
    run_id: str | None


class DecisionList(Schema):
    """The decisions of one DAG run: none yet, one, or several if it was cleared and ran again."""

    decisions: list[DecisionPoint] = Field(description="Oldest first.")

"""One model on one timeline."""

from __future__ import annotations

from datetime import datetime

from pydantic import Field

from retrain.api.schemas.base import Schema
from retrain.api.schemas.decisions import DecisionPoint
from retrain.api.schemas.fleet import Champion
from retrain.api.schemas.ledger import LedgerRow
from retrain.api.schemas.ratings import Ratings

__all__ = ["Fallback", "Freeze", "ModelDetail", "PendingApproval", "Permissions"]


class Freeze(Schema):
    """No automatic promotion until it is lifted."""

    since: datetime
    actor: str
    reason: str


class Fallback(Schema):
    """A version that was live before and may be rolled back to."""

    version: int
    as_of: datetime
    since: datetime


class PendingApproval(Schema):
    """A promotion that waits for approval."""

    dag_id: str
    run_id: str
    since: datetime
    subject: str
    approvers: list[str]
    may_answer: bool = Field(description="Whether this user is among those who may.")


class Permissions(Schema):
    """The operations that this user may start; each also needs its DAG to exist."""

    retrain: bool
    promote: bool
    rollback: bool
    freeze: bool
    approve: bool


class ModelDetail(Schema):
    """The champion, decisions, moves and permitted operations."""

    model: str
    timeline: str
    timelines: list[str] = Field(description="All timelines of the model, production first.")
    dag_id: str | None
    owner: str | None
    tags: list[str]
    description: str | None
    paused: bool | None
    next_run: datetime | None
    metric: str = Field(description="The primary metric of the last decision; empty without one.")
    greater_is_better: bool
    champion: Champion | None
    moves: list[LedgerRow] = Field(description="Every move of the pointer, oldest first: the champion timeline.")
    decisions: list[DecisionPoint] = Field(description="By as-of, oldest first; only the last ones if there are many.")
    ratings: Ratings | None = Field(description="How all versions are rated; null if no gate has them rated.")
    ledger: list[LedgerRow] = Field(description="The last entries, refusals included, the latest first.")
    freeze: Freeze | None
    fallbacks: list[Fallback] = Field(description="What a rollback may go to, the latest first.")
    quarantined: list[str] = Field(description="Keys that no automatic promotion may bring back.")
    approvals: list[PendingApproval]
    permissions: Permissions
    version_url: str | None = Field(description="The champion's page in MLflow.")

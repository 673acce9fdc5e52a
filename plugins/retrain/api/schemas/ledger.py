"""The ledger's entries, its health, and the requests of users."""

from __future__ import annotations

from datetime import datetime

from pydantic import Field

from retrain.api.schemas.base import Schema
from retrain.api.schemas.problem import Problem
from retrain.core.ledger.entries import Action

__all__ = ["AttemptPage", "AttemptRow", "LedgerHealth", "LedgerPage", "LedgerRow"]


class LedgerRow(Schema):
    """One entry; `generation` is null if the pointer did not move."""

    seq: int
    at: datetime
    action: Action
    model: str
    timeline: str
    generation: int | None
    version: int
    previous_version: int | None
    manifest_digest: str
    as_of: datetime
    key: str
    decision_id: str
    decision_digest: str
    idempotency_key: str
    actor: str
    reason: str
    approver: str
    expires_at: datetime | None
    previous_hash: str
    hash: str


class LedgerPage(Schema):
    """Entries, the latest first."""

    rows: list[LedgerRow]
    before: int | None = Field(description="Give this as `before` to get the next page; null on the last one.")


class LedgerHealth(Schema):
    """Whether chain, pointers and decisions are unchanged."""

    intact: bool
    entries: int | None = Field(description="How many were checked; null if the check ended at a break.")
    problem: Problem | None
    checked_at: datetime = Field(description="When the check began; a result is kept for half a minute.")


class AttemptRow(Schema):
    """One attempt to change something over this API, refused ones included."""

    seq: int
    at: datetime
    actor: str
    operation: str
    model: str
    timeline: str
    reason: str
    status: int | None = Field(description="The HTTP status of the answer; null if none was given.")
    outcome: str = Field(description="What came of it, in words.")
    dag_id: str
    run_id: str


class AttemptPage(Schema):
    """Attempts, the latest first."""

    rows: list[AttemptRow]
    before: int | None = Field(description="Give this as `before` to get the next page; null on the last one.")

"""The ledger's tables. A change here needs a migration; a contract test compares the two."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

from sqlalchemy import (
    JSON,
    BigInteger,
    Column,
    DateTime,
    Dialect,
    Float,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    UniqueConstraint,
)
from sqlalchemy.types import TypeDecorator

from retrain.core.ledger.rules import as_utc

__all__ = [
    "ATTEMPT",
    "DECISION",
    "HEAD",
    "LEDGER",
    "METADATA",
    "POINTER",
    "RETRAIN",
    "REVISION",
    "SCORECARD",
    "STEP_RESULT",
    "VERSION_TABLE",
    "WHOLE",
    "Instant",
]


class Instant(TypeDecorator[datetime]):
    """An aware instant, kept in UTC and given back in UTC, also by SQLite, which knows no time zones."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Return what the driver gets: UTC, without its offset if the database would not keep it."""
        if value is None:
            return None
        return as_utc(value).replace(tzinfo=None) if dialect.name == "sqlite" else as_utc(value)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Return what the driver gave, as an aware instant in UTC."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if dialect.name == "sqlite" else value.astimezone(UTC)


METADATA: Final = MetaData()
VERSION_TABLE: Final = "retrain_alembic_version"
"""Its own name, since Airflow and MLflow both keep theirs in ``alembic_version``."""
REVISION: Final = "0002"
"""The newest migration, which brings the tables to what stands here."""

RETRAIN: Final = Table(
    "retrain",
    METADATA,
    Column("id", String, primary_key=True),
    Column("model", String, nullable=False),
    Column("timeline", String, nullable=False),
    Column("as_of", Instant, nullable=False),
    Column("origin", String, nullable=False),
    Column("actor", String, nullable=False),
    Column("reason", String, nullable=False),
    Column("nonce", String, nullable=False),
    Column("opened_at", Instant, nullable=False),
    Index("ix_retrain_as_of", "model", "timeline", "as_of"),
    Index("ix_retrain_origin", "origin"),
)

SCORECARD: Final = Table(
    "scorecard",
    METADATA,
    Column("digest", String, primary_key=True),
    Column("key", String, nullable=False),
    Column("model", String, nullable=False),
    Column("timeline", String, nullable=False),
    Column("document", JSON, nullable=False),
    Column("at", Instant, nullable=False),
)

# The document is the whole decision with its verdicts; the columns beside it are what is searched by, or read by the thousand.
DECISION: Final = Table(
    "decision",
    METADATA,
    Column("seq", Integer, primary_key=True),
    Column("id", String, nullable=False),
    Column("request_id", String, nullable=False),
    Column("model", String, nullable=False),
    Column("timeline", String, nullable=False),
    Column("as_of", Instant, nullable=False),
    Column("choice", String, nullable=False),
    Column("challenger_value", Float),
    Column("opponent_value", Float),
    Column("opponent", String),
    Column("scorecard", String, nullable=False),
    Column("document", JSON, nullable=False),
    Column("at", Instant, nullable=False),
    # Of a decision that took a place in a sequence of error control, and only of that.
    Column("sequence", String),
    Column("place", Integer),
    Column("level", Float),
    Column("test", String),
    UniqueConstraint("id", name="uq_decision_id"),
    UniqueConstraint("sequence", "place", name="uq_decision_place"),
    Index("ix_decision_request", "request_id"),
    Index("ix_decision_timeline", "model", "timeline", "seq"),
    # By timeline first, so that the models of a timeline are found by hops instead of by reading all its decisions.
    Index("ix_decision_models", "timeline", "model", "seq"),
)

POINTER: Final = Table(
    "pointer",
    METADATA,
    Column("model", String, primary_key=True),
    Column("timeline", String, primary_key=True),
    Column("version", Integer, nullable=False),
    Column("manifest_digest", String, nullable=False),
    Column("generation", Integer, nullable=False),
    Column("as_of", Instant, nullable=False),
    Column("key", String, nullable=False),
)

LEDGER: Final = Table(
    "ledger",
    METADATA,
    # Counted by the writer under its lock: a sequence would leave gaps where a transaction fails.
    Column("seq", BigInteger, primary_key=True, autoincrement=False),
    Column("at", Instant, nullable=False),
    Column("action", String, nullable=False),
    Column("model", String, nullable=False),
    Column("timeline", String, nullable=False),
    Column("generation", Integer),
    Column("version", Integer, nullable=False),
    Column("previous_version", Integer),
    Column("manifest_digest", String, nullable=False),
    Column("as_of", Instant, nullable=False),
    Column("key", String, nullable=False),
    Column("decision_id", String, nullable=False),
    Column("decision_digest", String, nullable=False),
    Column("idempotency_key", String, nullable=False),
    Column("actor", String, nullable=False),
    Column("reason", String, nullable=False),
    Column("approver", String, nullable=False),
    Column("expires_at", Instant),
    Column("previous_hash", String, nullable=False),
    Column("hash", String, nullable=False),
    UniqueConstraint("model", "timeline", "generation", name="uq_ledger_generation"),
    UniqueConstraint("idempotency_key", name="uq_ledger_idempotency_key"),
    Index("ix_ledger_key", "model", "timeline", "key"),
    Index("ix_ledger_action", "action", "timeline"),
)

WHOLE: Final = ""
"""The model and the timeline of the head of the whole ledger; no model or timeline has an empty name."""

# How far the ledger wrote, in all and per model and timeline, so that entries removed from the end are missed.
HEAD: Final = Table(
    "head",
    METADATA,
    Column("model", String, primary_key=True),
    Column("timeline", String, primary_key=True),
    Column("entries", BigInteger, nullable=False),
    Column("hash", String, nullable=False),
)

# What each step made, by digest. The steps after it look it up, because a user who may run a DAG may also write its XComs.
STEP_RESULT: Final = Table(
    "step_result",
    METADATA,
    Column("digest", String, primary_key=True),
    Column("request_id", String, nullable=False),
    Column("step", String, nullable=False),
    Column("document", JSON, nullable=False),
    Column("at", Instant, nullable=False),
    Index("ix_step_result_request", "request_id"),
)

# Who asked for what over the pages' API, refused attempts included. The ledger says what was done; this, what was tried.
ATTEMPT: Final = Table(
    "attempt",
    METADATA,
    Column("seq", Integer, primary_key=True),
    Column("at", Instant, nullable=False),
    Column("actor", String, nullable=False),
    Column("operation", String, nullable=False),
    Column("model", String, nullable=False),
    Column("timeline", String, nullable=False),
    Column("reason", String, nullable=False),
    Column("status", Integer),
    Column("outcome", String, nullable=False),
    Column("dag_id", String, nullable=False),
    Column("run_id", String, nullable=False),
    Index("ix_attempt_model", "model", "seq"),
)

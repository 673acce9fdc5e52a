"""The first tables: retrain, scorecard, decision, pointer, ledger, attempt."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

_INSTANT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Make the tables."""
    _make_retrain()
    _make_scorecard()
    _make_decision()
    _make_pointer()
    _make_ledger()
    _make_attempt()


def _make_retrain() -> None:
    op.create_table(
        "retrain",
        sa.Column("id", sa.String, primary_key=True),
        sa.Column("model", sa.String, nullable=False),
        sa.Column("timeline", sa.String, nullable=False),
        sa.Column("as_of", _INSTANT, nullable=False),
        sa.Column("origin", sa.String, nullable=False),
        sa.Column("actor", sa.String, nullable=False),
        sa.Column("reason", sa.String, nullable=False),
        sa.Column("nonce", sa.String, nullable=False),
        sa.Column("opened_at", _INSTANT, nullable=False),
    )
    op.create_index("ix_retrain_as_of", "retrain", ["model", "timeline", "as_of"])
    op.create_index("ix_retrain_origin", "retrain", ["origin"])


def _make_scorecard() -> None:
    op.create_table(
        "scorecard",
        sa.Column("digest", sa.String, primary_key=True),
        sa.Column("key", sa.String, nullable=False),
        sa.Column("model", sa.String, nullable=False),
        sa.Column("timeline", sa.String, nullable=False),
        sa.Column("document", sa.JSON, nullable=False),
        sa.Column("at", _INSTANT, nullable=False),
    )


def _make_decision() -> None:
    op.create_table(
        "decision",
        sa.Column("seq", sa.Integer, primary_key=True),
        sa.Column("id", sa.String, nullable=False),
        sa.Column("request_id", sa.String, nullable=False),
        sa.Column("model", sa.String, nullable=False),
        sa.Column("timeline", sa.String, nullable=False),
        sa.Column("as_of", _INSTANT, nullable=False),
        sa.Column("choice", sa.String, nullable=False),
        sa.Column("challenger_value", sa.Float),
        sa.Column("opponent_value", sa.Float),
        sa.Column("opponent", sa.String),
        sa.Column("scorecard", sa.String, nullable=False),
        sa.Column("document", sa.JSON, nullable=False),
        sa.Column("at", _INSTANT, nullable=False),
        sa.Column("sequence", sa.String),
        sa.Column("place", sa.Integer),
        sa.Column("level", sa.Float),
        sa.Column("test", sa.String),
        sa.UniqueConstraint("id", name="uq_decision_id"),
        sa.UniqueConstraint("sequence", "place", name="uq_decision_place"),
    )
    op.create_index("ix_decision_request", "decision", ["request_id"])
    op.create_index("ix_decision_timeline", "decision", ["model", "timeline", "seq"])
    op.create_index("ix_decision_models", "decision", ["timeline", "model", "seq"])


def _make_pointer() -> None:
    op.create_table(
        "pointer",
        sa.Column("model", sa.String, primary_key=True),
        sa.Column("timeline", sa.String, primary_key=True),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("manifest_digest", sa.String, nullable=False),
        sa.Column("generation", sa.Integer, nullable=False),
        sa.Column("as_of", _INSTANT, nullable=False),
        sa.Column("key", sa.String, nullable=False),
    )


def _make_ledger() -> None:
    op.create_table(
        "ledger",
        sa.Column("seq", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("at", _INSTANT, nullable=False),
        sa.Column("action", sa.String, nullable=False),
        sa.Column("model", sa.String, nullable=False),
        sa.Column("timeline", sa.String, nullable=False),
        sa.Column("generation", sa.Integer),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("previous_version", sa.Integer),
        sa.Column("manifest_digest", sa.String, nullable=False),
        sa.Column("as_of", _INSTANT, nullable=False),
        sa.Column("key", sa.String, nullable=False),
        sa.Column("decision_id", sa.String, nullable=False),
        sa.Column("decision_digest", sa.String, nullable=False),
        sa.Column("idempotency_key", sa.String, nullable=False),
        sa.Column("actor", sa.String, nullable=False),
        sa.Column("reason", sa.String, nullable=False),
        sa.Column("approver", sa.String, nullable=False),
        sa.Column("expires_at", _INSTANT),
        sa.Column("previous_hash", sa.String, nullable=False),
        sa.Column("hash", sa.String, nullable=False),
        sa.UniqueConstraint("model", "timeline", "generation", name="uq_ledger_generation"),
        sa.UniqueConstraint("idempotency_key", name="uq_ledger_idempotency_key"),
    )
    op.create_index("ix_ledger_key", "ledger", ["model", "timeline", "key"])
    op.create_index("ix_ledger_action", "ledger", ["action", "timeline"])


def _make_attempt() -> None:
    op.create_table(
        "attempt",
        sa.Column("seq", sa.Integer, primary_key=True),
        sa.Column("at", _INSTANT, nullable=False),
        sa.Column("actor", sa.String, nullable=False),
        sa.Column("operation", sa.String, nullable=False),
        sa.Column("model", sa.String, nullable=False),
        sa.Column("timeline", sa.String, nullable=False),
        sa.Column("reason", sa.String, nullable=False),
        sa.Column("status", sa.Integer),
        sa.Column("outcome", sa.String, nullable=False),
        sa.Column("dag_id", sa.String, nullable=False),
        sa.Column("run_id", sa.String, nullable=False),
    )
    op.create_index("ix_attempt_model", "attempt", ["model", "seq"])

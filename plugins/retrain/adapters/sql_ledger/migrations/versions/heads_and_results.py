"""How far the ledger wrote, and what each step made."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

_INSTANT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Make the tables, and count the entries that there are."""
    op.create_table(
        "head",
        sa.Column("model", sa.String, primary_key=True),
        sa.Column("timeline", sa.String, primary_key=True),
        sa.Column("entries", sa.BigInteger, nullable=False),
        sa.Column("hash", sa.String, nullable=False),
    )
    op.create_table(
        "step_result",
        sa.Column("digest", sa.String, primary_key=True),
        sa.Column("request_id", sa.String, nullable=False),
        sa.Column("step", sa.String, nullable=False),
        sa.Column("document", sa.JSON, nullable=False),
        sa.Column("at", _INSTANT, nullable=False),
    )
    op.create_index("ix_step_result_request", "step_result", ["request_id"])
    _count_entries()


def _count_entries() -> None:
    op.execute(
        "INSERT INTO head (model, timeline, entries, hash) SELECT '', '', seq, hash FROM ledger ORDER BY seq DESC LIMIT 1"
    )
    op.execute(
        "INSERT INTO head (model, timeline, entries, hash) "
        "SELECT ledger.model, ledger.timeline, ends.entries, ledger.hash FROM ledger JOIN "
        "(SELECT max(seq) AS seq, count(*) AS entries FROM ledger GROUP BY model, timeline) AS ends ON ends.seq = ledger.seq"
    )

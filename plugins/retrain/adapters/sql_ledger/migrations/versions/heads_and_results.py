"""How far the ledger wrote, and what each step made."""

from __future__ import annotations

import hashlib
import json

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

_INSTANT = sa.DateTime(timezone=True)
_ENTRIES = sa.text("SELECT seq, model, timeline, hash FROM ledger ORDER BY seq")
_HEAD = sa.table("head", *map(sa.column, ("model", "timeline", "entries", "hash")))


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
    """Write the head of the whole ledger, and of each timeline the one over the hashes of its entries."""
    heads: dict[tuple[str, str], tuple[int, str]] = {}
    connection = op.get_bind()
    for seq, model, timeline, hash_ in connection.execute(_ENTRIES):
        count, before = heads.get((model, timeline), (0, "0" * 64))
        text = json.dumps([before, hash_], separators=(",", ":"))
        heads[model, timeline] = count + 1, hashlib.sha256(text.encode()).hexdigest()
        heads["", ""] = seq, hash_
    for (model, timeline), (entries, hash_) in heads.items():
        row = {"model": model, "timeline": timeline, "entries": entries, "hash": hash_}
        connection.execute(sa.insert(_HEAD).values(row))

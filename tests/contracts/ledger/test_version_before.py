"""A ledger that the version before wrote is read, verified and continued; one that a later version wrote is refused.

``tests/data/ledger_of_version_before.sql`` is the SQLite ledger that `retrain run` wrote at commit 434a3ce: six decisions, a
freeze and a rollback.
"""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import URL, create_engine, insert, select, update
from sqlalchemy.pool import NullPool
from tests.contracts.ledger.moves import promotion

from retrain.adapters.sql_ledger import SqlLedger
from retrain.adapters.sql_ledger.tables import DECISION, METADATA
from retrain.core.ledger.block_reason import BlockKind
from retrain.core.ledger.entries import Action
from retrain.core.ledger.origin import Origin
from retrain.core.policy.decision import Choice, Decision
from retrain.errors import IntegrityError

DUMP = Path(__file__).parents[2] / "data" / "ledger_of_version_before.sql"
MODEL, TIMELINE = "churn", "development"


def restore(path: Path) -> None:
    """Write the file of the version before."""
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(DUMP.read_text(encoding="utf-8"))


def copy_tables(source: str, target: URL) -> None:
    """Copy every row of a ledger into a new one, whose tables both versions make alike; PostgreSQL counts decisions itself."""
    SqlLedger.open(target)
    with (
        create_engine(source, poolclass=NullPool).connect() as old,
        create_engine(target, poolclass=NullPool).begin() as new,
    ):
        for table in METADATA.sorted_tables:
            columns = [column for column in table.columns if column is not DECISION.c.seq]
            rows = [dict(row._mapping) for row in old.execute(select(*columns).order_by(*table.primary_key))]
            if rows:
                new.execute(insert(table), rows)


@pytest.fixture
def ledger_of_version_before(empty_database: URL, tmp_path: Path) -> SqlLedger:
    """The ledger as SQLite file and as PostgreSQL database."""
    if empty_database.get_backend_name() == "sqlite":
        restore(Path(str(empty_database.database)))
    else:
        restore(tmp_path / "before.db")
        copy_tables(f"sqlite:///{tmp_path / 'before.db'}", empty_database)
    return SqlLedger(empty_database)


def test_its_chain_verifies(ledger_of_version_before: SqlLedger) -> None:
    assert ledger_of_version_before.verify() == 6


def test_its_decisions_are_read_as_they_were_made(ledger_of_version_before: SqlLedger) -> None:
    first, second, third, superseded, failed, frozen = ledger_of_version_before.decisions(MODEL, TIMELINE)
    assert [item.choice for item in (first, second)] == [Choice.PROMOTE] * 2
    assert [item.choice for item in (third, superseded, frozen)] == [Choice.HOLD] * 3
    assert (failed.choice, failed.failed_step) == (Choice.REJECT, "snapshot")
    assert [verdict.name for verdict in third.deciding] == ["beats_champion(roc_auc)"]
    assert frozen.blocked_by is not None
    assert (frozen.blocked_by.kind, frozen.deciding) == (BlockKind.FROZEN, ())
    assert {item.origin for item in (first, failed, frozen)} == {Origin.of_command("ann")}
    assert second.gain is not None
    assert second.gain.interval == pytest.approx((0.0034, 0.0411), abs=1e-4)


def test_its_scorecards_are_the_ones_of_their_digests(ledger_of_version_before: SqlLedger) -> None:
    for decision in ledger_of_version_before.decisions(MODEL, TIMELINE):
        if decision.scorecard:
            assert ledger_of_version_before.overview.scorecard(decision.scorecard) is not None


def test_its_standing_is_the_rollback_and_the_quarantine(ledger_of_version_before: SqlLedger) -> None:
    standing = ledger_of_version_before.standing(MODEL, TIMELINE)
    assert standing.champion is not None
    assert (standing.champion.action, standing.champion.version) == (Action.ROLLBACK, 1)
    assert [entry.version for entry in standing.moves] == [1, 2, 1]
    assert [entry.seq for entry in standing.quarantined.values()] == [6]
    assert (standing.freeze, len(standing.freezes)) == (None, 2)


def test_a_migration_leaves_it_as_it_is(ledger_of_version_before: SqlLedger) -> None:
    before = ledger_of_version_before.entries()
    ledger_of_version_before.migrate()
    assert ledger_of_version_before.entries() == before
    assert ledger_of_version_before.verify() == 6


def test_the_next_decision_and_promotion_go_on_from_it(ledger_of_version_before: SqlLedger) -> None:
    ledger = ledger_of_version_before
    request_id, origin = "r" * 64, Origin.of_dag_run(MODEL, "manual__1")
    made = Decision(request_id, MODEL, TIMELINE, datetime(2024, 8, 1, tzinfo=UTC), Choice.HOLD, "why", origin)
    stored = ledger.record(made)
    move = promotion(
        7,
        3,
        timeline=TIMELINE,
        as_of=made.as_of,
        decision_id=stored.id,
        decision_digest=stored.digest,
    )
    assert ledger.append(move).seq == 7
    assert ledger.verify() == 7
    assert [item.form for item in ledger.decisions(MODEL, TIMELINE)] == [1] * 6 + [3]


def test_a_changed_decision_is_still_found(empty_database: URL, ledger_of_version_before: SqlLedger) -> None:
    first = ledger_of_version_before.decisions(MODEL, TIMELINE)[0]
    with create_engine(empty_database, poolclass=NullPool).begin() as connection:
        document = first.to_json() | {"reason": "another one"}
        connection.execute(update(DECISION).where(DECISION.c.id == first.id).values(document=document))
    with pytest.raises(IntegrityError, match="an edited decision"):
        ledger_of_version_before.verify()


def test_a_decision_of_a_later_version_is_refused(empty_database: URL, ledger_of_version_before: SqlLedger) -> None:
    first = ledger_of_version_before.decisions(MODEL, TIMELINE)[0]
    with create_engine(empty_database, poolclass=NullPool).begin() as connection:
        document = json.loads(json.dumps(first.to_json())) | {"form": 4, "certified_by": "ann"}
        connection.execute(update(DECISION).where(DECISION.c.id == first.id).values(document=document))
    with pytest.raises(IntegrityError, match="Upgrade this package if a later one wrote it"):
        ledger_of_version_before.decisions(MODEL, TIMELINE)

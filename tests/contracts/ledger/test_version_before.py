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
from alembic import command
from alembic.config import Config
from sqlalchemy import URL, create_engine, insert, select, update
from sqlalchemy.pool import NullPool
from tests.contracts.ledger.moves import decision_for, promote, promotion, resting_on, sql

from retrain.adapters.sql_ledger import SqlLedger, migrations
from retrain.adapters.sql_ledger.queries import decision_row
from retrain.adapters.sql_ledger.tables import ATTEMPT, DECISION, LEDGER, POINTER, RETRAIN, SCORECARD
from retrain.core.ledger.block_reason import BlockKind
from retrain.core.ledger.entries import Action, Head
from retrain.core.ledger.origin import Origin
from retrain.core.policy.decision import Choice
from retrain.errors import ConflictError, IntegrityError, RetrainError

DUMP = Path(__file__).parents[2] / "data" / "ledger_of_version_before.sql"
MODEL, TIMELINE = "churn", "development"
AUGUST = datetime(2024, 8, 1, tzinfo=UTC)


def restore(path: Path) -> None:
    """Write the file of the version before."""
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(DUMP.read_text(encoding="utf-8"))


def copy_tables(source: str, target: URL) -> None:
    """Copy every row of a ledger into new tables of the version before; PostgreSQL counts decisions itself."""
    config = Config()
    config.set_main_option("script_location", f"{migrations.__name__}:")
    with (
        create_engine(source, poolclass=NullPool).connect() as old,
        create_engine(target, poolclass=NullPool).begin() as new,
    ):
        config.attributes["connection"] = new
        command.upgrade(config, "0001")
        for table in (RETRAIN, SCORECARD, DECISION, POINTER, LEDGER, ATTEMPT):
            columns = [column for column in table.columns if column is not DECISION.c.seq]
            rows = [dict(row._mapping) for row in old.execute(select(*columns).order_by(*table.primary_key))]
            if rows:
                new.execute(insert(table), rows)


@pytest.fixture
def database_of_version_before(empty_database: URL, tmp_path: Path) -> URL:
    """The ledger as SQLite file and as PostgreSQL database."""
    if empty_database.get_backend_name() == "sqlite":
        restore(Path(str(empty_database.database)))
    else:
        restore(tmp_path / "before.db")
        copy_tables(f"sqlite:///{tmp_path / 'before.db'}", empty_database)
    return empty_database


@pytest.fixture
def ledger_of_version_before(database_of_version_before: URL) -> SqlLedger:
    """The ledger, brought up to date."""
    return SqlLedger.open(database_of_version_before)


def test_until_its_tables_are_brought_up_to_date_it_says_so(database_of_version_before: URL) -> None:
    with pytest.raises(RetrainError, match="retrain ledger migrate"):
        SqlLedger(database_of_version_before).verify()


def test_its_chain_verifies(ledger_of_version_before: SqlLedger) -> None:
    head = ledger_of_version_before.verify()
    assert (head.count, head) == (6, Head.of(ledger_of_version_before.entries()[-1]))
    assert ledger_of_version_before.verify(head) == head


@pytest.mark.parametrize("seq", range(1, 7))
def test_an_entry_of_it_that_was_removed_since_is_missed(
    empty_database: URL, ledger_of_version_before: SqlLedger, seq: int
) -> None:
    sql(empty_database, f"DELETE FROM ledger WHERE seq = {seq}")
    with pytest.raises(IntegrityError, match=r"chain must be unbroken|must end with the entry that it wrote last"):
        ledger_of_version_before.verify()
    freeze = promotion(1, 3, action=Action.FREEZE, timeline=TIMELINE)
    with pytest.raises(IntegrityError, match="those that the ledger wrote"):
        ledger_of_version_before.append(freeze)


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
    assert ledger_of_version_before.verify().count == 6


def test_the_next_decision_and_promotion_go_on_from_it(ledger_of_version_before: SqlLedger) -> None:
    ledger = ledger_of_version_before
    entry = promote(ledger, 7, 3, timeline=TIMELINE, as_of=AUGUST)
    assert (entry.seq, entry.generation, ledger.verify().count) == (8, 4, 8)
    assert [item.form for item in ledger.decisions(MODEL, TIMELINE)] == [1] * 6 + [4]


def test_a_promotion_that_it_decided_is_carried_out_once_the_gate_ran_again(database_of_version_before: URL) -> None:
    move = promotion(7, 3, timeline=TIMELINE, as_of=AUGUST)
    before = decision_for(move, form=3, at=datetime(2024, 8, 2, tzinfo=UTC))
    with create_engine(database_of_version_before, poolclass=NullPool).begin() as connection:
        connection.execute(insert(DECISION).values(decision_row(before)))
    ledger = SqlLedger.open(database_of_version_before)
    assert (ledger.verify().count, ledger.decision(before.id)) == (6, before)
    with pytest.raises(ConflictError, match="must rest on a decision in the ledger's chain; got none"):
        ledger.append(resting_on(before, move))
    stored = ledger.record(decision_for(move, validation="v" * 64))
    assert stored == before
    assert ledger.append(resting_on(stored, move)).generation == 4
    assert ledger.verify().count == 8
    assert ledger.verify(Head.of(ledger.entries()[5])).count == 8


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
        document = json.loads(json.dumps(first.to_json())) | {"form": 5, "certified_by": "ann"}
        connection.execute(update(DECISION).where(DECISION.c.id == first.id).values(document=document))
    with pytest.raises(IntegrityError, match="Upgrade this package if a later one wrote it"):
        ledger_of_version_before.decisions(MODEL, TIMELINE)

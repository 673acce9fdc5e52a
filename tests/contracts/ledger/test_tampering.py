"""The contract of `Ledger`. What was edited, removed or inserted behind the ledger's back is found."""

from __future__ import annotations

from dataclasses import asdict, replace
from datetime import timedelta

import pytest
from sqlalchemy import URL, create_engine, insert
from sqlalchemy.pool import NullPool
from tests.contracts.ledger.moves import (
    MODEL,
    TIMELINE,
    back,
    decision_on,
    promotion,
    refusal,
    request_for,
    sql,
    three_promotions,
)

from retrain.adapters.sql_ledger import SqlLedger
from retrain.adapters.sql_ledger.tables import LEDGER
from retrain.core.ledger.entries import GENESIS, Action
from retrain.core.policy.decision import Challenger, Choice, Decision
from retrain.core.policy.gates import Outcome, Verdict
from retrain.core.ports import Ledger
from retrain.errors import IntegrityError


@pytest.mark.parametrize(
    "edit",
    [
        "version = 99",
        "reason = 'another'",
        "actor = 'nobody'",
        "key = 'another'",
        "manifest_digest = 'another'",
        "decision_id = 'another'",
        "idempotency_key = 'another'",
        "previous_version = NULL",
        "generation = NULL",
        "as_of = '2013-02-02 00:00:00.000000'",
        "at = '2013-02-02 00:00:00.000000'",
        "action = 'refuse'",
        "action = 'unheard-of'",
        "previous_hash = 'another'",
        "approver = 'another'",
        "expires_at = '2013-02-02 00:00:00.000000'",
        "hash = 'another'",
    ],
)
def test_an_edited_row_breaks_verification(database: URL, edit: str) -> None:
    ledger = three_promotions(database)
    assert ledger.verify() == 3
    sql(database, f"UPDATE ledger SET {edit} WHERE seq = 2")
    with pytest.raises(IntegrityError, match="2"):
        ledger.verify()


@pytest.mark.parametrize("seq", [1, 2, 3])
def test_a_removed_row_breaks_verification(database: URL, seq: int) -> None:
    ledger = three_promotions(database)
    sql(database, f"DELETE FROM ledger WHERE seq = {seq}")
    with pytest.raises(IntegrityError, match=r"hash chain must be unbroken|must be its last move"):
        ledger.verify()


@pytest.mark.parametrize("seq", [0, 4])
def test_an_inserted_row_breaks_verification_however_well_it_is_sealed(database: URL, seq: int) -> None:
    ledger = three_promotions(database)
    last = ledger.entries()[-1]
    previous = last.hash if seq == 4 else GENESIS
    forged = replace(last, seq=seq, generation=4, idempotency_key="forged", previous_hash=previous).sealed()
    with create_engine(database, poolclass=NullPool).begin() as connection:
        connection.execute(insert(LEDGER).values(asdict(forged) | {"action": "promote"}))
    with pytest.raises(IntegrityError, match=r"hash chain must be unbroken|must be its last move"):
        ledger.verify()


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE pointer SET version = 1",
        "DELETE FROM pointer",
        "INSERT INTO pointer SELECT model, 'forged', version, manifest_digest, generation, as_of, key FROM pointer",
    ],
)
def test_a_pointer_that_is_not_its_last_move_breaks_verification(database: URL, statement: str) -> None:
    ledger = three_promotions(database)
    sql(database, statement)
    with pytest.raises(IntegrityError, match="pointer"):
        ledger.verify()


def test_no_promotion_follows_an_edited_head_but_a_refusal_is_still_recorded(database: URL) -> None:
    ledger = three_promotions(database)
    sql(database, "UPDATE ledger SET reason = 'another' WHERE seq = 3")
    with pytest.raises(IntegrityError, match="entry 3"):
        ledger.append(promotion(4))
    assert ledger.append(refusal(4)).seq == 4


@pytest.mark.parametrize("edit", ["reason = 'another'", "version = 99", "action = 'refuse'", "hash = ''"])
def test_no_move_follows_an_edited_older_row_of_its_timeline(database: URL, edit: str) -> None:
    ledger = three_promotions(database)
    sql(database, f"UPDATE ledger SET {edit} WHERE seq = 1")
    for move in (
        promotion(4),
        back(2, generation=3),
        back(2, Action.FORCE, generation=3, lifetime=timedelta(days=1)),
        back(3, Action.FREEZE, generation=3),
    ):
        with pytest.raises(IntegrityError, match="an edited entry 1"):
            ledger.append(move)
    assert ledger.append(refusal(4)).seq == 4
    assert ledger.append(promotion(1, timeline="simulation", idempotency_key="b")).seq == 5
    pointer = ledger.pointer(MODEL, TIMELINE)
    assert pointer is not None
    assert pointer.version == 3


@pytest.mark.parametrize("seq", [3, 4])
def test_an_edited_rollback_or_freeze_does_not_get_round_it(database: URL, seq: int) -> None:
    ledger = SqlLedger(database)
    for move in (promotion(1), promotion(2), back(1, generation=2), back(1, Action.FREEZE, generation=3)):
        ledger.append(move)
    ledger.append(promotion(1, model="other", idempotency_key="c"))
    sql(database, f"UPDATE ledger SET action = 'unfreeze' WHERE seq = {seq}")
    with pytest.raises(IntegrityError, match=f"an edited entry {seq}"):
        ledger.append(promotion(3, 3))


def test_no_promotion_moves_an_edited_pointer(database: URL) -> None:
    ledger = three_promotions(database)
    sql(database, "UPDATE pointer SET version = 1")
    with pytest.raises(IntegrityError, match="pointer"):
        ledger.append(promotion(4))
    assert len(ledger.entries()) == 3


@pytest.mark.parametrize(("now", "then"), [("HOLD", "REJECT"), ("HOLD", "PROMOTE"), ('"reason"', '"reasons"')])
def test_a_decision_that_was_edited_into_another_is_not_believed(database: URL, now: str, then: str) -> None:
    ledger = SqlLedger(database)
    decision = ledger.record(decision_on(request_for(1)))
    changed = f"replace(CAST(document AS TEXT), '{now}', '{then}')"
    value = changed if database.get_backend_name() == "sqlite" else f"CAST({changed} AS json)"
    sql(database, f"UPDATE decision SET document = {value}")
    for read in (lambda: ledger.decision(decision.id), lambda: ledger.decisions(MODEL, TIMELINE)):
        with pytest.raises(IntegrityError, match="must be the one of its id"):
            read()


def decided(ledger: Ledger, number: int) -> Decision:
    """Record a PROMOTE with an uneven number, and promote by it."""
    verdict = Verdict(
        "threshold", Outcome.PASS, "0.7 meets its minimum", 0.1 + 0.2, 0.1, (1 / 3, 2 / 3), metric="roc_auc"
    )
    challenger = Challenger(f"key-{number}", number, "run", "model", f"{number:064d}")
    decision = ledger.record(
        decision_on(request_for(number), choice=Choice.PROMOTE, challenger=challenger, verdicts=(verdict,))
    )
    ledger.append(promotion(number, decision_id=decision.id, decision_digest=decision.digest))
    return decision


def test_an_entry_holds_the_digest_of_the_decision_that_it_rests_on(ledger: Ledger) -> None:
    first, second = decided(ledger, 1), decided(ledger, 2)
    assert [entry.decision_digest for entry in ledger.entries()] == [first.digest, second.digest]
    assert ledger.decision(first.id).digest == first.digest
    assert ledger.verify() == 2


@pytest.mark.parametrize(
    ("statement", "got"),
    [
        ("UPDATE decision SET document = {changed} WHERE seq = 1", "an edited decision"),
        ("DELETE FROM decision WHERE seq = 1", "no decision"),
    ],
)
def test_a_verdict_that_was_edited_or_a_decision_that_was_removed_breaks_verification(
    database: URL, statement: str, got: str
) -> None:
    ledger = SqlLedger(database)
    decided(ledger, 1)
    decided(ledger, 2)
    changed = "replace(CAST(document AS TEXT), 'meets its minimum', 'beats its minimum')"
    changed = changed if database.drivername.startswith("sqlite") else f"CAST({changed} AS json)"
    sql(database, statement.format(changed=changed))
    with pytest.raises(IntegrityError, match=f"must be what it was then; got {got}"):
        ledger.verify()

"""The contract of `Ledger`. What was edited, removed or inserted behind the ledger's back is found."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import URL, create_engine, insert
from sqlalchemy.pool import NullPool
from tests.contracts.ledger.moves import (
    MODEL,
    TIMELINE,
    acts,
    back,
    carry_out,
    count_verified,
    decision_for,
    decision_on,
    insert_entries,
    month,
    promote,
    promotion,
    rechain,
    refusal,
    request_for,
    resting_on,
    rewrite,
    sql,
    three_promotions,
)

from retrain.adapters.sql_ledger import SqlLedger
from retrain.adapters.sql_ledger.queries import decision_row
from retrain.adapters.sql_ledger.tables import DECISION
from retrain.core.ledger.entries import GENESIS, Action, Head, Move
from retrain.core.policy.decision import Challenger, Choice, Decision
from retrain.core.policy.error_control import Allotment
from retrain.core.ports import Ledger
from retrain.errors import ConflictError, IntegrityError

CHALLENGER = Challenger("key-1", 1, "run", "model", "d" * 64)


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
    assert count_verified(ledger) == 3
    sql(database, f"UPDATE ledger SET {edit} WHERE seq = 4")
    with pytest.raises(IntegrityError, match="4"):
        ledger.verify()


@pytest.mark.parametrize("seq", range(1, 7))
def test_a_removed_row_breaks_verification(database: URL, seq: int) -> None:
    ledger = three_promotions(database)
    sql(database, f"DELETE FROM ledger WHERE seq = {seq}")
    with pytest.raises(IntegrityError, match=r"hash chain must be unbroken|must end with the entry that it wrote last"):
        ledger.verify()


@pytest.mark.parametrize("seq", [0, 7])
def test_an_inserted_row_breaks_verification_however_well_it_is_sealed(database: URL, seq: int) -> None:
    ledger = three_promotions(database)
    last = acts(ledger)[-1]
    previous = last.hash if seq == 7 else GENESIS
    forged = replace(last, seq=seq, generation=4, idempotency_key="forged", previous_hash=previous).sealed()
    insert_entries(database, forged)
    with pytest.raises(IntegrityError, match=r"hash chain must be unbroken|must follow the rules"):
        ledger.verify()
    with pytest.raises(IntegrityError, match=r"hash chain must be unbroken|must follow the rules"):
        ledger.verify(Head.of(last))


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
    sql(database, "UPDATE ledger SET reason = 'another' WHERE seq = 6")
    with pytest.raises(IntegrityError, match="entry 6"):
        promote(ledger, 4)
    assert [ledger.append(refusal(4)).seq, ledger.entries()[-2].action] == [8, Action.DECIDE]


@pytest.mark.parametrize("edit", ["reason = 'another'", "version = 99", "action = 'refuse'", "hash = ''"])
def test_no_move_follows_an_edited_older_row_of_its_timeline(database: URL, edit: str) -> None:
    ledger = three_promotions(database)
    sql(database, f"UPDATE ledger SET {edit} WHERE seq = 2")
    for move in (
        promotion(4),
        back(2, generation=3),
        back(2, Action.FORCE, generation=3, lifetime=timedelta(days=1)),
        back(3, Action.FREEZE, generation=3),
    ):
        with pytest.raises(IntegrityError, match="an edited entry 2"):
            carry_out(ledger, move)
    assert ledger.append(refusal(4)).generation is None
    assert promote(ledger, 1, timeline="simulation", idempotency_key="b").generation == 1
    pointer = ledger.pointer(MODEL, TIMELINE)
    assert pointer is not None
    assert pointer.version == 3


@pytest.mark.parametrize("seq", [5, 6])
def test_an_edited_rollback_or_freeze_does_not_get_round_it(database: URL, seq: int) -> None:
    ledger = SqlLedger(database)
    for move in (promotion(1), promotion(2), back(1, generation=2), back(1, Action.FREEZE, generation=3)):
        carry_out(ledger, move)
    promote(ledger, 1, model="other", idempotency_key="c")
    sql(database, f"UPDATE ledger SET action = 'unfreeze' WHERE seq = {seq}")
    with pytest.raises(IntegrityError, match=f"an edited entry {seq}"):
        promote(ledger, 3, 3)


def test_no_promotion_moves_an_edited_pointer(database: URL) -> None:
    ledger = three_promotions(database)
    sql(database, "UPDATE pointer SET version = 1")
    with pytest.raises(IntegrityError, match="pointer"):
        promote(ledger, 4)
    assert len(acts(ledger)) == 3


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
    """Promote the version of a month, and return the decision."""
    return ledger.decision(promote(ledger, number).decision_id)


def test_an_entry_holds_the_digest_of_the_decision_that_it_rests_on(ledger: Ledger) -> None:
    first, second = decided(ledger, 1), decided(ledger, 2)
    assert [entry.decision_digest for entry in acts(ledger)] == [first.digest, second.digest]
    assert ledger.decision(first.id).digest == first.digest
    assert count_verified(ledger) == 2


EDITS = [
    ("UPDATE decision SET document = {changed} WHERE seq = 1", "an edited decision"),
    ("DELETE FROM decision WHERE seq = 1", "no decision"),
]


def edit_document(url: URL, statement: str, now: str, then: str) -> None:
    """Run SQL in which ``{changed}`` is the document of a decision with another text."""
    changed = f"replace(CAST(document AS TEXT), '{now}', '{then}')"
    sql(url, statement.format(changed=changed if url.get_backend_name() == "sqlite" else f"CAST({changed} AS json)"))


@pytest.mark.parametrize(("statement", "got"), EDITS)
def test_a_verdict_that_was_edited_or_a_decision_that_was_removed_breaks_verification(
    database: URL, statement: str, got: str
) -> None:
    ledger = SqlLedger(database)
    decided(ledger, 1)
    decided(ledger, 2)
    edit_document(database, statement, "meets its minimum", "beats its minimum")
    with pytest.raises(IntegrityError, match=f"must be what it was then; got {got}"):
        ledger.verify()


@pytest.mark.parametrize("choice", [Choice.HOLD, Choice.REJECT])
@pytest.mark.parametrize(("statement", "got"), EDITS)
def test_a_decision_that_promoted_nothing_is_covered_as_well(
    database: URL, choice: Choice, statement: str, got: str
) -> None:
    ledger = SqlLedger(database)
    ledger.record(decision_on(request_for(1), choice=choice, challenger=CHALLENGER))
    since = ledger.verify()
    ledger.record(decision_on(request_for(2), choice=choice, challenger=CHALLENGER))
    ledger.verify(since)
    edit_document(database, statement.replace("seq = 1", "seq = 2"), "not sure yet", "surely not")
    for start in (None, since):
        with pytest.raises(IntegrityError, match=f"must be what it was then; got {got}"):
            ledger.verify(start)


def test_a_decision_that_no_entry_records_breaks_verification(database: URL) -> None:
    ledger = SqlLedger(database)
    ledger.record(decision_on(request_for(1)))
    forged = replace(decision_for(promotion(1)), at=ledger.now())
    with create_engine(database, poolclass=NullPool).begin() as connection:
        connection.execute(insert(DECISION).values(decision_row(forged)))
    with pytest.raises(IntegrityError, match=r"must have an entry in the ledger.*; got one without an entry"):
        ledger.verify()
    with pytest.raises(ConflictError, match="must rest on a decision in the ledger's chain; got none"):
        ledger.append(resting_on(forged, promotion(1)))


def test_a_decision_that_was_put_in_for_the_gate_to_find_is_not_recorded(database: URL) -> None:
    ledger, judged = SqlLedger(database), decision_for(promotion(1))
    challenger = Challenger(
        "key-1", 7, "run", "model", "f" * 64
    )  # the same key, and so the same id, for another artifact
    forged = replace(judged, challenger=challenger, at=ledger.now())
    assert forged.id == judged.id
    with create_engine(database, poolclass=NullPool).begin() as connection:
        connection.execute(insert(DECISION).values(decision_row(forged)))
    with pytest.raises(IntegrityError, match="must be on the challenger that was judged; got decision"):
        ledger.record(judged)
    assert ledger.entries() == []


@pytest.mark.parametrize(
    "edit",
    [
        "choice = 'HOLD'",
        "model = 'other'",
        "timeline = 'other'",
        "request_id = 'other'",
        "as_of = '2013-02-02 00:00:00.000000'",
        "at = '2033-02-02 00:00:00.000000'",
        "challenger_value = 0.9",
        "opponent_value = NULL",
        "opponent = 'baseline'",
        "scorecard = 'other'",
        "sequence = 'other'",
        "place = NULL",
        "level = 0.5",
        "test = 'other'",
    ],
)
def test_a_column_that_says_something_else_than_its_document_breaks_verification(database: URL, edit: str) -> None:
    ledger = SqlLedger(database)
    allotment = Allotment("lord", 0.01, "test", "lord/production", 1)
    values: dict[str, Any] = {"opponent": "champion", "challenger_value": 0.7, "opponent_value": 0.6}
    ledger.record(decision_for(promotion(1), allotment=allotment, **values))
    assert ledger.verify().count == 1
    sql(database, f"UPDATE decision SET {edit}")
    for start in (None, Head()):
        with pytest.raises(IntegrityError, match=r"columns differ from its document|request of a recorded decision"):
            ledger.verify(start)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE retrain SET actor = 'nobody'",
        "UPDATE retrain SET reason = 'another'",
        "UPDATE retrain SET model = 'another'",
        "UPDATE retrain SET as_of = '2013-02-02 00:00:00.000000'",
        "UPDATE retrain SET nonce = 'another'",
        "UPDATE retrain SET origin = 'another/run'",
        "UPDATE retrain SET origin = 'no origin'",
        "DELETE FROM retrain",
    ],
)
def test_a_request_of_a_decision_that_was_edited_or_removed_breaks_verification(database: URL, statement: str) -> None:
    ledger = SqlLedger(database)
    request = request_for(1, actor="ann", reason="new data")
    ledger.open_retrain(request)
    ledger.record(decision_on(request))
    assert ledger.verify().count == 1
    sql(database, statement)
    for start in (None, Head()):
        with pytest.raises(IntegrityError, match=r"must be what it was; got .* behind entry 1 \(churn, production\)"):
            ledger.verify(start)


def test_a_decision_that_was_edited_before_its_promotion_promotes_nothing(database: URL) -> None:
    ledger = SqlLedger(database)
    made = decision_for(promotion(1))
    decision = ledger.record(made)
    edit_document(database, EDITS[0][0], "meets its minimum", "beats its minimum")
    for edited in (ledger.decision(decision.id), ledger.record(made)):  # the gate ran again
        assert edited.digest != decision.digest
        with pytest.raises(ConflictError, match="got a decision that was changed since"):
            ledger.append(resting_on(edited, promotion(1)))
    with pytest.raises(IntegrityError, match="an edited decision"):
        ledger.verify()


def frozen(url: URL, *after: Move) -> SqlLedger:
    """Return a ledger with a champion (entry 2) and a freeze (entry 3), and what follows."""
    ledger = SqlLedger(url)
    for move in (promotion(1), back(1, Action.FREEZE, generation=1), *after):
        carry_out(ledger, move)
    return ledger


ELSEWHERE = promotion(1, model="other", idempotency_key="other")


@pytest.mark.parametrize("after", [(), (ELSEWHERE,), (refusal(3),), (refusal(3), ELSEWHERE)], ids=len)
@pytest.mark.parametrize(
    "edit", ["delete", "refuse", "refuse with its hash", "refuse with its hash and those after it"]
)
def test_a_freeze_that_was_edited_or_removed_holds_on(database: URL, after: tuple[Move, ...], edit: str) -> None:
    ledger = frozen(database, *after)
    entries = ledger.entries()
    if edit == "delete":
        sql(database, "DELETE FROM ledger WHERE seq = 3")
    elif edit == "refuse":
        sql(database, "UPDATE ledger SET action = 'refuse' WHERE seq = 3")
    else:
        entries[2] = replace(entries[2], action=Action.REFUSE).sealed()
        rest = rechain(entries[3:], entries[2]) if "after" in edit else entries[3:]
        sql(database, "DELETE FROM ledger WHERE seq >= 3")
        insert_entries(database, entries[2], *rest)
    with pytest.raises(IntegrityError, match=r"those that the ledger wrote|known action"):
        promote(ledger, 2)
    for start in (None, Head.of(entries[1])):
        with pytest.raises(IntegrityError, match=r"chain must be unbroken|must end with the entry that it wrote last"):
            ledger.verify(start)
    pointer = ledger.pointer(MODEL, TIMELINE)
    assert pointer is not None
    assert pointer.version == 1


@pytest.mark.parametrize(
    "last",
    [
        back(1, Action.FREEZE, generation=1, idempotency_key="freeze again"),
        refusal(2),
        back(1, Action.UNFREEZE, generation=1),
    ],
)
def test_what_was_cut_off_the_end_is_missed(database: URL, last: Move) -> None:
    ledger = frozen(database, last)
    sql(database, "DELETE FROM ledger WHERE seq = 4")
    with pytest.raises(IntegrityError, match="must end with the entry that it wrote last"):
        ledger.verify()
    with pytest.raises(IntegrityError, match="got 3 as the last entry, not 4"):
        ledger.append(back(1, Action.UNFREEZE, generation=1, idempotency_key="lift"))
    ledger.append(refusal(3))
    with pytest.raises(IntegrityError, match="must end with the entry that it wrote last"):
        ledger.verify()


@pytest.mark.parametrize(
    "statement", ["DELETE FROM head", "UPDATE head SET entries = 2", "DELETE FROM head WHERE model = ''"]
)
def test_a_head_that_was_edited_breaks_verification_and_stops_moves(database: URL, statement: str) -> None:
    ledger = three_promotions(database)
    sql(database, statement)
    with pytest.raises(IntegrityError, match="must end with the entry that it wrote last"):
        ledger.verify()
    with pytest.raises(IntegrityError, match="those that the ledger wrote"):
        promote(ledger, 4)


def test_a_promotion_that_was_put_in_without_a_decision_breaks_verification(database: URL) -> None:
    ledger = three_promotions(database)
    last = ledger.entries()[-1]
    ids: dict[str, Any] = {
        "decision_id": "i" * 64,
        "decision_digest": "d" * 64,
        "idempotency_key": "forged",
        "key": "forged",
    }
    forged = replace(last, generation=4, previous_version=3, version=9, as_of=month(9), **ids)
    rewrite(database, [*ledger.entries(), forged])
    for start in (None, Head.of(last)):
        with pytest.raises(
            IntegrityError, match=r"rules of a move; got entry 7 \(promote of churn, production\).*got none"
        ):
            ledger.verify(start)


@pytest.mark.parametrize("held", [False, True])
def test_a_forged_ledger_is_found_by_its_rules_even_if_all_hashes_heads_and_pointers_fit(
    database: URL, held: bool
) -> None:
    ledger = frozen(database)
    if held:
        ledger.append(back(1, Action.UNFREEZE, generation=1))
    made = decision_for(promotion(2))
    decision = ledger.record(replace(made, choice=Choice.HOLD) if held else made)
    last = ledger.entries()[-1]
    ids: dict[str, Any] = {
        "decision_id": decision.id,
        "decision_digest": decision.digest,
        "idempotency_key": "forged",
        "key": "key-2",
    }
    first = ledger.entries()[1]
    forged = replace(
        first, generation=2, version=2, manifest_digest=f"{2:064d}", previous_version=1, as_of=month(2), **ids
    )
    rewrite(database, [*ledger.entries(), forged])
    problem = "got the decision HOLD" if held else "must not be blocked; got someone froze promotions"
    for start in (None, Head.of(last)):
        with pytest.raises(
            IntegrityError, match=f"must follow the rules of a move; got entry {last.seq + 1} .*{problem}"
        ):
            ledger.verify(start)


def test_what_the_ledger_wrote_can_be_written_again(database: URL) -> None:
    ledger = three_promotions(database)
    before = ledger.verify()
    rewrite(database, ledger.entries())
    assert ledger.verify() == before
    assert promote(ledger, 4).seq == 8


def test_a_verification_goes_on_from_an_earlier_head(database: URL) -> None:
    ledger = three_promotions(database)
    first = ledger.verify(Head())
    assert (first, ledger.verify(first)) == (ledger.verify(), first)
    promote(ledger, 4)
    ledger.append(back(4, Action.FREEZE, generation=4))
    ledger.record(decision_on(request_for(5)))
    again = ledger.verify(first)
    assert (again, again.count) == (ledger.verify(), 10)
    sql(database, "UPDATE ledger SET reason = 'another' WHERE seq = 9")
    with pytest.raises(IntegrityError, match="a break at entry 9"):
        ledger.verify(first)


@pytest.mark.parametrize("head", [Head(6, "f" * 64), Head(7, "f" * 64), Head(0, "f" * 64), Head(5, "0" * 64)])
def test_a_head_that_the_ledger_never_had_is_refused(database: URL, head: Head) -> None:
    ledger = three_promotions(database)
    with pytest.raises(IntegrityError, match=f"entry {head.count} of the ledger must have the hash of the given head"):
        ledger.verify(head)


@pytest.mark.parametrize("seq", [1, 2, 5])
def test_an_entry_that_was_removed_before_the_head_is_missed_after_it(database: URL, seq: int) -> None:
    ledger = three_promotions(database)
    head = ledger.verify()
    sql(database, f"DELETE FROM ledger WHERE seq = {seq}")
    with pytest.raises(IntegrityError, match="hash chain must be unbroken"):
        ledger.verify(head)

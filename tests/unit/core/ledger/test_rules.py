from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from tests.builders import AS_OF

from retrain.core.ledger.entries import GENESIS, Action, Head, LedgerEntry, Move
from retrain.core.ledger.rules import as_utc, check_intact, confirm_same_move, entry_for
from retrain.core.ledger.standing import Standing
from retrain.errors import ConflictError, IntegrityError


def make_move(version: int = 1, **changes: Any) -> Move:
    move = Move(
        action=Action.PROMOTE,
        model="churn",
        timeline="production",
        version=version,
        manifest_digest="d" * 64,
        as_of=AS_OF + timedelta(days=version),
        key=f"key-{version}",
        expected_generation=version - 1,
        idempotency_key=f"promote-{version}",
        actor="someone",
        reason="better",
    )
    return replace(move, **changes)


def recorded(move: Move, reason: str = "PROMOTE: better") -> LedgerEntry:
    """Return the entry of the decision that a promotion may rest on."""
    ids: dict[str, Any] = {"decision_id": f"decision-{move.version}", "decision_digest": f"{move.version:064x}"}
    decided = replace(move, action=Action.DECIDE, idempotency_key="decide", reason=reason, **ids)
    return entry_for(decided, at=AS_OF, head=None, standing=Standing())


def resting_on(entry: LedgerEntry, move: Move) -> Move:
    return replace(move, decision_id=entry.decision_id, decision_digest=entry.decision_digest)


def grant(move: Move, champion: LedgerEntry | None = None) -> LedgerEntry:
    """Return the entry of a promotion whose decision is recorded."""
    decided = recorded(move)
    standing = Standing((champion,) if champion else (), decisions={decided.decision_id: decided})
    return entry_for(resting_on(decided, move), at=AS_OF, head=champion, standing=standing)


def first() -> LedgerEntry:
    return grant(make_move())


def test_the_first_entry_stands_on_the_genesis_and_the_next_one_on_it() -> None:
    one = first()
    two = grant(make_move(2), one)
    assert (one.seq, one.generation, one.previous_version, one.previous_hash) == (1, 1, None, GENESIS)
    assert (two.seq, two.generation, two.previous_version, two.previous_hash) == (2, 2, 1, one.hash)
    assert two.hash == two.content_hash()


@pytest.mark.parametrize("action", [Action.PROMOTE, Action.APPROVE])
@pytest.mark.parametrize(
    ("changes", "reason", "got"),
    [
        ({"decision_id": "another"}, "PROMOTE", "none"),
        ({"decision_id": ""}, "PROMOTE", "none"),
        ({"decision_digest": "f" * 64}, "PROMOTE", "a decision that was changed since"),
        ({}, "HOLD: better", "the decision HOLD"),
        ({}, "REJECT", "the decision REJECT"),
        ({"version": 2}, "PROMOTE", "one to promote version 1"),
        ({"manifest_digest": "f" * 64}, "PROMOTE", "one to promote version 1"),
        ({"key": "another"}, "PROMOTE", "one to promote version 1"),
        ({"as_of": AS_OF}, "PROMOTE: PROMOTE", "one to promote version 1, made of other data or in another way"),
    ],
)
def test_a_promotion_and_its_approval_rest_on_a_recorded_decision_to_promote_just_that(
    action: Action, changes: dict[str, Any], reason: str, got: str
) -> None:
    decided = recorded(make_move(), reason)
    standing = Standing(decisions={decided.decision_id: decided})
    move = replace(resting_on(decided, make_move(action=action)), **changes)
    with pytest.raises(
        ConflictError, match=rf"the {action.value} of churn .* decision in the ledger's chain; got {got}\b"
    ):
        entry_for(move, at=AS_OF, head=None, standing=standing)


@pytest.mark.parametrize("approvals", [{}, {"f" * 64: "grace"}, {f"{1:064x}": "ann"}])
def test_an_approver_must_have_approved_that_decision(approvals: dict[str, str]) -> None:
    decided = recorded(make_move())
    move = resting_on(decided, make_move(approver="grace"))
    standing = Standing(decisions={decided.decision_id: decided}, approvals=approvals)
    with pytest.raises(ConflictError, match="approval of version 1 of churn must be in the ledger; got none by grace"):
        entry_for(move, at=AS_OF, head=None, standing=standing)
    standing = replace(standing, approvals=approvals | {decided.decision_digest: "grace"})
    assert entry_for(move, at=AS_OF, head=None, standing=standing).approver == "grace"


@pytest.mark.parametrize(
    ("generation", "champion", "got"),
    [
        (7, None, "generation 0, no champion yet"),
        (0, first(), r"version 1 \(generation 1, as of 2024-07-02.* there already"),
    ],
)
def test_a_move_that_rests_on_another_generation_is_a_conflict(
    generation: int, champion: LedgerEntry | None, got: str
) -> None:
    with pytest.raises(ConflictError, match=got):
        grant(make_move(2, expected_generation=generation), champion)


@pytest.mark.parametrize("hours", [0, -1])
def test_a_promotion_to_no_later_knowledge_is_a_conflict(hours: int) -> None:
    champion = first()
    with pytest.raises(ConflictError, match="superseded: version 2 as of"):
        grant(make_move(2, as_of=champion.as_of + timedelta(hours=hours)), champion)


def test_a_move_rests_on_entries_that_the_ledger_wrote() -> None:
    one = first()
    two = grant(make_move(2), one)
    other = replace(two, model="other", seq=3, previous_hash=two.hash).sealed()
    of_timeline, tip = [one, two], Head.over([one, two])
    check_intact(None, Head(), [], Head())
    check_intact(other, Head.of(other), of_timeline, tip)
    edited, resealed = replace(one, version=9), replace(one, action=Action.REFUSE).sealed()
    for last, head, entries, head_of_timeline, got in (
        (other, Head.of(other), [edited, two], tip, r"an edited entry 1 \(churn, production\)"),
        (replace(other, version=9), Head.of(other), of_timeline, tip, r"an edited entry 3 \(other, production\)"),
        (two, Head.of(other), of_timeline, tip, "2 as the last entry, not 3"),
        (None, Head.of(other), [], Head(), "0 as the last entry, not 3"),
        (replace(other, version=9).sealed(), Head.of(other), of_timeline, tip, "3 as the last entry, not 3"),
        (other, Head.of(other), [two], tip, "1 entries of the model and timeline, not the 2 that were written"),
        (other, Head.of(other), [resealed, two], tip, "2 entries of the model and timeline, not the 2"),
    ):
        with pytest.raises(IntegrityError, match=f"must be those that the ledger wrote; got {got}"):
            check_intact(last, head, entries, head_of_timeline)


def test_a_refusal_rests_on_no_generation() -> None:
    entry = entry_for(
        make_move(5, action=Action.REFUSE, as_of=AS_OF), at=AS_OF, head=first(), standing=Standing((first(),))
    )
    assert (entry.action, entry.generation, entry.actor, entry.reason) == (Action.REFUSE, None, "someone", "better")


def test_one_idempotency_key_stands_for_one_move() -> None:
    entry = first()
    assert confirm_same_move(make_move(actor="a retry", expected_generation=4), entry) is entry
    for other in (make_move(model="other"), make_move(timeline="other"), make_move(version=2)):
        with pytest.raises(ConflictError, match="the key of entry 1"):
            confirm_same_move(other, entry)


def test_instants_are_kept_in_utc_and_one_without_offset_is_refused() -> None:
    zoned = datetime(2024, 7, 1, 2, tzinfo=timezone(timedelta(hours=2)))
    assert (as_utc(zoned), as_utc(zoned).tzinfo) == (AS_OF, UTC)
    with pytest.raises(ValueError, match="must have an offset"):
        as_utc(datetime(2024, 7, 1))  # noqa: DTZ001 - what is refused

"""The replay of a ledger finds each entry that the rules would have refused, however well it is sealed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from tests.builders import AS_OF

from retrain.core.ledger.entries import Action, Head, LedgerEntry, Move
from retrain.core.ledger.replay import LedgerReplay, verify_chain
from retrain.core.ledger.rules import entry_for
from retrain.core.ledger.standing import Standing
from retrain.errors import IntegrityError

FIRST, SECOND = ("churn", "production"), ("churn", "simulation")


def move(action: Action, version: int, generation: int = 0, timeline: str = "production", **changes: Any) -> Move:
    """Return a move to a version; what rests on a decision rests on that of its version."""
    rests = action in (Action.DECIDE, Action.APPROVE, Action.PROMOTE)
    made = Move(
        action=action,
        model="churn",
        timeline=timeline,
        version=version,
        manifest_digest="d" * 64,
        as_of=AS_OF + timedelta(days=version),
        key=f"key-{version}",
        expected_generation=generation,
        idempotency_key="",
        decision_id=f"decision-{version}" if rests else "",
        decision_digest=f"{version:064x}" if rests else "",
        reason="PROMOTE" if action is Action.DECIDE else "",
    )
    return replace(made, **changes)


def play(*moves: Move) -> list[LedgerEntry]:
    """Grant moves one after the other."""
    entries: list[LedgerEntry] = []
    for number, given in enumerate(moves, start=1):
        of_timeline = [entry for entry in entries if entry.timeline == given.timeline]
        item = replace(given, idempotency_key=f"{number}")
        last = entries[-1] if entries else None
        entries.append(
            entry_for(item, at=AS_OF + timedelta(hours=number), head=last, standing=Standing.of(of_timeline))
        )
    return entries


def seal(entries: Sequence[LedgerEntry]) -> list[LedgerEntry]:
    """Return entries with fresh numbers and hashes, as a forger writes them."""
    chain: list[LedgerEntry] = []
    for entry in entries:
        head = Head.of(chain[-1] if chain else None)
        chain.append(replace(entry, seq=head.count + 1, previous_hash=head.hash).sealed())
    return chain


WHOLE = play(
    move(Action.DECIDE, 1),
    move(Action.PROMOTE, 1),
    move(Action.DECIDE, 1, timeline="simulation", decision_id="other"),
    move(Action.DECIDE, 2),
    move(Action.APPROVE, 2, approver="grace"),
    move(Action.PROMOTE, 2, 1, approver="grace"),
    move(Action.REFUSE, 3),
    move(Action.ROLLBACK, 1, 2),
    move(Action.FORCE, 7, 3, lifetime=timedelta(days=1)),
    move(Action.REVERT, 1, 4),
    move(Action.ADOPT, 7, 5),
    move(Action.FREEZE, 7),
    move(Action.UNFREEZE, 7),
    move(Action.DECIDE, 8),
    move(Action.PROMOTE, 8, 6),
)


def checked(entries: Sequence[LedgerEntry]) -> LedgerReplay:
    """Return the replay of a ledger that is right."""
    replay = LedgerReplay()
    for entry in entries:
        replay.check(entry)
    return replay


def test_what_the_rules_grant_replays_and_tells_what_the_tables_must_hold() -> None:
    replay = checked(WHOLE)
    assert replay.head == Head.of(WHOLE[-1]) == verify_chain(WHOLE)
    assert replay.pointers == {FIRST: WHOLE[-1].to_pointer()}
    assert replay.tips == {
        key: Head.over(entry for entry in WHOLE if entry.timeline == key[1]) for key in (FIRST, SECOND)
    }
    assert replay.decisions == {f"decision-{n}": f"{n:064x}" for n in (1, 2, 8)} | {"other": f"{1:064x}"}


@pytest.mark.parametrize("count", range(len(WHOLE) + 1))
def test_a_replay_goes_on_from_any_head(count: int) -> None:
    start = Head.of(WHOLE[count - 1] if count else None)
    replay = LedgerReplay(start, WHOLE[:count])
    whole = checked(WHOLE)
    assert replay.decisions == {}
    for entry in WHOLE[count:]:
        replay.check(entry)
    assert (replay.head, replay.tips, replay.pointers) == (whole.head, whole.tips, whole.pointers)


def test_a_replay_starts_where_the_earlier_entries_end() -> None:
    for start, earlier in (
        (Head(2, "f" * 64), WHOLE[:2]),
        (Head.of(WHOLE[2]), WHOLE[:2]),
        (Head(), WHOLE[:2]),
        (Head(99, WHOLE[-1].hash), WHOLE),
    ):
        with pytest.raises(
            IntegrityError, match="of the ledger must have the hash of the given head; got another entry"
        ):
            LedgerReplay(start, earlier)
    with pytest.raises(IntegrityError, match="a break at entry 3"):
        LedgerReplay(Head.of(WHOLE[3]), [*WHOLE[:1], *WHOLE[2:4]])


def forge(number: int, **changes: Any) -> list[LedgerEntry]:
    """Return the ledger up to an entry, with that one changed and all hashes made to fit."""
    return seal([*WHOLE[: number - 1], replace(WHOLE[number - 1], **changes)])


@pytest.mark.parametrize(
    ("entries", "problem"),
    [
        (forge(6, generation=3), "its generation is not the next one"),
        (forge(6, generation=None), "its generation is not the next one"),
        (forge(7, generation=3), "its generation is not the next one"),
        (forge(2, previous_version=5), "another version was champion"),
        (forge(7, previous_version=None), "another version was champion"),
        (forge(2, decision_id="none"), "must rest on a decision in the ledger's chain; got none"),
        (forge(2, decision_digest="f" * 64), "got a decision that was changed since"),
        (forge(2, version=9), "got one to promote version 1"),
        (seal([replace(WHOLE[0], reason="HOLD"), WHOLE[1]]), "got the decision HOLD"),
        (forge(6, approver="ann"), "must be in the ledger; got none by ann"),
        (seal([*WHOLE[:4], WHOLE[5]]), "must be in the ledger; got none by grace"),
        (forge(5, decision_id="none"), "the approve of churn on production must rest on"),
        (forge(8, version=9), "must be to a version that was live there"),
        (forge(8, manifest_digest="f" * 64), "as it was; got version 1"),
        (forge(9, expires_at=None), "must have a time to live; got none"),
        (forge(9, expires_at=WHOLE[8].at), "must have a time to live; got 0:00:00"),
        (forge(10, action=Action.ROLLBACK, version=2, key="key-2"), ""),
        (seal([*WHOLE[:12], WHOLE[13], WHOLE[14]]), "must not be blocked; got"),
        (
            seal(
                [
                    *WHOLE[:6],
                    replace(WHOLE[13], as_of=AS_OF, previous_version=2),
                    replace(WHOLE[14], as_of=AS_OF, previous_version=2, generation=3),
                ]
            ),
            "superseded",
        ),
    ],
)  # fmt: skip
def test_an_entry_that_the_rules_refuse_is_found(entries: list[LedgerEntry], problem: str) -> None:
    if not problem:
        assert verify_chain(entries) == Head.of(entries[-1])
        return
    last = entries[-1]
    before = entries[:-1]
    for replay in (LedgerReplay(Head.of(before[-1]), before), checked(before)):
        with pytest.raises(IntegrityError, match="must follow the rules of a move") as caught:
            replay.check(last)
        assert f"got entry {last.seq} ({last.action.value} of churn, production), which breaks one: " in str(
            caught.value
        )
        assert problem in str(caught.value)


def test_all_entries_agree_on_the_digest_of_a_decision() -> None:
    refused = replace(WHOLE[6], decision_id="decision-1", decision_digest="e" * 64, previous_version=1)
    assert verify_chain(seal([WHOLE[0], WHOLE[1], refused])).count == 3, "a forged decision may have been refused"
    entries = seal([WHOLE[0], WHOLE[1], replace(refused, action=Action.FREEZE)])
    with pytest.raises(IntegrityError, match="must hold the same digest of it; got another one in entry 3"):
        verify_chain(entries)


def test_a_ledger_that_began_before_decisions_were_recorded_replays() -> None:
    before = seal([WHOLE[1], replace(WHOLE[5], approver="grace")])
    assert verify_chain(before).count == 2
    assert verify_chain(seal([replace(before[0], decision_id="", decision_digest=""), before[1]])).count == 2
    assert verify_chain(seal([*before, *WHOLE[6:]])).count == 11
    with pytest.raises(IntegrityError, match=r"got entry 3 .*in the ledger's chain; got none"):
        verify_chain(seal([before[0], WHOLE[2], before[1]]))
    with pytest.raises(IntegrityError, match="another version was champion"):
        verify_chain(seal([before[0], replace(before[1], previous_version=7)]))

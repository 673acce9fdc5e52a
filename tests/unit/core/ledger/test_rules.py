from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from tests.builders import AS_OF

from retrain.core.ledger.entries import GENESIS, Action, LedgerEntry, Move
from retrain.core.ledger.rules import as_utc, confirm_same_move, entry_for
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


def first() -> LedgerEntry:
    return entry_for(make_move(), at=AS_OF, head=None, standing=Standing())


def test_the_first_entry_stands_on_the_genesis_and_the_next_one_on_it() -> None:
    one = first()
    two = entry_for(make_move(2), at=AS_OF, head=one, standing=Standing((one,)))
    assert (one.seq, one.generation, one.previous_version, one.previous_hash) == (1, 1, None, GENESIS)
    assert (two.seq, two.generation, two.previous_version, two.previous_hash) == (2, 2, 1, one.hash)
    assert two.hash == two.content_hash()


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
        entry_for(
            make_move(2, expected_generation=generation),
            at=AS_OF,
            head=champion,
            standing=Standing((champion,) if champion else ()),
        )


@pytest.mark.parametrize("hours", [0, -1])
def test_a_promotion_to_no_later_knowledge_is_a_conflict(hours: int) -> None:
    champion = first()
    with pytest.raises(ConflictError, match="superseded: version 2 as of"):
        entry_for(
            make_move(2, as_of=champion.as_of + timedelta(hours=hours)),
            at=AS_OF,
            head=champion,
            standing=Standing((champion,) if champion else ()),
        )


def test_an_edited_head_stops_moves_but_not_refusals() -> None:
    edited = replace(first(), version=9)
    with pytest.raises(IntegrityError, match=r"must carry its own hash; got an edited entry 1 \(churn, production\)"):
        entry_for(make_move(2), at=AS_OF, head=edited, standing=Standing((edited,)))
    refusal = entry_for(make_move(2, action=Action.REFUSE), at=AS_OF, head=edited, standing=Standing((edited,)))
    assert (refusal.generation, refusal.previous_version, refusal.seq) == (None, 9, 2)


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

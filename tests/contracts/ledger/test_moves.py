"""The contract of `Ledger`. Moves and refusals: generations, conflicts, idempotency."""

from __future__ import annotations

from typing import Any

import pytest
from tests.contracts.ledger.moves import MODEL, TIMELINE, acts, count_verified, month, promote, refusal

from retrain.core.ledger.entries import GENESIS
from retrain.core.ports import Ledger
from retrain.errors import ConflictError


def test_the_first_promotion_makes_generation_1(ledger: Ledger) -> None:
    assert ledger.pointer(MODEL, TIMELINE) is None
    entry = promote(ledger, 1)
    recorded = ledger.entries()[0]
    assert (entry.seq, entry.generation, entry.previous_version, entry.previous_hash) == (2, 1, None, recorded.hash)
    assert (recorded.seq, recorded.previous_hash, ledger.entries()) == (1, GENESIS, [recorded, entry])
    assert ledger.pointer(MODEL, TIMELINE) == entry.to_pointer()


def test_the_next_promotion_names_the_version_before_it(ledger: Ledger) -> None:
    first, second = promote(ledger, 1), promote(ledger, 2)
    recorded = ledger.entries()[2]
    assert (second.seq, second.generation, second.previous_version) == (4, 2, 1)
    assert (recorded.previous_hash, second.previous_hash) == (first.hash, recorded.hash)
    pointer = ledger.pointer(MODEL, TIMELINE)
    assert pointer is not None
    assert (pointer.version, pointer.generation, pointer.as_of) == (2, 2, month(2))


def test_a_conflict_says_who_won_and_what_to_do(ledger: Ledger) -> None:
    promote(ledger, 1)
    with pytest.raises(ConflictError, match=r"generation 0.*version 1 \(generation 1, as of 2013-01-01.*decide again"):
        promote(ledger, 2, generation=0)
    assert len(acts(ledger)) == 1


def test_a_conflict_on_an_empty_timeline_says_that_there_is_no_champion(ledger: Ledger) -> None:
    with pytest.raises(ConflictError, match="no champion yet"):
        promote(ledger, 2)
    assert acts(ledger) == []


def test_the_same_move_again_returns_the_first_entry_even_after_the_pointer_moved_on(ledger: Ledger) -> None:
    first = promote(ledger, 1)
    second = promote(ledger, 2)
    assert promote(ledger, 1) == first
    assert promote(ledger, 1, generation=7, actor="a retry") == first
    assert acts(ledger) == [first, second]
    assert ledger.pointer(MODEL, TIMELINE) == second.to_pointer()


@pytest.mark.parametrize("change", [{"model": "other"}, {"timeline": "other"}, {"version": 2}])
def test_one_idempotency_key_cannot_stand_for_two_moves(ledger: Ledger, change: dict[str, Any]) -> None:
    promote(ledger, 1)
    with pytest.raises(ConflictError, match="one move"):
        promote(ledger, 1, **change)


def test_refusals_are_chained_and_move_nothing(ledger: Ledger) -> None:
    before = ledger.append(refusal(1))
    moved = promote(ledger, 1)
    after = ledger.append(refusal(2, expected_generation=0))
    assert ledger.append(refusal(2)) == after
    assert [e.generation for e in acts(ledger)] == [None, 1, None]
    _, recorded, _, _ = ledger.entries()
    assert [e.previous_hash for e in ledger.entries()] == [GENESIS, before.hash, recorded.hash, moved.hash]
    assert (before.previous_version, after.previous_version) == (None, 1)
    assert ledger.pointer(MODEL, TIMELINE) == moved.to_pointer()
    assert count_verified(ledger) == 3

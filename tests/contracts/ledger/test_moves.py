"""The contract of `Ledger`. Moves and refusals: generations, conflicts, idempotency."""

from __future__ import annotations

from typing import Any

import pytest
from tests.contracts.ledger.moves import MODEL, TIMELINE, month, promotion, refusal

from retrain.core.ledger.entries import GENESIS
from retrain.core.ports import Ledger
from retrain.errors import ConflictError


def test_the_first_promotion_makes_generation_1(ledger: Ledger) -> None:
    assert ledger.pointer(MODEL, TIMELINE) is None
    entry = ledger.append(promotion(1))
    assert (entry.seq, entry.generation, entry.previous_version, entry.previous_hash) == (1, 1, None, GENESIS)
    assert ledger.entries() == [entry]
    assert ledger.pointer(MODEL, TIMELINE) == entry.to_pointer()


def test_the_next_promotion_names_the_version_before_it(ledger: Ledger) -> None:
    first, second = ledger.append(promotion(1)), ledger.append(promotion(2))
    assert (second.seq, second.generation, second.previous_version, second.previous_hash) == (2, 2, 1, first.hash)
    pointer = ledger.pointer(MODEL, TIMELINE)
    assert pointer is not None
    assert (pointer.version, pointer.generation, pointer.as_of) == (2, 2, month(2))


def test_a_conflict_says_who_won_and_what_to_do(ledger: Ledger) -> None:
    ledger.append(promotion(1))
    with pytest.raises(ConflictError, match=r"generation 0.*version 1 \(generation 1, as of 2013-01-01.*decide again"):
        ledger.append(promotion(2, generation=0))
    assert len(ledger.entries()) == 1


def test_a_conflict_on_an_empty_timeline_says_that_there_is_no_champion(ledger: Ledger) -> None:
    with pytest.raises(ConflictError, match="no champion yet"):
        ledger.append(promotion(2))
    assert ledger.entries() == []


def test_the_same_move_again_returns_the_first_entry_even_after_the_pointer_moved_on(ledger: Ledger) -> None:
    first = ledger.append(promotion(1))
    second = ledger.append(promotion(2))
    assert ledger.append(promotion(1)) == first
    assert ledger.append(promotion(1, generation=7, actor="a retry")) == first
    assert ledger.entries() == [first, second]
    assert ledger.pointer(MODEL, TIMELINE) == second.to_pointer()


@pytest.mark.parametrize("change", [{"model": "other"}, {"timeline": "other"}, {"version": 2}])
def test_one_idempotency_key_cannot_stand_for_two_moves(ledger: Ledger, change: dict[str, Any]) -> None:
    ledger.append(promotion(1))
    with pytest.raises(ConflictError, match="one move"):
        ledger.append(promotion(1, **change))


def test_refusals_are_chained_and_move_nothing(ledger: Ledger) -> None:
    before = ledger.append(refusal(1))
    moved = ledger.append(promotion(1))
    after = ledger.append(refusal(2, expected_generation=0))
    assert ledger.append(refusal(2)) == after
    assert [e.generation for e in ledger.entries()] == [None, 1, None]
    assert [e.previous_hash for e in ledger.entries()] == [GENESIS, before.hash, moved.hash]
    assert (before.previous_version, after.previous_version) == (None, 1)
    assert ledger.pointer(MODEL, TIMELINE) == moved.to_pointer()
    assert ledger.verify() == 3

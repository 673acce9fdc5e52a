from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from tests.builders import AS_OF, MODEL

from retrain.core.ledger.entries import Action, LedgerEntry, Move
from retrain.core.ledger.rules import entry_for
from retrain.core.ledger.standing import Standing
from retrain.errors import ConflictError


def make_move(action: Action, version: int, **changes: Any) -> Move:
    move = Move(
        action=action,
        model=MODEL,
        timeline="production",
        version=version,
        manifest_digest=f"{version:064d}",
        as_of=AS_OF + timedelta(days=version),
        key=f"key-{version}",
        expected_generation=0,
        idempotency_key="",
        actor="someone",
        reason="because",
    )
    return replace(move, **changes)


def after(*moves: Move) -> list[LedgerEntry]:
    """Grant the moves one after the other, each at the generation that then stands."""
    entries: list[LedgerEntry] = []
    for item in moves:
        entries.append(grant(item, entries))
    return entries


def grant(item: Move, entries: Sequence[LedgerEntry]) -> LedgerEntry:
    standing = Standing.of(entries)
    generation = standing.champion.generation or 0 if standing.champion else 0
    item = replace(item, expected_generation=generation, idempotency_key=f"{len(entries)}")
    if item.action is Action.PROMOTE:
        item = replace(item, decision_id=f"decision-{item.version}", decision_digest=f"{item.version:064x}")
        decided = replace(item, action=Action.DECIDE, reason="PROMOTE")
        made = entry_for(decided, at=AS_OF, head=None, standing=Standing())
        standing = replace(standing, decisions={item.decision_id: made})
    return entry_for(item, at=AS_OF, head=entries[-1] if entries else None, standing=standing)


PROMOTED = [make_move(Action.PROMOTE, version) for version in (1, 2, 3)]
BACK_TO_2 = make_move(Action.ROLLBACK, 2)


def test_nothing_adds_up_to_no_champion() -> None:
    standing = Standing.of([])
    assert (
        standing.champion,
        standing.fallbacks(),
        standing.was_live(1, "", "key-1"),
        standing.find_block("key-1"),
    ) == (
        None,
        [],
        None,
        None,
    )


def test_a_rollback_moves_forward_and_quarantines_the_key_it_leaves() -> None:
    entries = after(*PROMOTED, BACK_TO_2)
    standing = Standing.of(entries)
    assert standing.champion == entries[-1]
    assert (entries[-1].generation, entries[-1].previous_version) == (4, 3)
    assert dict(standing.quarantined) == {"key-3": entries[-1]}
    assert [move.version for move in standing.fallbacks()] == [1]
    with pytest.raises(ConflictError, match=r"in quarantine: someone rolled back.*\(because\).*nonce"):
        grant(make_move(Action.PROMOTE, 3), entries)


def test_after_a_rollback_a_fresh_key_may_be_promoted() -> None:
    assert after(*PROMOTED, BACK_TO_2, make_move(Action.PROMOTE, 4))[-1].generation == 5


def test_a_rollback_to_what_was_never_live_is_a_conflict_that_names_what_was() -> None:
    with pytest.raises(ConflictError, match=r"must be to a version that was live there.*got version 9.*one of: 2, 1"):
        grant(make_move(Action.ROLLBACK, 9), after(*PROMOTED))


@pytest.mark.parametrize("change", [{"manifest_digest": "f" * 64}, {"key": "another"}])
def test_a_rollback_to_a_version_that_is_not_as_it_was_is_a_conflict(change: dict[str, str]) -> None:
    with pytest.raises(ConflictError, match="as it was"):
        grant(make_move(Action.ROLLBACK, 2, **change), after(*PROMOTED))


def test_the_first_rollback_of_all_names_no_choice() -> None:
    with pytest.raises(ConflictError, match="one of: none"):
        grant(make_move(Action.ROLLBACK, 1), [])


def test_a_freeze_bars_promotions_and_nothing_else_until_it_is_lifted() -> None:
    frozen = after(*PROMOTED, make_move(Action.FREEZE, 3))
    assert frozen[-1].generation is None
    assert str(Standing.of(frozen).find_block("key-4")).startswith(
        "someone froze promotions on 2024-07-01 00:00 (because); run"
    )
    with pytest.raises(ConflictError, match=r"someone froze promotions.*retrain unfreeze"):
        grant(make_move(Action.PROMOTE, 4), frozen)
    assert grant(BACK_TO_2, frozen).generation == 4
    lifted = [*frozen, grant(make_move(Action.UNFREEZE, 3), frozen)]
    assert grant(make_move(Action.PROMOTE, 4), lifted).generation == 4


def test_forcing_a_version_lifts_its_quarantine_and_needs_a_time_to_live() -> None:
    entries = after(*PROMOTED, BACK_TO_2)
    for lifetime in (None, timedelta(0), timedelta(-1)):
        with pytest.raises(ConflictError, match="must have a time to live"):
            grant(make_move(Action.FORCE, 3, lifetime=lifetime), entries)
    forced = grant(make_move(Action.FORCE, 3, lifetime=timedelta(days=7)), entries)
    assert forced.expires_at == forced.at + timedelta(days=7)
    assert Standing.of([*entries, forced]).find_block("key-3") is None


def test_a_revert_quarantines_nothing() -> None:
    entries = after(*PROMOTED, make_move(Action.FORCE, 1, lifetime=timedelta(days=1)), make_move(Action.REVERT, 3))
    assert dict(Standing.of(entries).quarantined) == {}


def test_a_champion_whose_artifact_was_lost_may_be_promoted_again() -> None:
    entries = after(*PROMOTED, make_move(Action.REVERT, 2))
    standing = Standing.of(entries)
    assert dict(standing.quarantined) == {}
    assert [move.version for move in standing.fallbacks()] == [1, 3]  # the lost one after those that are not
    assert (standing.find_promotion("key-3"), standing.count_losses("key-3")) == (None, 1)
    assert standing.find_promotion("key-2") == entries[1]
    again = grant(make_move(Action.PROMOTE, 4, key="key-3"), entries)
    standing = Standing.of([*entries, again])
    assert (standing.find_promotion("key-3"), standing.count_losses("key-3")) == (again, 1)


def test_a_lost_champion_that_is_champion_again_is_not_lost() -> None:
    entries = after(*PROMOTED, make_move(Action.REVERT, 2), make_move(Action.ROLLBACK, 3))
    assert Standing.of(entries).find_promotion("key-3") == entries[2]


def test_the_end_of_a_forced_version_is_no_loss() -> None:
    entries = after(*PROMOTED, make_move(Action.FORCE, 1, lifetime=timedelta(days=1)), make_move(Action.REVERT, 3))
    assert Standing.of(entries).count_losses("key-1") == 0
    assert Standing.of(entries).find_promotion("key-1") == entries[0]


def test_a_number_that_a_registry_gave_twice_stands_for_two_versions() -> None:
    entries = after(
        make_move(Action.PROMOTE, 1), make_move(Action.PROMOTE, 1, key="another", as_of=AS_OF + timedelta(9))
    )
    standing = Standing.of(entries)
    assert [move.key for move in standing.fallbacks()] == ["key-1"]
    assert [standing.was_live(1, f"{1:064d}", key) for key in ("key-1", "another", "third")] == [*entries, None]


def test_decisions_and_approvals_are_kept_until_a_refusal() -> None:
    ids = {"decision_id": "decision", "decision_digest": "d" * 64}
    steps = [Action.DECIDE, Action.APPROVE, Action.REFUSE]
    entries = after(*(make_move(action, 1, approver="grace", reason="PROMOTE", **ids) for action in steps))
    assert dict(Standing.of(entries[:1]).decisions) == {"decision": entries[0]}
    assert [dict(Standing.of(entries[:count]).approvals) for count in (1, 2, 3)] == [{}, {"d" * 64: "grace"}, {}]
    assert Standing.of([*entries, entries[1]]).approvals == {"d" * 64: "grace"}
    other = replace(entries[2], decision_digest="e" * 64)
    assert Standing.of([*entries[:2], other]).approvals == {"d" * 64: "grace"}
    assert Standing.of(entries).champion is None


def test_an_entry_comes_back_from_its_json() -> None:
    for entry in after(*PROMOTED, make_move(Action.FORCE, 1, lifetime=timedelta(days=1)), make_move(Action.FREEZE, 1)):
        assert LedgerEntry.from_json(entry.to_json()) == entry


@pytest.mark.parametrize(
    "leaving", [make_move(Action.REVERT, 2), make_move(Action.PROMOTE, 4), make_move(Action.ROLLBACK, 1)]
)
def test_the_quarantine_that_a_force_lifted_is_back_when_the_forced_version_goes(leaving: Move) -> None:
    entries = after(*PROMOTED, BACK_TO_2, make_move(Action.FORCE, 3, lifetime=timedelta(days=1)), leaving)
    assert "in quarantine" in str(Standing.of(entries).find_block("key-3"))
    assert 3 not in [move.version for move in Standing.of(entries).fallbacks()]

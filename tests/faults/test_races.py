"""Many want the pointer at once, people move the alias behind its back, and clocks disagree."""

from __future__ import annotations

import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from threading import Barrier
from typing import Any

import pytest
from tests.faults.stage import REFUSALS, Stage, check_invariants

from retrain.core.ledger.entries import Action, LedgerEntry
from retrain.errors import ConflictError
from retrain.steps import Trouble, refuse_promotion

pytestmark = pytest.mark.live


def at_once(*works: Callable[[], LedgerEntry]) -> list[LedgerEntry | Exception]:
    """Do works in threads that start together; return what each gave or how it was refused."""
    start = Barrier(len(works))

    def run(work: Callable[[], LedgerEntry]) -> LedgerEntry | Exception:
        start.wait()
        try:
            return work()
        except REFUSALS as error:
            return error

    with ThreadPoolExecutor(len(works)) as pool:
        return list(pool.map(run, works))


def check(stage: Stage) -> None:
    check_invariants(stage.spec, stage)


def test_of_twelve_promotions_of_one_generation_one_wins_and_eleven_name_it(stage: Stage) -> None:
    made = stage.publish(1)
    decisions = [stage.decide(1, made), *(stage.decide(number) for number in range(2, 13))]
    results = at_once(*(lambda decision=decision: stage.promote(decision) for decision in decisions))
    [won] = [result for result in results if isinstance(result, LedgerEntry)]
    refusals = [str(result) for result in results if isinstance(result, ConflictError)]
    assert len(refusals) == 11
    assert all(f"version {won.version} (generation 1" in text for text in refusals)
    assert (stage.champion, stage.alias) == (won.version, won.version)
    assert len(stage.entries(Action.PROMOTE)) == 1
    assert len(stage.entries(Action.REFUSE)) == 11
    check(stage)


def test_twelve_promotions_of_one_decision_are_one_row(stage: Stage) -> None:
    decision = stage.decide(1)
    results = at_once(*[lambda: stage.promote(decision)] * 12)
    assert results == stage.entries() * 12
    check(stage)


def test_a_promotion_that_races_a_rollback_is_before_it_or_refused(stage: Stage) -> None:
    stage.crown(1, 2)
    for number in (3, 4, 5):
        decision, plan = stage.decide(number), stage.plan(to=1 if stage.champion != 1 else None)
        if plan.done:
            break
        results = at_once(lambda: stage.promote(decision), lambda: stage.roll_back(plan=plan))  # noqa: B023
        [moved] = [result for result in results if isinstance(result, LedgerEntry)]
        [refused] = [result for result in results if isinstance(result, ConflictError)]
        assert f"version {moved.version} (generation {moved.generation}" in str(refused)
        assert moved.generation == decision.champion_generation + 1
        assert stage.champion == moved.version
    check(stage)


def test_an_alias_that_was_moved_by_hand_is_an_alarm_and_put_back(stage: Stage) -> None:
    stage.crown(1, 2, 3)
    stage.registry.set_alias(stage.model, "champion", 1)
    [finding] = stage.reconcile()
    assert (finding.trouble, finding.alarming, stage.alias) == (Trouble.ALIAS_MOVED, True, 3)
    check(stage)


def test_an_alias_that_was_deleted_is_put_back(stage: Stage) -> None:
    stage.crown(1)
    stage.registry.client.delete_registered_model_alias(stage.model, "champion")
    assert [finding.done for finding in stage.reconcile()] == ["champion names version 1 again"]
    assert stage.alias == 1
    check(stage)


def test_an_alias_that_was_moved_by_hand_is_adopted_if_the_policy_says_so(make_stage: Callable[..., Stage]) -> None:
    stage = make_stage(out_of_band="adopt")
    stage.crown(1, 2, 3)
    stage.registry.set_alias(stage.model, "champion", 1)
    [finding] = stage.reconcile()
    assert finding.done == "adopted version 1"
    assert (stage.entries()[-1].action, stage.champion, stage.alias) == (Action.ADOPT, 1, 1)
    check(stage)


def test_a_champion_that_was_deleted_gives_way_to_the_last_good_one(stage: Stage) -> None:
    stage.crown(1, 2, 3)
    for version in ("2", "3"):
        stage.registry.client.delete_model_version(stage.model, version)
    [finding] = stage.reconcile()
    assert (finding.trouble, finding.done) == (Trouble.CHAMPION_GONE, "reverted to version 1")
    assert (stage.champion, stage.alias) == (1, 1)
    check(stage)


def test_a_champion_that_was_deleted_with_nothing_before_it_stays_an_alarm(stage: Stage) -> None:
    stage.crown(1)
    stage.registry.client.delete_model_version(stage.model, "1")
    for _ in range(2):
        assert Trouble.CHAMPION_GONE in [finding.trouble for finding in stage.reconcile()]
    assert stage.crown(2).generation == 2
    check(stage)


def test_the_alias_follows_no_number_in_a_registry_that_was_emptied(stage: Stage) -> None:
    stage.crown(1)
    stage.registry.client.delete_registered_model(stage.model)
    other = stage.decide(2).challenger
    assert other is not None
    assert other.version == 1
    for _ in range(2):
        (finding,) = stage.reconcile()
        assert finding.trouble is Trouble.CHAMPION_ALTERED
        assert f"retrain promote {stage.model} VERSION --force" in finding.done
        assert stage.alias is None
    stage.force(1)
    assert (stage.champion, stage.alias, stage.reconcile()) == (1, 1, [])
    assert stage.entries()[-1].key == other.key
    stage.crown(3)
    assert (stage.champion, stage.alias, stage.reconcile()) == (2, 2, [])


CODEC = "retrain.core.codec"


@pytest.mark.parametrize("hours", [-1, 1])
def test_a_clock_that_is_an_hour_off_does_not_change_order_or_time(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, hours: int
) -> None:
    class Wrong(datetime):
        @classmethod
        def now(cls, tz: Any = None) -> Any:  # not a Wrong, of which nothing would be stored
            return datetime.now(tz) + timedelta(hours=hours)

    first = stage.crown(1)
    for name, module in list(sys.modules.items()):
        # The codec asks for a value's type, not for the time.
        if name.startswith("retrain.") and name != CODEC and getattr(module, "datetime", None) is datetime:
            monkeypatch.setattr(module, "datetime", Wrong)
    second = stage.crown(2)
    monkeypatch.undo()
    third = stage.roll_back()
    assert [first, second, third] == stage.entries()
    assert first.at <= second.at <= third.at <= datetime.now(UTC) + timedelta(minutes=1)
    check(stage)


# Approval


@pytest.fixture
def guarded(make_stage: Callable[..., Stage]) -> Stage:
    return make_stage(approval="required", approvers=["ada", "someone"])


@pytest.mark.parametrize("approver", ["someone", "mallory", ""])
def test_nobody_approves_who_asked_for_it_or_may_not(guarded: Stage, approver: str) -> None:
    decision = guarded.decide(1)
    with pytest.raises(ConflictError, match="must be approved by one of ada, someone"):
        guarded.approve(decision, approver)
    with pytest.raises(ConflictError, match="must be approved by one of ada, someone"):
        guarded.promote(decision)
    assert (guarded.champion, guarded.alias) == (None, None)
    assert [entry.action for entry in guarded.entries()] == [Action.REFUSE]
    check(guarded)


def test_an_approval_of_a_stale_candidate_is_refused(guarded: Stage) -> None:
    stale, other = guarded.decide(1), guarded.decide(2)
    guarded.approve(other, "ada")
    with pytest.raises(ConflictError, match="got no approval of this decision"):
        guarded.promote(stale)
    guarded.promote(other)
    guarded.approve(stale, "ada")
    with pytest.raises(ConflictError, match="version 2 \\(generation 1"):
        guarded.promote(stale)
    assert guarded.champion == 2
    check(guarded)


def test_an_approval_that_never_came_is_a_row_and_moves_nothing(guarded: Stage) -> None:
    decision = guarded.decide(1)
    for _ in range(2):
        refuse_promotion(guarded.of(1), decision, "nobody answered")
    assert [(entry.action, entry.reason) for entry in guarded.entries()] == [(Action.REFUSE, "nobody answered")]
    assert guarded.champion is None

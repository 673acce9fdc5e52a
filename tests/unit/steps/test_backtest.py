from __future__ import annotations

import shutil
from collections.abc import Callable
from datetime import timedelta

import pytest
from tests.builders import AS_OF, World, make_footprint, make_request

from retrain.core.decision import Choice, Decision
from retrain.core.gates import Budget, Leakage, PointEstimate, Threshold
from retrain.errors import NotFoundError
from retrain.steps import backtest_policies

NEVER = Threshold(check="threshold", metric="roc_auc", min=0.9999)
POINT = PointEstimate(check="point_estimate", metric="roc_auc")


@pytest.fixture(scope="module")
def history(tmp_path_factory: pytest.TempPathFactory) -> tuple[World, list[Decision]]:
    world = World.make(tmp_path_factory.mktemp("history"))
    for week in range(4):
        request = make_request(as_of=AS_OF + timedelta(days=4 * week), origin=f"dag:churn/{week}")
        decision = world.decide(request)
        if decision.choice is Choice.PROMOTE:
            world.promote(request, decision)
    return world, world.ledger.decisions("churn", "production")


def backtest(world: World, decisions: list[Decision], *policies: object) -> list:
    return backtest_policies(
        world.spec,
        decisions,
        policies,  # type: ignore[arg-type]
        snapshots=world.snapshots,
        trainer=world.trainer,
        registry=world.registry,
        evidence=world.evidence,
    )


def test_the_policy_that_ruled_decides_as_it_did(history: tuple[World, list[Decision]]) -> None:
    world, decisions = history
    (found,) = backtest(world, decisions, ("as it was", world.spec.gate, 1))
    assert [step.choice for step in found.steps] == [decision.choice for decision in decisions]
    assert [step.version for step in found.steps] == [1, 2, 3, 4]


def test_policies_meet_the_champions_that_they_made_themselves(history: tuple[World, list[Decision]]) -> None:
    world, decisions = history
    point, never = backtest(world, decisions, ("point", (POINT,), 1), ("never", (NEVER,), 1))
    assert point.steps[0].champion == 1
    assert "than the baseline's" not in point.steps[1].reason
    assert {step.champion for step in never.steps} == {None}


def test_what_a_policy_reads_beside_scores_is_that_of_the_retrain(history: tuple[World, list[Decision]]) -> None:
    world, decisions = history
    leakage = Leakage(check="leakage", ignore=["other"])
    budget = Budget(check="budget", size="1GB")  # type: ignore[arg-type]
    profiled, timed = backtest(world, decisions, ("leakage", (leakage,), 1), ("budget", (budget,), 1))
    assert all(step.reason.startswith("signal alone tells the label best") for step in profiled.steps)
    assert len({step.reason for step in profiled.steps}) == len(decisions)
    # No gate of the history asked for a footprint.
    assert {(step.choice, step.reason) for step in timed.steps} == {(Choice.HOLD, "budget: no footprint was measured")}


def test_a_footprint_is_the_one_that_the_retrain_measured(make_world: Callable[..., World]) -> None:
    budget = {"check": "budget", "size": "1GB"}
    world = make_world(gate=[budget])
    measured = make_footprint()
    world.meter = lambda *_: measured
    for week in range(3):
        world.decide(make_request(as_of=AS_OF + timedelta(days=4 * week), origin=f"dag:churn/{week}"))
    decisions = world.ledger.decisions("churn", "production")
    (found,) = backtest(world, decisions, ("as it was", world.spec.gate, 1))
    assert {step.reason for step in found.steps} == {"size is 2.0MB, within 1.0GB"}
    shutil.rmtree(world.root / "store" / "scorecards")
    (found,) = backtest(world, decisions, ("as it was", world.spec.gate, 1))
    assert {step.reason for step in found.steps} == {"budget: the scorecard of this retrain is gone"}


def test_the_order_in_which_decisions_were_stored_does_not_matter(history: tuple[World, list[Decision]]) -> None:
    world, decisions = history
    (first,) = backtest(world, decisions, ("point", (POINT,), 1))
    (again,) = backtest(world, decisions[::-1], ("point", (POINT,), 1))
    assert again.to_json() == first.to_json()


def test_nothing_is_written(history: tuple[World, list[Decision]]) -> None:
    world, decisions = history
    before = world.ledger.entries(), sorted(world.root.rglob("*"))
    backtest(world, decisions, ("point", (POINT,), 1))
    assert (world.ledger.entries(), sorted(world.root.rglob("*"))) == before


def test_too_little_history_says_so(history: tuple[World, list[Decision]]) -> None:
    world, decisions = history
    with pytest.raises(NotFoundError, match=r"at least 3 retrains.*got 2"):
        backtest(world, decisions[:2], ("point", (POINT,), 1))


def test_a_version_that_is_gone_is_not_skipped(
    history: tuple[World, list[Decision]], tmp_path: object, make_world: Callable[..., World]
) -> None:
    world, decisions = history
    gone = world.artifact(2)
    aside = gone.with_name("aside")
    shutil.move(gone, aside)
    try:
        with pytest.raises(NotFoundError, match="version 2 of churn must exist"):
            backtest(world, decisions, ("point", (POINT,), 1))
    finally:
        shutil.move(aside, gone)

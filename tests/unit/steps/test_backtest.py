from __future__ import annotations

import math
import shutil
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pandas as pd
import pytest
from sklearn.metrics import roc_auc_score
from tests.builders import AS_OF, World, make_origin, make_request

from retrain.core.policy.decision import Choice, Decision
from retrain.core.policy.error_control import ErrorControlSpec
from retrain.core.policy.gates import (
    Baseline,
    BeatsChampion,
    Budget,
    Custom,
    Fairness,
    Leakage,
    PointEstimate,
    Threshold,
)
from retrain.errors import NotFoundError
from retrain.steps import Policy, backtest_policies
from retrain.steps.scoring import load_holdout
from retrain.testing import make_resource_usage

NEVER = Threshold(check="threshold", metric="roc_auc", min=0.9999)
POINT = PointEstimate(check="point_estimate", metric="roc_auc")


@pytest.fixture(scope="module")
def history(tmp_path_factory: pytest.TempPathFactory) -> tuple[World, list[Decision]]:
    world = World.make(tmp_path_factory.mktemp("history"))
    for week in range(4):
        request = make_request(as_of=AS_OF + timedelta(days=4 * week), origin=make_origin(str(week)))
        decision = world.decide(request)
        if decision.choice is Choice.PROMOTE:
            world.promote(request, decision)
    return world, world.ledger.decisions("churn", "production")


def backtest(world: World, decisions: list[Decision], *policies: Policy) -> list[Any]:
    return backtest_policies(world.spec, decisions, policies, world)


def test_the_policy_that_ruled_decides_as_it_did(history: tuple[World, list[Decision]]) -> None:
    world, decisions = history
    (found,) = backtest(world, decisions, Policy("as it was", world.spec.gate))
    assert [step.choice for step in found.steps] == [decision.choice for decision in decisions]
    assert [step.version for step in found.steps] == [1, 2, 3, 4]


def test_a_champion_is_measured_on_the_next_rows_that_no_decision_had_seen(
    history: tuple[World, list[Decision]],
) -> None:
    """Retrains are four days apart and holdouts 28 days long, so 24 of 28 days have chosen a champion before."""
    world, decisions = history
    (found,) = backtest(world, decisions, Policy("point", (POINT,)))
    for step, before, after in zip(found.steps[:-1], decisions[:-1], decisions[1:], strict=True):
        snapshots = [world.snapshots.load(each.snapshot) for each in (before, after)]
        rows = load_holdout(world.spec, snapshots[1], world.snapshots)
        fresh = rows[rows["at"] >= pd.Timestamp(snapshots[0].window.end).tz_localize(None)]
        assert len(fresh) == 4 * 6
        model = world.trainer.load(world.artifact(step.champion))
        expected = roc_auc_score(fresh["label"], world.trainer.score(model, fresh)[:, 1])
        assert step.next_value == pytest.approx(expected)


def test_a_next_window_without_new_rows_measures_nothing(make_world: Callable[..., World]) -> None:
    world = make_world()
    for minute in range(3):
        world.decide(make_request(as_of=AS_OF + timedelta(minutes=minute), origin=make_origin(str(minute))))
    (found,) = backtest(world, world.ledger.decisions("churn", "production"), Policy("point", (POINT,)))
    assert found.steps[0].choice is Choice.PROMOTE
    assert all(math.isnan(step.next_value) for step in found.steps)


def test_policies_meet_the_champions_that_they_made_themselves(history: tuple[World, list[Decision]]) -> None:
    world, decisions = history
    point, never = backtest(world, decisions, Policy("point", (POINT,)), Policy("never", (NEVER,)))
    assert point.steps[0].champion == 1
    assert "than the baseline's" not in point.steps[1].reason
    assert {step.champion for step in never.steps} == {None}


def test_a_policy_may_read_a_column_that_the_pipeline_does_not(history: tuple[World, list[Decision]]) -> None:
    world, decisions = history
    fair, lost = (Fairness(check="fairness", by=by, floor={"accuracy": 0.1}, min_group=20) for by in ("place", "shop"))
    found, unknown = backtest(world, decisions, Policy("fair", (fair,)), Policy("lost", (lost,)))
    assert {step.choice for step in found.steps} == {Choice.PROMOTE}
    assert {step.choice for step in unknown.steps} == {Choice.HOLD}
    assert "defines groups must be in the data; got shop" in unknown.steps[0].reason


def test_a_policy_may_ask_a_gate_of_the_project_and_the_dummy(history: tuple[World, list[Decision]]) -> None:
    world, decisions = history
    custom_gate = Custom(
        check="custom", gate="tests.gates:GoodInPlace", params={"place": "north", "min_rows": 9}, reads=["place"]
    )
    dummy = Baseline(check="baseline", metric="roc_auc", resamples=200)
    (found,) = backtest(world, decisions, Policy("custom", (custom_gate, dummy)))
    assert "roc_auc of place=north" in found.steps[0].reason
    assert "over the dummy" in found.steps[1].reason


def test_what_a_policy_reads_beside_scores_is_that_of_the_retrain(history: tuple[World, list[Decision]]) -> None:
    world, decisions = history
    leakage = Leakage(check="leakage", ignore=["other"])
    budget = Budget(check="budget", size="1GB")
    profiled, timed = backtest(world, decisions, Policy("leakage", (leakage,)), Policy("budget", (budget,)))
    assert all(step.reason.startswith("no sign of a leak: the highest univariate AUC is") for step in profiled.steps)
    assert len({step.reason for step in profiled.steps}) == len(decisions)
    # No gate of the history asked for the resource usage.
    assert {(step.choice, step.reason) for step in timed.steps} == {
        (Choice.HOLD, "budget: this scorecard has no resource usage; run the retrain again")
    }


def test_the_resource_usage_is_the_one_that_the_retrain_measured(make_world: Callable[..., World]) -> None:
    budget = {"check": "budget", "size": "1GB"}
    world = make_world(gate=[budget])
    measured = make_resource_usage()
    world.meter = lambda *_: measured
    for week in range(3):
        world.decide(make_request(as_of=AS_OF + timedelta(days=4 * week), origin=make_origin(str(week))))
    decisions = world.ledger.decisions("churn", "production")
    (found,) = backtest(world, decisions, Policy("as it was", world.spec.gate))
    assert {step.reason for step in found.steps} == {"size is 2.0MB, within the limit of 1.0GB"}
    shutil.rmtree(world.root / "store" / "scorecards")
    (found,) = backtest(world, decisions, Policy("as it was", world.spec.gate))
    assert {step.reason for step in found.steps} == {"budget: the scorecard of this retrain is gone"}


def test_the_order_in_which_decisions_were_stored_does_not_matter(history: tuple[World, list[Decision]]) -> None:
    world, decisions = history
    (first,) = backtest(world, decisions, Policy("point", (POINT,)))
    (again,) = backtest(world, decisions[::-1], Policy("point", (POINT,)))
    assert again.to_json() == first.to_json()


def test_a_policy_spends_its_error_as_it_would_have(history: tuple[World, list[Decision]]) -> None:
    world, decisions = history
    gates = (BeatsChampion(check="beats_champion", metric="roc_auc", margin=-0.5),)
    free, spending, thrifty = backtest(
        world,
        decisions,
        Policy("free", gates),
        Policy("spending", gates, ErrorControlSpec(method="alpha_spending", tests=2)),
        Policy("thrifty", gates, ErrorControlSpec(method="alpha_spending", tests=2), every=2),
    )
    promoted = [step.choice for step in free.steps]
    assert promoted == [Choice.PROMOTE] * 4
    # The first meets the baseline and spends nothing; two share the budget, and nothing is left for the last.
    assert [step.choice for step in spending.steps] == [*promoted[:3], Choice.HOLD]
    assert "the error budget of 0.05 is spent; retrains can promote again from" in spending.steps[3].reason
    assert [step.choice for step in thrifty.steps] == [Choice.PROMOTE, Choice.HOLD, Choice.PROMOTE, Choice.HOLD]


def test_a_backtest_asked_again_begins_with_a_full_budget(history: tuple[World, list[Decision]]) -> None:
    world, decisions = history
    gates = (BeatsChampion(check="beats_champion", metric="roc_auc", margin=-0.5),)
    policy = Policy("lord", gates, ErrorControlSpec(method="lord", budget=0.4))
    first, again = (backtest(world, decisions, policy)[0] for _ in range(2))
    assert first.to_json() == again.to_json()
    assert first.promotions > 1


def test_nothing_is_written(history: tuple[World, list[Decision]]) -> None:
    world, decisions = history
    before = world.ledger.entries(), sorted(world.root.rglob("*"))
    backtest(world, decisions, Policy("point", (POINT,)))
    assert (world.ledger.entries(), sorted(world.root.rglob("*"))) == before


def test_too_little_history_says_so(history: tuple[World, list[Decision]]) -> None:
    world, decisions = history
    with pytest.raises(NotFoundError, match=r"at least 3 retrains.*got 2"):
        backtest(world, decisions[:2], Policy("point", (POINT,)))


def test_a_version_that_is_gone_is_not_skipped(
    history: tuple[World, list[Decision]], tmp_path: object, make_world: Callable[..., World]
) -> None:
    world, decisions = history
    gone = world.artifact(2)
    aside = gone.with_name("aside")
    shutil.move(gone, aside)
    try:
        with pytest.raises(NotFoundError, match="version 2 of churn must exist"):
            backtest(world, decisions, Policy("point", (POINT,)))
    finally:
        shutil.move(aside, gone)

"""What a retrain measures of the versions before it, and on which rows."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import numpy as np
import pytest
from tests.builders import AS_OF, World, make_origin, make_request, make_rows
from tests.require import require

from retrain.core.evaluation.scorecard import Scorecard
from retrain.core.policy.decision import Choice, Decision
from retrain.core.policy.gates import Fresh, Outcome, PointEstimate, Strict
from retrain.core.ratings import Measurement
from retrain.core.stats.metrics import METRICS
from retrain.steps import Policy, backtest_policies, measure
from retrain.steps.measure import choose_fresh_rows
from retrain.steps.refit import fetch_version

GATE = [{"check": "fresh", "metric": "roc_auc"}]


def request_at(days: int, **changes: Any) -> Any:
    return make_request(as_of=AS_OF + timedelta(days=days), origin=make_origin(str(days)), **changes)


def retrain_at(world: World, days: int) -> Decision:
    decision = world.decide(request_at(days))
    if decision.choice is Choice.PROMOTE:
        world.promote(request_at(days), decision)
    return decision


def card_of(world: World, decision: Decision) -> Scorecard:
    card: Scorecard = world.evidence.evidence(decision.scorecard).scorecard
    return card


def measurement_of(world: World, decision: Decision) -> Measurement:
    (found,) = card_of(world, decision).measurements
    return found


@pytest.fixture(scope="module")
def history(tmp_path_factory: pytest.TempPathFactory) -> tuple[World, list[Decision]]:
    """Four weekly retrains with a holdout of two weeks, so that holdouts overlap."""
    world = World.make(tmp_path_factory.mktemp("history"), rows=make_rows(260), gate=GATE, data__window__holdout="14d")
    return world, [retrain_at(world, 7 * week) for week in range(4)]


def test_every_version_so_far_is_measured_and_only_on_rows_that_no_retrain_measured(
    history: tuple[World, list[Decision]],
) -> None:
    """The first window compares no versions, so the second has all of its holdout."""
    world, decisions = history
    measured = [measurement_of(world, decision) for decision in decisions]
    assert [[score.version for score in each.scores] for each in measured] == [[1], [1, 2], [1, 2, 3], [1, 2, 3, 4]]
    assert [each.challenger for each in measured] == [1, 2, 3, 4]
    assert [each.end - each.start for each in measured] == [timedelta(days=days) for days in (14, 14, 7, 7)]
    assert [later.start for later in measured[2:]] == [earlier.end for earlier in measured[1:-1]]
    assert [each.clusters for each in measured] == [14, 14, 7, 7]
    assert all(each.ordered for each in measured)


def test_the_measured_value_is_the_metric_on_those_rows(history: tuple[World, list[Decision]]) -> None:
    world, decisions = history
    evidence = world.evidence.evidence(decisions[3].scorecard)
    measured = measurement_of(world, decisions[3])
    fresh = evidence.scores.event_time >= np.datetime64(measured.start.replace(tzinfo=None))
    assert fresh.sum() == measured.rows < len(fresh)
    value = METRICS["roc_auc"].value(evidence.scores.y[fresh], evidence.scores.challenger[fresh])
    assert measured.scores[3].value == pytest.approx(value)


def test_the_ledger_gives_back_what_decided_retrains_measured(history: tuple[World, list[Decision]]) -> None:
    world, decisions = history
    measured = [measurement_of(world, decision) for decision in decisions]
    found = world.ledger.measurements("churn", "production", decisions[3].as_of)
    assert found == measured[:3]
    assert world.ledger.measurements("churn", "simulation", decisions[3].as_of) == []


def test_a_scorecard_with_measurements_survives_its_json_and_one_without_has_no_field_for_them(
    history: tuple[World, list[Decision]],
) -> None:
    world, decisions = history
    card = card_of(world, decisions[2])
    again = Scorecard.from_json(json.loads(json.dumps(card.to_json(), allow_nan=False)))
    assert again.digest == card.digest
    assert again.measurements == card.measurements
    assert card.find_measurement("roc_auc", None) is None


def test_without_a_gate_that_rates_nothing_is_measured(make_world: Callable[..., World]) -> None:
    world = make_world()
    card = card_of(world, retrain_at(world, 0))
    assert card.measurements == ()
    assert "measurements" not in card.to_json()


def test_a_version_that_is_lost_leaves_the_rating_with_the_reason_and_stops_nothing(
    history: tuple[World, list[Decision]], tmp_path: Any
) -> None:
    world = history[0].copy(tmp_path / "copy")
    lost = require(history[1][1].challenger)
    shutil.rmtree(next(path.parent for path in world.root.glob(f"registry/**/{lost.version}/*")))
    decision = retrain_at(world, 28)
    measured = measurement_of(world, decision)
    assert [score.version for score in measured.scores] == [1, 3, 4, 5]
    assert [version for version, _ in measured.unscored] == [2]
    assert decision.verdicts[0].method == "rating"


def test_a_metric_that_is_not_defined_on_the_fresh_rows_leaves_every_version_unscored(
    make_world: Callable[..., World],
) -> None:
    rows = make_rows(220)
    last_days = rows["at"] >= np.datetime64((AS_OF + timedelta(days=6)).replace(tzinfo=None))
    rows["label"][last_days] = 0
    world = make_world(rows=rows, gate=GATE, data__window__holdout="14d")
    for days in (0, 7):
        retrain_at(world, days)
    decision = retrain_at(world, 14)
    measured = measurement_of(world, decision)
    undefined = [version for version, why in measured.unscored if "roc_auc is not defined" in why]
    assert undefined == [1, 2, 3]
    assert decision.verdicts[0].outcome is Outcome.INCONCLUSIVE
    assert "roc_auc is not defined on the fresh rows" in decision.reason


def test_a_version_of_another_task_leaves_the_rating_and_stops_nothing(
    history: tuple[World, list[Decision]], tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = history[0].copy(tmp_path / "copy")
    fetch = fetch_version

    class Regression:
        classes = None

    def load(folder: Any) -> Any:
        return Regression()

    def fetch_second_as_regression(registry: Any, model: str, version: int, digest: str, folder: Any) -> Any:
        files = fetch(registry, model, version, digest, folder)
        monkeypatch.setattr(world.trainer.__class__, "load", regression_once if version == 2 else original)
        return files

    original = world.trainer.__class__.load

    def regression_once(self: Any, folder: Any) -> Any:
        monkeypatch.setattr(world.trainer.__class__, "load", original)
        return load(folder)

    monkeypatch.setattr(measure, "fetch_version", fetch_second_as_regression)
    measured = measurement_of(world, retrain_at(world, 28))
    assert dict(measured.unscored)[2].startswith("a rated version must have the challenger's task")
    assert [score.version for score in measured.scores] == [1, 3, 4, 5]


def test_a_version_that_trained_on_the_fresh_rows_is_not_measured_on_them(
    history: tuple[World, list[Decision]], tmp_path: Any
) -> None:
    """After a longer holdout the gate is added: versions made meanwhile trained on rows of it."""
    world = World.make(tmp_path / "late", rows=make_rows(260), data__window__holdout="10d")
    for week in range(2):
        retrain_at(world, 7 * week)
    world.respec(gate=GATE, data__window__holdout="28d")
    measured = measurement_of(world, retrain_at(world, 14))
    champion = require(world.ledger.pointer("churn", "production")).version
    assert [score.version for score in measured.scores] == [
        champion,
        measured.challenger,
    ]  # its training rows are left out
    (other,) = {1, 2} - {champion}
    assert dict(measured.unscored)[other].startswith("a rated version must not have trained on the rows")


def test_days_add_up_until_there_are_enough_to_rate(tmp_path: Any) -> None:
    gate = [{"check": "fresh", "metric": "log_loss"}]
    world = World.make(tmp_path / "daily", rows=make_rows(260), gate=gate, data__window__holdout="14d")
    decisions = [retrain_at(world, day) for day in (0, 14, 16, 18)]
    few, enough = (measurement_of(world, decision) for decision in decisions[2:])
    assert (few.clusters, enough.clusters) == (2, 4)
    assert few.start == enough.start == measurement_of(world, decisions[1]).end
    assert "needs at least 4 clusters of rows that no retrain has measured" in decisions[2].reason
    assert decisions[3].verdicts[0].method == "rating"


def test_many_fresh_rows_are_thinned_out_by_the_key() -> None:
    times = np.arange(250_000).astype("datetime64[s]")
    until = AS_OF.replace(year=1970, month=1, day=2, hour=0, minute=0, second=0)
    chosen = choose_fresh_rows(times, until, "0123456789abcdef")
    assert chosen.sum() == 100_000
    assert not chosen[: 24 * 3600].any()
    assert (choose_fresh_rows(times, until, "0123456789abcdef") == chosen).all()
    assert (choose_fresh_rows(times, until, "fedcba9876543210") != chosen).any()
    assert choose_fresh_rows(times[:10], until.replace(day=1), "0123456789abcdef").all()


def test_a_backtest_rates_the_versions_as_the_retrains_did(history: tuple[World, list[Decision]]) -> None:
    world, decisions = history
    fresh, strict = (
        Policy("fresh", (Fresh(check="fresh", metric="roc_auc"),)),
        Policy(
            "strict",
            (Strict(check="strict", metric="roc_auc"), PointEstimate(check="point_estimate", metric="roc_auc")),
        ),
    )
    as_it_was, other = backtest_policies(world.spec, decisions, [fresh, strict], world)
    assert [step.choice for step in as_it_was.steps] == [decision.choice for decision in decisions]
    assert [step.reason for step in as_it_was.steps] == [decision.reason for decision in decisions]
    assert other.steps[0].choice is Choice.PROMOTE

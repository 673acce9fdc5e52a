from __future__ import annotations

import json
import math
from datetime import UTC, datetime
from typing import Any

import pytest

from retrain.core.policy.backtest import Backtest, walk
from retrain.core.policy.decision import Choice

RETRAINS = [(datetime(2024, month, 1, tzinfo=UTC), 10 + month) for month in range(1, 5)]
VALUES = {  # of model j (row) in window i (column)
    0: [0.5, 0.6, 0.5, 0.4],
    1: [math.nan, 0.7, 0.4, 0.5],
    2: [math.nan, math.nan, 0.8, 0.3],
    3: [math.nan, math.nan, math.nan, 0.9],
}


def value(j: int, i: int) -> float:
    return VALUES[j][i]


def promoting(*numbers: int) -> Any:
    def verdicts(i: int, _: int | None) -> tuple[Choice, str]:
        return (Choice.PROMOTE, "better") if i in numbers else (Choice.HOLD, "not sure")

    return verdicts


def history_of(*numbers: int, greater_is_better: bool = True, every: int = 1) -> Backtest:
    return walk(
        "strict", RETRAINS, promoting(*numbers), value, metric="auc", greater_is_better=greater_is_better, every=every
    )


def test_each_champion_is_measured_in_the_window_that_no_decision_had_seen() -> None:
    found = history_of(0, 2)
    assert [step.champion for step in found.steps] == [11, 11, 13, 13]
    assert [step.next_value for step in found.steps[:3]] == [0.6, 0.5, 0.3]
    assert math.isnan(found.steps[3].next_value)
    assert [step.best_next for step in found.steps[:3]] == [0.6, 0.5, 0.5]
    assert [step.never_next for step in found.steps[:3]] == [0.6, 0.5, 0.4]
    assert found.mean_next == pytest.approx(1.4 / 3)
    assert found.regret == pytest.approx(0.2 / 3)
    assert found.gain_over_never == pytest.approx(-0.1 / 3)


def test_a_promotion_that_did_worse_next_is_counted_and_so_is_one_that_did_not_last() -> None:
    found = history_of(0, 1, 2)
    assert (found.promotions, found.bad_promotions, found.flaps) == (3, 2, 2)
    assert found.steps[0].promotion_gain != found.steps[0].promotion_gain  # the first replaced nobody
    assert found.steps[1].promotion_gain == pytest.approx(-0.1)


def test_of_a_loss_less_is_better() -> None:
    found = history_of(0, 1, 2, greater_is_better=False)
    assert found.bad_promotions == 0
    assert found.steps[2].best_next == 0.3
    assert found.gain_over_never == pytest.approx(0.2 / 3)


def test_a_slower_schedule_looks_at_every_nth_retrain_only() -> None:
    found = history_of(0, 1, 2, 3, every=2)
    assert [step.choice for step in found.steps] == [Choice.PROMOTE, Choice.HOLD, Choice.PROMOTE, Choice.HOLD]
    assert found.steps[1].reason == "skipped by the slower schedule"


def test_a_policy_that_promotes_nothing_has_no_means() -> None:
    found = history_of()
    assert (found.promotions, found.flaps, found.bad_promotions) == (0, 0, 0)
    assert all(map(math.isnan, (found.mean_next, found.regret, found.gain_over_never)))
    assert not found.worse_than(history_of(0))


def test_policies_are_compared_on_the_retrains_in_which_both_have_a_champion() -> None:
    assert history_of(0, 1).worse_than(history_of(0)) is False  # 0.4 and 0.5 instead of 0.5 and 0.4
    assert history_of(0, 2).worse_than(history_of(0))


def test_a_backtest_is_plain_json() -> None:
    document = json.loads(json.dumps(history_of(0, 2).to_json(), allow_nan=False))
    assert document["policy"] == "strict"
    assert document["steps"][3]["next_value"] is None
    assert document["steps"][0]["as_of"] == "2024-01-01T00:00:00+00:00"

from __future__ import annotations

import math

import pytest

from retrain.core.training.search import Goal, Trial, TrialState, describe_trial, find_best_trial

UP, DOWN = Goal("roc_auc", greater_is_better=True), Goal("mae", greater_is_better=False)


def trial(number: int, *values: float, state: TrialState = TrialState.COMPLETE, error: str = "") -> Trial:
    return Trial(number, {"C": number}, state, values, 1.25, error)


def test_the_value_is_the_mean_over_the_folds() -> None:
    assert trial(0, 0.6, 0.8).value == pytest.approx(0.7)
    assert math.isnan(trial(0).value)


@pytest.mark.parametrize(("goal", "best"), [(UP, 3), (DOWN, 1)])
def test_only_a_complete_trial_can_be_best(goal: Goal, best: int) -> None:
    trials = [
        trial(0, 0.99, state=TrialState.PRUNED),
        trial(1, 0.5),
        trial(2, 0.01, state=TrialState.FAILED),
        trial(3, 0.7),
    ]
    found = find_best_trial(trials, goal)
    assert found is not None
    assert found.number == best


def test_of_equals_the_first_is_best_so_that_the_present_params_win_a_tie() -> None:
    trials = [trial(2, 0.7), trial(0, 0.7), trial(1, 0.7)]
    for goal in (UP, DOWN):
        assert find_best_trial(trials, goal) == trial(0, 0.7)


def test_without_a_complete_trial_none_is_best() -> None:
    assert find_best_trial([trial(0, 0.7, state=TrialState.PRUNED)], UP) is None


@pytest.mark.parametrize(
    ("last", "left", "line"),
    [
        (trial(1, 0.5, 0.7), None, "Trial 1: roc_auc 0.6000 in 1.2 s; best 0.8000 (trial 0); 2 of 9 done"),
        (
            trial(1, 0.5, state=TrialState.PRUNED),
            2.04,
            "Trial 1: roc_auc 0.5000, pruned after fold 1 in 1.2 s; best 0.8000 (trial 0); 2 of 9 done, 2.0 min left",
        ),
        (
            trial(1, state=TrialState.FAILED, error="ValueError"),
            -3.0,
            "Trial 1: failed: ValueError in 1.2 s; best 0.8000 (trial 0); 2 of 9 done, 0.0 min left",
        ),
    ],
)
def test_a_line_tells_the_trial_the_best_and_what_is_left(last: Trial, left: float | None, line: str) -> None:
    assert describe_trial(last, [trial(0, 0.8), last], UP, wanted=9, minutes_left=left) == line


def test_a_line_without_a_best_says_so() -> None:
    failed = trial(0, state=TrialState.FAILED, error="ValueError")
    assert "best none yet" in describe_trial(failed, [failed], UP, wanted=2, minutes_left=None)

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from fairlearn.metrics import demographic_parity_difference, equal_opportunity_difference, equalized_odds_difference

from retrain.core.stats.fairness import (
    GroupDifference,
    Groups,
    compute_group_values,
    find_largest_difference,
    split_groups,
)
from retrain.core.stats.metrics import METRICS
from retrain.errors import DataError

RANDOM = np.random.default_rng(7)
ROWS = 3000
REGION = np.array(["north", "south", "west"], dtype=object)[RANDOM.integers(0, 3, ROWS)]
P = np.clip(RANDOM.uniform(size=ROWS) + 0.15 * (REGION == "west"), 0, 1)
Y = (RANDOM.uniform(size=ROWS) < P).astype(float)
SCORES = np.column_stack([1 - P, P])
BY_REGION = split_groups({"region": REGION}, 100)


def difference(
    metric: str, groups: Groups = BY_REGION, y: Any = Y, scores: Any = SCORES, **changes: Any
) -> GroupDifference:
    options = {"threshold": 0.6, "confidence": 0.95, "resamples": 200, "seed": 1} | changes
    clusters = options.pop("clusters", np.arange(len(y)))
    return find_largest_difference(metric, groups, y, scores, clusters, **options)


@pytest.mark.parametrize(
    ("metric", "function"),
    [
        ("demographic_parity", demographic_parity_difference),
        ("equal_opportunity", equal_opportunity_difference),
        ("equalized_odds", equalized_odds_difference),
    ],
)
def test_the_difference_is_that_of_fairlearn(metric: str, function: Any) -> None:
    found = difference(metric)
    wanted = function(Y, (P >= 0.6).astype(float), sensitive_features=REGION.astype(str))
    assert found.size.value == pytest.approx(wanted)
    assert found.highest.value - found.lowest.value == pytest.approx(wanted)
    assert found.highest.name == "region=west"
    assert found.highest.rows == (REGION == "west").sum()
    assert found.group_count == 3
    assert found.size.low < found.size.value < found.size.high


@pytest.mark.parametrize("metric", ["roc_auc", "accuracy", "f1", "log_loss", "balanced_accuracy"])
def test_any_metric_of_the_scorecard_may_be_compared(metric: str) -> None:
    found = difference(metric)
    regions = [np.equal(REGION, name) for name in ("north", "south", "west")]
    by_hand = [METRICS[metric].value(Y[rows], SCORES[rows]) for rows in regions]
    assert [value.value for value in compute_group_values(metric, BY_REGION, Y, SCORES)] == pytest.approx(by_hand)
    assert found.size.value == pytest.approx(max(by_hand) - min(by_hand))
    assert found.quantity == metric


def test_groups_of_a_regression_are_compared_by_its_metrics() -> None:
    label = RANDOM.normal(size=ROWS)
    said = label + RANDOM.normal(size=ROWS) * (1 + (REGION == "south"))
    found = difference("mae", y=label, scores=said)
    assert found.highest.name == "region=south"
    assert found.size.low > 0.5


def test_columns_together_make_groups_and_small_ones_are_counted() -> None:
    plan = np.array([None] * 40 + ["basic"] * (ROWS - 40), dtype=object)
    groups = split_groups({"region": REGION, "plan": plan}, 100)
    assert groups.names == ("region=north, plan=basic", "region=south, plan=basic", "region=west, plan=basic")
    assert groups.small_groups == 3
    assert sum(groups.rows) == (groups.members >= 0).sum() == ROWS - 40
    assert (groups.members[:40] == -1).all()


def test_no_rows_make_no_groups() -> None:
    groups = split_groups({"region": REGION[:0], "plan": REGION[:0]}, 1)
    assert (groups.names, groups.rows, groups.small_groups, len(groups.members)) == ((), (), 0, 0)


def test_rows_of_small_groups_count_for_nothing() -> None:
    odd = np.where(np.arange(ROWS) < 50, "odd", REGION).astype(object)
    groups = split_groups({"region": odd}, 100)
    scores = SCORES.copy()
    scores[:50] = [1.0, 0.0]
    found = difference("demographic_parity", groups, scores=scores)
    rest = difference("demographic_parity", split_groups({"region": REGION[50:]}, 100), Y[50:], SCORES[50:])
    assert found.size.value == pytest.approx(rest.size.value)
    assert found.group_count == 3


@pytest.mark.parametrize("metric", ["equal_opportunity", "equalized_odds", "roc_auc"])
def test_a_group_without_positives_is_left_out_and_is_not_0(metric: str) -> None:
    y = np.where(REGION == "north", 0.0, Y)
    found = difference(metric, y=y)
    assert found.group_count == 2 or found.quantity == "false positive rate"
    assert found.lowest.name != "region=north" or found.quantity == "false positive rate"


def test_a_group_that_was_not_drawn_spoils_no_resample() -> None:
    rare = split_groups({"region": np.where(np.arange(400) < 2, "rare", "common").astype(object)}, 1)
    for metric in ("demographic_parity", "accuracy", "roc_auc"):
        y = np.r_[0.0, 1.0, Y[:398]]
        found = difference(metric, rare, y, SCORES[:400], clusters=np.arange(400) // 2)
        assert all(map(math.isfinite, (found.size.low, found.size.high)))


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"y": np.zeros(ROWS)}, "needs rows of two classes; got fewer"),
        ({"scores": np.where(SCORES > 0.9, np.nan, SCORES)}, "needs finite scores"),
        ({"metric": "mae"}, "the metric must belong to the task; got mae"),
        ({"metric": "accuracy", "scores": P}, "the metric must belong to the task; got accuracy"),
        ({"metric": "equalized_odds", "scores": P}, "the metric must belong to the task; got equalized_odds"),
        ({"scores": np.column_stack([SCORES / 2, P * 0, P * 0])}, "demographic_parity needs two classes; got 4"),
        (
            {"metric": "equal_opportunity", "y": Y * (REGION == "west")},
            "true positive rate must be defined in at least two groups",
        ),
        (
            {"metric": "equal_opportunity", "groups": split_groups({"r": REGION}, 5000)},
            "in at least two groups with enough rows; got 0",
        ),
        (
            {"metric": "roc_auc", "y": Y * (REGION == "west")},
            "roc_auc must be defined in at least two groups with enough rows; got 1",
        ),
        ({"clusters": np.arange(ROWS) % 7}, "at least 8 clusters"),
    ],
)
def test_what_cannot_be_compared_says_why(changes: dict[str, Any], problem: str) -> None:
    with pytest.raises(DataError, match=problem):
        difference(**({"metric": "demographic_parity"} | changes))

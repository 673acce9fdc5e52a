from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

from retrain.core.policy.evidence import Evidence
from retrain.core.policy.gates import Fairness, Outcome
from retrain.testing import make_evidence, make_scores

ROWS = 4000
PLACE = np.array(["north", "south", "isle"], dtype=object)[np.where(np.arange(ROWS) < 20, 2, np.arange(ROWS) % 2)]


def gate(**changes: Any) -> Fairness:
    fields = {"metric": "demographic_parity", "max_difference": 0.1, "resamples": 200}
    return Fairness(**({"check": "fairness", "by": "place"} | (changes if "floor" in changes else fields | changes)))


def treating(gap: float, **changes: Any) -> Evidence:
    """Return evidence of a challenger that says yes to the south by `gap` more often."""
    random = np.random.default_rng(7)
    p = random.uniform(size=ROWS)
    y = (random.uniform(size=ROWS) < p).astype(float)
    said = np.clip(p + gap * (PLACE == "south"), 0, 1)
    scores = replace(make_scores(ROWS, columns={"place": PLACE}), y=y, challenger=np.column_stack([1 - said, said]))
    return make_evidence(replace(scores, **changes))


@pytest.mark.parametrize(
    ("gap", "outcome", "words"),
    [
        (0.0, Outcome.PASS, "which is within the maximum of 0.1"),
        (0.2, Outcome.FAIL, "which is above the maximum of 0.1"),
        (0.1, Outcome.INCONCLUSIVE, "includes the maximum of 0.1: not conclusive"),
    ],
)
def test_the_whole_interval_of_the_difference_must_be_within(gap: float, outcome: Outcome, words: str) -> None:
    verdict = gate().judge(treating(gap))
    assert (verdict.name, verdict.outcome, verdict.bound) == ("fairness(demographic_parity)", outcome, 0.1)
    assert words in verdict.reason
    assert verdict.interval is not None
    assert verdict.value is not None
    assert verdict.interval[0] <= verdict.value < verdict.interval[1]
    assert verdict.method == "clustered bootstrap"


def test_the_groups_are_named_with_their_values_and_rows_and_small_ones_are_counted() -> None:
    verdict = gate().judge(treating(0.2))
    assert "rows) is 0.2" in verdict.reason
    assert "difference in selection rate between place=south (0.6" in verdict.reason
    assert ", 1990 rows) and place=north (0.4" in verdict.reason
    assert verdict.reason.endswith(" (1 more group has too few rows to be judged)")
    assert "isle" not in verdict.reason
    assert "to be judged" not in gate(min_group=20).judge(treating(0.2)).reason


def test_the_threshold_says_what_a_yes_is() -> None:
    low, high = (gate(threshold=at, max_difference=0.5).judge(treating(0.2)) for at in (0.1, 0.9))
    assert low.value != high.value


@pytest.mark.parametrize(
    ("floor", "outcome", "words"),
    [
        ({"accuracy": 0.6}, Outcome.PASS, "which meets the floor of 0.6"),
        ({"accuracy": 0.9}, Outcome.FAIL, "worse than the floor of 0.9"),
        ({"log_loss": 0.9}, Outcome.PASS, "worst of 2 groups: log_loss of place=south"),
        ({"log_loss": 0.5}, Outcome.FAIL, "log_loss of place=south"),
        ({"accuracy": 0.6, "log_loss": 0.5}, Outcome.FAIL, "log_loss of place=south"),
    ],
)
def test_no_group_may_be_worse_than_a_floor(floor: dict[str, float], outcome: Outcome, words: str) -> None:
    verdict = gate(floor=floor).judge(treating(0.1))
    assert verdict.outcome is outcome
    assert words in verdict.reason
    assert verdict.interval is None


def test_the_worst_of_difference_and_floors_is_the_verdict() -> None:
    both = {"metric": "demographic_parity", "max_difference": 0.3, "resamples": 200}
    passed = gate(floor={"accuracy": 0.6}, **both).judge(treating(0.1))
    assert passed.outcome is Outcome.PASS
    assert "selection rate" in passed.reason
    assert "accuracy" in passed.reason
    failed = gate(floor={"accuracy": 0.9}, **both).judge(treating(0.1))
    assert (failed.name, failed.outcome) == ("fairness(accuracy)", Outcome.FAIL)
    assert "selection rate" not in failed.reason


def test_groups_of_a_regression_have_floors_and_differences() -> None:
    scores = make_scores(ROWS, task="regression")
    assert gate(floor={"mae": 0.5}).judge(make_evidence(scores)).outcome is Outcome.PASS
    assert gate(floor={"mae": 0.1}).judge(make_evidence(scores)).outcome is Outcome.FAIL
    assert gate(metric="rmse").judge(make_evidence(scores)).outcome is Outcome.PASS


@pytest.mark.parametrize(
    ("fields", "changes", "words"),
    [
        ({"min_group": 2000}, {}, "0 of the 2 groups that a comparison needs have"),
        ({"by": "shop"}, {}, "defines groups must be in the data; got shop"),
        ({"cluster_by": "shop"}, {}, "cluster_by must be"),
        ({}, {"y": np.ones(ROWS)}, "needs rows of two classes"),
        ({"floor": {"roc_auc": 0.5}}, {"y": (PLACE == "south") * 1.0}, "roc_auc: 0 of the 2 groups that"),
        ({"floor": {"mae": 0.5}}, {}, "the metric must belong to the task; got mae"),
        ({"metric": None, "max_difference": None}, {}, "the gate has no bound; give it max_difference or floor"),
    ],
)
def test_what_cannot_be_measured_is_inconclusive(fields: dict[str, Any], changes: dict[str, Any], words: str) -> None:
    verdict = gate(**fields).judge(treating(0.0, **changes))
    assert verdict.outcome is Outcome.INCONCLUSIVE
    assert words in verdict.reason


def test_a_difference_without_a_finite_interval_is_inconclusive() -> None:
    # All positives lie in 8 of 200 days, so that some resample has none.
    days = np.arange(ROWS) // 20
    place = np.array(["north", "south"], dtype=object)[np.arange(ROWS) % 2]
    early = ((days < 8) & (np.arange(ROWS) % 4 < 2)).astype(float)
    verdict = gate(metric="roc_auc", cluster_by="day", resamples=20_000).judge(
        treating(0.0, y=early, columns={"place": place})
    )
    assert verdict.outcome is Outcome.INCONCLUSIVE
    assert verdict.reason.startswith("the difference in roc_auc has no finite interval on this holdout")


def unlike_ranks(rows: int = ROWS) -> Evidence:
    """Return evidence with 2 % positives, ranked perfectly in the north and not at all in the south, all below 0.5."""
    random = np.random.default_rng(7)
    y = (np.arange(rows) % 100 < 2).astype(float)
    said = np.where(PLACE == "south", random.uniform(size=rows), y * 0.5 + random.uniform(size=rows) / 2) * 0.4
    return treating(0.0, y=y, challenger=np.column_stack([1 - said, said]))


@pytest.mark.parametrize("metric", ["demographic_parity", "equal_opportunity", "equalized_odds"])
def test_where_nobody_is_over_the_threshold_nothing_can_be_seen(metric: str) -> None:
    verdict = gate(metric=metric).judge(unlike_ranks())
    assert verdict.outcome is Outcome.INCONCLUSIVE
    assert "threshold of 0.5; got (nearly) nobody predicted positive in every group" in verdict.reason
    assert "compare roc_auc, log_loss or brier" in verdict.reason
    assert gate(metric="roc_auc").judge(unlike_ranks()).outcome is Outcome.FAIL


def test_groups_with_few_rows_of_a_class_are_counted_with_the_small_ones() -> None:
    verdict = gate(metric="roc_auc", min_group=20, min_class=15, max_difference=0.5).judge(treating(0.1))
    assert verdict.outcome is Outcome.PASS
    assert "to be judged" in verdict.reason
    assert "isle" not in verdict.reason
    floor = gate(floor={"roc_auc": 0.6}, min_group=20, min_class=15).judge(treating(0.1))
    assert floor.reason.startswith("worst of 2 groups")
    assert floor.reason.endswith(" (1 more group has too few rows to be judged)")
    assert "worst of 3 groups" in gate(floor={"roc_auc": 0.1}, min_group=20, min_class=1).judge(treating(0.1)).reason


def test_a_difference_that_cannot_be_seen_does_not_hide_a_broken_floor() -> None:
    fields = {"metric": "demographic_parity", "max_difference": 0.1, "threshold": 0.999, "resamples": 200}
    verdict = gate(floor={"accuracy": 0.99}, **fields).judge(treating(-0.01))
    assert (verdict.name, verdict.outcome) == ("fairness(accuracy)", Outcome.FAIL)


def test_a_column_may_stand_alone_or_in_a_list() -> None:
    assert gate(by="place").by == gate(by=["place"]).by == ("place",)
    assert gate(by=["place", "plan"], cluster_by="shop").columns == ("place", "plan", "shop")
    assert gate(cluster_by="day").columns == ("place",)
    for wrong in ([], ["a b"], 7):
        with pytest.raises(ValidationError, match=r"for Fairness\nby"):
            gate(by=wrong)

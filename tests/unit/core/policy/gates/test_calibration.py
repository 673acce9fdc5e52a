from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

from retrain.core.policy.evidence import Evidence
from retrain.core.policy.gates import Calibration, Outcome
from retrain.testing import make_evidence, make_scores


def gate(**changes: Any) -> Calibration:
    return Calibration(**({"check": "calibration", "max_error": 0.05, "resamples": 200} | changes))


def saying(shift: float, rows: int = 4000, seed: int = 7) -> Evidence:
    """Return evidence of a challenger that says `shift` too much."""
    random = np.random.default_rng(seed)
    p = random.uniform(0, 0.8, size=rows)
    y = (random.uniform(size=rows) < p).astype(float)
    said = np.column_stack([1 - p - shift, p + shift])
    return make_evidence(replace(make_scores(rows), y=y, challenger=said))


@pytest.mark.parametrize(
    ("shift", "rows", "outcome", "words"),
    [
        (0.0, 4000, Outcome.PASS, "is within the maximum of 0.05"),
        (0.1, 4000, Outcome.FAIL, "is above the maximum of 0.05"),
        (0.05, 4000, Outcome.INCONCLUSIVE, "includes the maximum of 0.05: not conclusive"),
        (0.04, 2000, Outcome.INCONCLUSIVE, "includes the maximum of 0.05: not conclusive"),
    ],
)
def test_the_whole_interval_must_be_within(shift: float, rows: int, outcome: Outcome, words: str) -> None:
    verdict = gate().judge(saying(shift, rows))
    assert (verdict.name, verdict.outcome, verdict.bound) == ("calibration", outcome, 0.05)
    assert words in verdict.reason
    assert verdict.interval is not None
    assert verdict.value is not None
    assert verdict.interval[0] < verdict.value < verdict.interval[1]
    assert verdict.method == "clustered bootstrap"
    assert verdict.level == pytest.approx(0.025)


@pytest.mark.parametrize(
    ("fields", "evidence", "words"),
    [
        ({}, saying(0, 1999), "has 1,999 rows and min_rows is 2,000"),
        ({"cluster_by": "shop"}, saying(0), "cluster_by must be"),
        ({"cluster_by": "month"}, saying(0), "at least 8 clusters"),
        ({"min_rows": 10}, make_evidence(make_scores(task="regression")), "got a regression"),
    ],
)
def test_what_cannot_be_measured_is_inconclusive(fields: dict[str, Any], evidence: Evidence, words: str) -> None:
    verdict = gate(**fields).judge(evidence)
    assert verdict.outcome is Outcome.INCONCLUSIVE
    assert words in verdict.reason


def with_rare_positives(factor: float, rows: int, seed: int, base: float = 0.01) -> Evidence:
    """Return evidence of a challenger that says `factor` times the true probability of a class with the share `base`."""
    random = np.random.default_rng(seed)
    p = base * random.gamma(2, 0.5, size=rows)
    y = (random.uniform(size=rows) < p).astype(float)
    said = np.clip(factor * p, 0, 1)
    return make_evidence(replace(make_scores(rows), y=y, challenger=np.column_stack([1 - said, said])))


def test_by_default_a_calibrated_model_passes() -> None:
    assert [gate().judge(saying(0.0, 2000, seed)).outcome for seed in range(5)] == [Outcome.PASS] * 5


@pytest.mark.parametrize(
    ("factor", "rows", "outcome"),
    [
        (1.0, 10_000, Outcome.PASS),
        (0.0, 10_000, Outcome.FAIL),
        (2.0, 10_000, Outcome.INCONCLUSIVE),
        (4.0, 10_000, Outcome.FAIL),
    ],
)
def test_with_rare_positives_the_error_is_judged_beside_their_share(factor: float, rows: int, outcome: Outcome) -> None:
    evidence = with_rare_positives(factor, rows, seed=7)
    verdict = gate().judge(evidence)
    assert verdict.outcome is outcome
    assert "the error over the share of the rarer class" in verdict.reason
    assert (verdict.bound == 1) == (outcome is not Outcome.PASS)
    assert gate(max_relative=10).judge(evidence).outcome is Outcome.PASS


def test_scores_twice_too_high_do_not_pass_however_rare_the_positives() -> None:
    outcomes = [gate().judge(with_rare_positives(2.0, 5000, seed)).outcome for seed in range(12)]
    assert outcomes.count(Outcome.PASS) <= 2  # 0.3 expected at the bound itself; 3 or more are one in 300


def test_hardly_any_positives_are_inconclusive() -> None:
    verdict = gate().judge(with_rare_positives(1.0, 4000, seed=3, base=0.0005))
    assert verdict.outcome is Outcome.INCONCLUSIVE
    assert "has no finite interval with so few rows of that class" in verdict.reason
    assert verdict.interval is None


def test_of_more_than_two_classes_no_share_bounds_the_error() -> None:
    three, two = (make_evidence(make_scores(classes=classes)) for classes in (3, 2))
    reasons = [gate(min_rows=100, max_error=0.9, max_relative=0.01).judge(evidence).reason for evidence in (three, two)]
    assert ["rarer class" in reason for reason in reasons] == [False, True]


@pytest.mark.parametrize("wrong", [0, -1, float("inf")])
def test_a_multiple_that_bounds_nothing_is_refused(wrong: float) -> None:
    with pytest.raises(ValidationError, match="max_relative"):
        gate(max_relative=wrong)


@pytest.mark.parametrize(("by", "columns"), [(None, ()), ("day", ()), ("shop", ("shop",))])
def test_it_names_the_column_it_clusters_by(by: str | None, columns: tuple[str, ...]) -> None:
    assert gate(cluster_by=by).columns == columns

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from tests.require import require

from retrain.core.policy.gates import Baseline, Outcome
from retrain.testing import make_evidence, make_scores

GOOD = make_scores(challenger=0.8)
NONSENSE = np.random.default_rng(7).uniform(size=400)


def gate(**changes: Any) -> Baseline:
    return Baseline(**({"check": "baseline", "metric": "roc_auc", "cluster_by": "day", "resamples": 200} | changes))


def with_rule(values: Any, **changes: Any) -> Any:
    return make_evidence(replace(GOOD, columns={"guess": values}, **changes), slices=[])


def test_a_challenger_that_knows_something_beats_the_dummy() -> None:
    verdict = gate().judge(make_evidence(GOOD))
    assert verdict.outcome is Outcome.PASS
    assert verdict.value == pytest.approx(make_evidence(GOOD).challenger_metric("roc_auc") - 0.5)
    assert verdict.interval is not None
    assert verdict.interval[0] < require(verdict.value) < verdict.interval[1]
    assert verdict.level == pytest.approx(0.025)
    assert "over the dummy" in verdict.reason


def test_the_champion_is_of_no_account() -> None:
    beaten = make_evidence(make_scores(challenger=0.5, opponent=0.9))
    alone = make_evidence(replace(make_scores(challenger=0.5, opponent=0.9), opponent=None))
    assert gate().judge(beaten) == gate().judge(alone)
    assert gate().judge(alone).outcome is Outcome.PASS


@pytest.mark.parametrize(
    ("skill", "metric", "margin", "outcome", "words"),
    [
        (0.0, "roc_auc", 0.0, Outcome.INCONCLUSIVE, "includes 0: not significant"),
        (0.0, "log_loss", 0.0, Outcome.FAIL, "is below 0"),
        (0.8, "log_loss", 0.0, Outcome.PASS, "is above 0"),
        (0.3, "roc_auc", 0.49, Outcome.FAIL, "is below the margin +0.49"),
    ],
)
def test_the_interval_of_the_gain_is_held_against_the_margin(
    skill: float, metric: str, margin: float, outcome: Outcome, words: str
) -> None:
    verdict = gate(metric=metric, margin=margin).judge(make_evidence(make_scores(challenger=skill)))
    assert verdict.outcome is outcome
    assert words in verdict.reason


def test_a_regression_beats_the_mean() -> None:
    scores = make_scores(task="regression", columns={"guess": np.zeros(400)})
    assert gate(metric="mae").judge(make_evidence(scores)).outcome is Outcome.PASS
    verdict = gate(metric="rmse", rule="guess").judge(make_evidence(scores))
    assert verdict.outcome is Outcome.PASS
    assert "over the dummy" in verdict.reason
    assert "over the rule guess" in verdict.reason


def test_both_the_dummy_and_the_rule_must_be_beaten() -> None:
    asked = gate(rule="guess")
    assert asked.judge(with_rule(NONSENSE)).outcome is Outcome.PASS
    weak = make_scores(challenger=0.3)
    oracle = asked.judge(make_evidence(replace(weak, columns={"guess": weak.y}), slices=[]))
    assert oracle.outcome is Outcome.FAIL
    assert "over the rule guess" in oracle.reason
    assert "dummy" not in oracle.reason
    same = asked.judge(with_rule(GOOD.challenger[:, 1]))
    assert (same.outcome, same.value) == (Outcome.INCONCLUSIVE, 0.0)


@pytest.mark.parametrize(
    ("values", "problem"),
    [
        (np.full(400, np.nan), "a missing value or an infinity"),
        (np.array([None, *["ada@example.org"] * 399], dtype=object), "got other values"),
        (NONSENSE + 0.5, "numbers outside 0 to 1"),
        (NONSENSE - 0.5, "numbers outside 0 to 1"),
    ],
)
def test_a_rule_that_is_not_a_prediction_is_inconclusive_without_its_values(values: Any, problem: str) -> None:
    verdict = gate(rule="guess").judge(with_rule(values))
    assert verdict.outcome is Outcome.INCONCLUSIVE
    assert problem in verdict.reason
    assert "ada" not in verdict.reason


def test_a_rule_that_is_not_there_or_of_more_classes_is_inconclusive() -> None:
    assert "got no such column" in gate(rule="other").judge(with_rule(NONSENSE)).reason
    three = make_evidence(make_scores(classes=3, columns={"guess": NONSENSE}))
    assert "positive class of two; got 3 classes" in gate(rule="guess").judge(three).reason
    assert gate().judge(three).outcome is Outcome.PASS


def test_what_cannot_be_measured_is_inconclusive() -> None:
    for evidence, words in [
        (with_rule(NONSENSE, baseline=None), "must hold what a dummy says; got none"),
        (make_evidence(make_scores(60)), "at least 4 clusters"),
        (make_evidence(GOOD, metrics=["brier"]), "the roc_auc of the challenger is not defined"),
    ]:
        verdict = gate().judge(evidence)
        assert verdict.outcome is Outcome.INCONCLUSIVE
        assert words in verdict.reason


@pytest.mark.filterwarnings("ignore:The BCa confidence interval")
def test_a_gain_without_a_finite_interval_is_inconclusive() -> None:
    rare = replace(GOOD, y=(np.arange(400) == 3).astype(float))
    verdict = gate(cluster_by=None, method="percentile").judge(make_evidence(rare))
    assert verdict.outcome is Outcome.INCONCLUSIVE
    assert "over the dummy has no finite interval" in verdict.reason
    assert verdict.value is not None
    assert math.isfinite(verdict.value)


@pytest.mark.parametrize(
    ("fields", "columns"),
    [
        ({}, ()),
        ({"rule": "guess"}, ("guess",)),
        ({"cluster_by": "shop", "rule": "guess"}, ("guess", "shop")),
        ({"cluster_by": None, "rule": "day"}, ("day",)),
    ],
)
def test_it_names_the_columns_it_reads(fields: dict[str, Any], columns: tuple[str, ...]) -> None:
    assert gate(**fields).columns == columns


def test_a_deviance_that_the_rule_has_none_of_says_what_must_hold() -> None:
    positive = replace(GOOD, y=np.exp(GOOD.challenger[:, 0]), challenger=np.exp(GOOD.challenger[:, 0] + 0.01))
    scores = replace(positive, opponent=None, baseline=np.ones(1), columns={"guess": np.zeros(400)})
    verdict = gate(metric="gamma_deviance", rule="guess").judge(
        make_evidence(scores, metrics=["gamma_deviance"], slices=[])
    )
    assert verdict.outcome is Outcome.INCONCLUSIVE
    assert verdict.reason == (
        "the gamma_deviance of the rule guess is not defined on this holdout; check that every label and every prediction is "
        "above 0"
    )

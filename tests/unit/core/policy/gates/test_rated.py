"""fresh and strict: what they say of a challenger, by windows whose truth is known."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import numpy as np
import pytest
from tests.require import require

from retrain.core.evaluation.scores import Opponent
from retrain.core.policy.error_control import Allotment
from retrain.core.policy.evidence import Evidence
from retrain.core.policy.gates import Fresh, Gate, Outcome, Strict
from retrain.core.policy.gates.rated import format_amount, format_chance
from retrain.core.ratings import Measurement, VersionScore
from retrain.testing import make_evidence, make_scores

FRESH = Fresh(check="fresh", metric="roc_auc")
STRICT = Strict(check="strict", metric="roc_auc")
DAYS = 28
ERROR = 0.01 * np.sqrt(2 / DAYS)
"""Of one comparison, if the luck of a day has a standard deviation of 0.01."""
CHAMPION = 3


def make_history(*gains: float, ageing: float = 0.0, seed: int = 2, luck: float = 0.01) -> Evidence:
    """Return the evidence of the last of some windows.

    Args:
        gains: The true gain of the challenger of each window over the champion, in errors of a comparison, before ageing.
        ageing: What a version loses per month of age, in errors of a comparison.
    """
    random = np.random.default_rng(seed)
    evidence = make_evidence(make_scores())
    champion = evidence.scorecard.champion
    assert champion is not None
    qualities, measurements = [0.0, *gains], []
    for window in range(1, len(qualities)):
        true = [(quality - ageing * (window - index)) * ERROR for index, quality in enumerate(qualities[: window + 1])]
        days = 0.7 + np.array(true) + luck * random.normal(size=(DAYS, window + 1)) + random.normal(size=(DAYS, 1)) / 30
        without = (days.sum(axis=0) - days) / (DAYS - 1)
        scores = tuple(
            VersionScore(
                CHAMPION + index,
                champion.as_of + index * timedelta(days=30),
                float(days[:, index].mean()),
                tuple(map(float, without[:, index])),
            )
            for index in range(window + 1)
        )
        as_of = scores[-1].as_of
        span = as_of - timedelta(days=30), as_of
        measurements.append(
            Measurement("roc_auc", "day", as_of, scores[-1].version, *span, 1000, ordered=True, scores=scores)
        )
    card = replace(evidence.scorecard, measurements=(measurements[-1],))
    return Evidence(card, evidence.scores, past=tuple(measurements[:-1]))


def test_a_much_better_challenger_is_promoted_and_the_reason_has_every_number() -> None:
    verdict = FRESH.judge(make_history(0, 0, 0, 8))
    assert verdict.outcome is Outcome.PASS
    assert verdict.method == "rating"
    assert verdict.value is not None
    assert verdict.interval is not None
    assert verdict.bound == pytest.approx(0.1 * ERROR, rel=0.2)
    assert verdict.interval[0] < verdict.value < verdict.interval[1]
    worth = require(verdict.bound)
    assert verdict.reason == (
        f"roc_auc is expected to improve by {format_amount(verdict.value)} (over 99.9 % sure that it is better, after 4 windows); "
        f"a promotion needs more than {format_amount(worth)}, and a loss over {format_amount(10 * worth)} has a chance of "
        "under 0.1 %. No ageing of versions is seen here yet."
    )


def test_an_equal_challenger_is_held_with_what_would_promote_it_and_that_nothing_is_lost() -> None:
    verdict = FRESH.judge(make_history(0, 0, 0, 0, seed=3))
    assert verdict.outcome is Outcome.INCONCLUSIVE
    assert "a promotion needs more than" in verdict.reason
    assert "; the champion stays, and this window counts in the next rating." in verdict.reason


def test_a_worse_challenger_is_rejected() -> None:
    for gate in (FRESH, STRICT):
        verdict = gate.judge(make_history(0, 0, 0, -9))
        assert verdict.outcome is Outcome.FAIL
        assert "is expected to worsen by" in verdict.reason
        assert "sure that it is worse" in verdict.reason


def test_a_risk_of_harm_is_held_although_a_gain_is_expected() -> None:
    history = make_history(1.2, seed=5)
    expected = FRESH.judge(history).value
    assert expected is not None
    assert expected > 0
    careful = Fresh(check="fresh", metric="roc_auc", worth=0.0, harm=ERROR / 20, max_risk=0.01)
    verdict = careful.judge(history)
    assert verdict.outcome is Outcome.INCONCLUSIVE
    assert "but it may also lose more than" in verdict.reason
    assert "max_risk is 1 %" in verdict.reason


def test_worth_and_harm_may_be_given() -> None:
    history = make_history(0, 0, 0, 8)
    gain = FRESH.judge(history).value
    assert gain is not None
    dear = Fresh(check="fresh", metric="roc_auc", worth=1.5 * gain)
    assert dear.judge(history).outcome is Outcome.INCONCLUSIVE
    assert dear.judge(history).bound == 1.5 * gain
    free = Fresh(check="fresh", metric="roc_auc", worth=0)
    assert free.judge(history).outcome is Outcome.PASS


def test_ageing_is_told_once_it_is_seen() -> None:
    verdict = FRESH.judge(make_history(*[0] * 9, ageing=1))
    assert verdict.outcome is Outcome.PASS
    assert "A month of age costs a version about 0.00" in verdict.reason


def test_strict_takes_the_level_of_error_control() -> None:
    history = make_history(0, 0, 0, 4)
    assert STRICT.judge(history).outcome is Outcome.PASS
    spent = replace(history, allotment=Allotment("alpha_spending", 1e-6, "t", "s", 1))
    verdict = STRICT.judge(spent)
    assert verdict.outcome is Outcome.INCONCLUSIVE
    assert verdict.level == 1e-6
    assert "a promotion must be 99.9999 % sure" in verdict.reason
    none = replace(history, allotment=Allotment("alpha_spending", 0.0, "t", "s", None, "the error budget is spent"))
    assert STRICT.judge(none).reason == "the error budget is spent"
    assert STRICT.spends
    assert not FRESH.spends


@pytest.mark.parametrize("gate", [FRESH, STRICT])
def test_a_first_model_must_beat_the_dummy(gate: Gate) -> None:
    for opponent, outcome in ((0.3, Outcome.PASS), (0.8, Outcome.INCONCLUSIVE)):
        scores = make_scores(challenger=0.8, opponent=opponent)
        if outcome is Outcome.INCONCLUSIVE:
            scores = replace(scores, challenger=require(scores.opponent))
        kind: Opponent = "baseline"
        verdict = gate.judge(make_evidence(scores, opponent=kind))
        assert verdict.outcome is outcome
        assert verdict.check == getattr(gate, "check", "")
        assert "over the baseline" in verdict.reason


@pytest.mark.parametrize("gate", [FRESH, STRICT])
@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"measurements": ()}, "a rating by roc_auc needs a measurement of this window; got none in this scorecard"),
        ({"rows": 60}, "needs at least 4 clusters of rows that no retrain has measured; got 60 rows in 3"),
        ({"equal": True}, "versions must differ on the fresh rows; got equal scores from all of them in every cluster"),
        ({"unscored": ((3, "its artifact is gone"),)}, "the champion must differ measurably"),
    ],
)
def test_what_cannot_be_rated_is_held_with_the_reason(gate: Gate, changes: dict[str, Any], words: str) -> None:
    scores = make_scores(changes.get("rows", 400))
    if changes.get("equal"):
        scores = replace(scores, challenger=require(scores.opponent))
    evidence = make_evidence(scores, rated_by=[("roc_auc", "day")])
    card = evidence.scorecard
    (measured,) = card.measurements
    if "unscored" in changes:
        kept = tuple(score for score in measured.scores if score.version != CHAMPION)
        card = replace(card, measurements=(replace(measured, scores=kept, unscored=changes["unscored"]),))
        words = "got its artifact is gone"
    elif "measurements" in changes:
        card = replace(card, measurements=())
    verdict = gate.judge(replace(evidence, scorecard=card))
    assert verdict.outcome is Outcome.INCONCLUSIVE
    assert words in verdict.reason


def test_a_champion_is_no_challenger_of_its_own() -> None:
    evidence = make_history(0, 0)
    (own,) = evidence.scorecard.measurements
    same = replace(evidence.scorecard, measurements=(replace(own, challenger=CHAMPION),))
    verdict = STRICT.judge(replace(evidence, scorecard=same))
    assert verdict.outcome is Outcome.INCONCLUSIVE
    assert "a challenger must be another version than the champion" in verdict.reason


def test_numbers_that_cannot_be_rated_are_held_and_raise_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise np.linalg.LinAlgError("Matrix is not positive definite")

    monkeypatch.setattr("retrain.core.policy.evidence.rate_versions", fail)
    verdict = FRESH.judge(make_history(0, 0))
    assert verdict.outcome is Outcome.INCONCLUSIVE
    assert "numbers that can be rated; got LinAlgError" in verdict.reason


def test_the_first_model_of_strict_is_judged_at_its_own_confidence() -> None:
    evidence = make_evidence(make_scores(challenger=0.8, opponent=0.3), opponent="baseline")
    assert Strict(check="strict", metric="roc_auc", confidence=0.998).judge(evidence).level == 0.001
    assert FRESH.judge(evidence).level == 0.025


def test_a_gate_is_rated_by_its_metric_and_clusters() -> None:
    assert FRESH.rated == ("roc_auc", "day")
    by_shop = Fresh(check="fresh", metric="log_loss", cluster_by="shop")
    assert by_shop.rated == ("log_loss", "shop")
    assert by_shop.columns == ("shop",)
    assert FRESH.columns == ()


def test_without_a_champion_there_is_no_expected_gain() -> None:
    evidence = make_history(0, 0)
    blind = replace(evidence, scorecard=replace(evidence.scorecard, champion=None))
    with pytest.raises(ValueError, match="no champion or baseline was scored"):
        blind.expected_gain(evidence.rate_versions("roc_auc", "day"), "roc_auc", "day")


def test_chances_never_claim_certainty() -> None:
    assert [format_chance(p) for p in (0.99999, 0.9957, 0.934, 0.05, 0.0001)] == [
        "over 99.9 %",
        "99.6 %",
        "93 %",
        "5 %",
        "under 0.1 %",
    ]

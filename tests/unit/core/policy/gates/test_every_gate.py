"""The contract of `Gate`, for every kind of gate: it fails closed, is deterministic, and its verdict is plain JSON."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any, get_args

import numpy as np
import pytest
from pydantic import TypeAdapter, ValidationError
from tests.builders import ROOT
from tests.require import require

from retrain.adapters.user_code.project_gates import load_gates
from retrain.core.evaluation.resource_usage import Latency
from retrain.core.evaluation.scores import Scores
from retrain.core.policy.error_control import Allotment
from retrain.core.policy.evidence import Evidence
from retrain.core.policy.gates import (
    BUILT_IN_GATES,
    BeatsChampion,
    Custom,
    Gate,
    GateSpec,
    Installed,
    Outcome,
    PointEstimate,
    Slices,
    Verdict,
)
from retrain.testing import GATE_PROMISES, make_column, make_profile, make_resource_usage, make_scores
from retrain.testing import make_evidence as make_unrated_evidence

RATED_BY = (("roc_auc", "day"),)
GATES: dict[str, dict[str, Any]] = {
    "threshold": {"check": "threshold", "metric": "roc_auc", "min": 0.5},
    "fresh": {"check": "fresh", "metric": "roc_auc"},
    "strict": {"check": "strict", "metric": "roc_auc"},
    "beats_champion": {"check": "beats_champion", "metric": "roc_auc", "cluster_by": "day", "resamples": 200},
    "slices": {"check": "slices", "metric": "roc_auc", "max_drop": 0.05, "min_rows": 50},
    "baseline": {"check": "baseline", "metric": "roc_auc", "rule": "guess", "cluster_by": "day", "resamples": 200},
    "fairness": {
        "check": "fairness",
        "by": "place",
        "metric": "roc_auc",
        "max_difference": 0.2,
        "floor": {"accuracy": 0.5},
        "min_group": 50,
        "resamples": 200,
    },
    "calibration": {"check": "calibration", "max_error": 0.3, "bins": 5, "min_rows": 50, "resamples": 200},
    "tail": {"check": "tail", "max_increase": 0.015, "cluster_by": "day"},
    "population": {"check": "population"},
    "leakage": {"check": "leakage"},
    "budget": {"check": "budget", "single_p99": "20ms", "batch_p50": "50ms", "size": "50MB", "memory": "500MB"},
    "point_estimate": {"check": "point_estimate", "metric": "roc_auc"},
    "custom": {
        "check": "custom",
        "gate": "tests.gates:GoodInPlace",
        "params": {"place": "north"},
        "reads": ["place"],
    },
}
MEASURED = ("population", "leakage", "budget")
"""The gates that read no score."""
BETTER = make_scores(challenger=0.8, opponent=0.3, columns={"guess": np.random.default_rng(7).uniform(size=400)})
NOT_OF_THE_OPPONENT = ("threshold", "baseline", "fairness", "calibration", "custom", *MEASURED)


def make_evidence(scores: Scores, **changes: Any) -> Evidence:
    """Return the evidence for `scores`, with a measurement of both models for the gates that read a rating."""
    return make_unrated_evidence(scores, **({"rated_by": RATED_BY if scores.challenger.ndim == 2 else ()} | changes))


def make_gate(name: str, metric: str | None = None, **changes: Any) -> Gate:
    """Return a gate of `GATES`; a custom one is the project's class itself."""
    chosen = {} if metric is None else {"metric": metric}
    gate: Gate = TypeAdapter(GateSpec).validate_python(GATES[name] | chosen | changes)
    return load_gates(ROOT)(gate) if isinstance(gate, Custom) else gate


@pytest.fixture(params=GATES)
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def gate(kind: str) -> Gate:
    return make_gate(kind)


def some_rows(rows: Any) -> Scores:
    return Scores(
        BETTER.y[rows],
        BETTER.challenger[rows],
        None if BETTER.opponent is None else BETTER.opponent[rows],
        BETTER.event_time[rows],
        {name: values[rows] for name, values in BETTER.columns.items()},
        BETTER.baseline,
    )


def test_every_kind_of_gate_is_in_this_suite() -> None:
    kinds = {get_args(kind)[0] for kind in get_args(get_args(GateSpec)[0])} - {Installed}
    checks = {get_args(kind.model_fields["check"].annotation)[0] for kind in kinds}
    assert checks == set(BUILT_IN_GATES) == set(GATES)


# What every gate promises


@pytest.mark.parametrize("promise", GATE_PROMISES, ids=lambda promise: promise.__name__)
def test_every_gate_keeps_every_promise(gate: Gate, promise: Callable[[Gate, Evidence], None]) -> None:
    promise(gate, make_evidence(BETTER))


def test_a_verdict_has_its_number_and_its_bound(gate: Gate) -> None:
    verdict = gate.judge(make_evidence(BETTER))
    assert verdict.outcome is Outcome.PASS
    assert verdict.value is not None
    assert verdict.bound is not None
    assert verdict.check == getattr(gate, "check", verdict.check)


@pytest.mark.parametrize(
    "kind", [name for name in GATES if name not in (*MEASURED, "calibration", "tail")], indirect=True
)
def test_a_verdict_on_a_metric_names_it(gate: Gate) -> None:
    verdict = gate.judge(make_evidence(BETTER))
    assert verdict.metric == "roc_auc"
    assert "roc_auc" in verdict.reason


@pytest.mark.parametrize("rows", [slice(0), [0, 25, 50], BETTER.y == 1], ids=["none", "three", "one class"])
@pytest.mark.parametrize("kind", [name for name in GATES if name not in MEASURED], indirect=True)
def test_too_little_to_judge_is_inconclusive(gate: Gate, rows: Any) -> None:
    assert gate.judge(make_evidence(some_rows(rows))).outcome is Outcome.INCONCLUSIVE


@pytest.mark.parametrize("size", [1e-100, 1e-12, 1e12, 1e200])
def test_a_label_of_any_size_is_judged_alike_or_not_at_all(size: float) -> None:
    scores = make_scores(task="regression", challenger=0.8, opponent=0.3)
    assert scores.opponent is not None
    scaled = replace(scores, y=scores.y * size, challenger=scores.challenger * size, opponent=scores.opponent * size)
    for name in ("beats_champion", "slices", "point_estimate"):
        bounds = {"max_drop": 0.05 * size} if name == "slices" else {}
        for metric in ("mae", "rmse"):
            with np.errstate(over="ignore", under="ignore", invalid="ignore", divide="ignore"):
                better = make_gate(name, metric, **bounds).judge(make_evidence(scaled))
                worse = make_gate(name, metric, **bounds).judge(
                    make_evidence(replace(scaled, challenger=require(scaled.opponent), opponent=scaled.challenger))
                )
            assert better.outcome in (Outcome.PASS, Outcome.INCONCLUSIVE)
            assert worse.outcome in (Outcome.FAIL, Outcome.INCONCLUSIVE)
            if size < 1e100:
                assert better.outcome is Outcome.PASS


@pytest.mark.parametrize("kind", MEASURED, indirect=True)
def test_a_measurement_that_is_not_a_number_never_passes(gate: Gate) -> None:
    nothing = make_column("signal", distance=math.nan, label_association=math.nan)
    calls = tuple(Latency(rows, 300, math.nan, math.nan) for rows in (1, 1000))
    evidence = make_evidence(
        BETTER, profile=make_profile(nothing), resource_usage=make_resource_usage(latencies=calls, memory=math.nan)
    )
    assert gate.judge(evidence).outcome is Outcome.INCONCLUSIVE


def test_a_gate_asks_for_what_it_reads(gate: Gate) -> None:
    evidence = make_evidence(BETTER)
    blind = replace(evidence, scorecard=replace(evidence.scorecard, profile=None, resource_usage=None))
    reads = gate.judge(blind) != gate.judge(evidence)
    assert reads == bool(gate.profiled or gate.batches)


def test_without_an_opponent_a_comparison_says_why(gate: Gate, kind: str) -> None:
    verdict = gate.judge(make_evidence(replace(BETTER, opponent=None)))
    if kind in NOT_OF_THE_OPPONENT:
        assert verdict.outcome is Outcome.PASS
    else:
        assert (verdict.outcome, verdict.reason) == (Outcome.INCONCLUSIVE, "the champion is lost")


@pytest.mark.parametrize("scores", [make_scores(challenger=0.3, opponent=0.8), make_scores(opponent=None)])
def test_a_verdict_survives_its_json(gate: Gate, scores: Scores) -> None:
    verdict = gate.judge(make_evidence(scores))
    assert Verdict.from_json(json.loads(json.dumps(verdict.to_json(), allow_nan=False))) == verdict


def test_a_gate_of_a_spec_is_frozen_and_knows_its_fields(kind: str) -> None:
    gate: Gate = TypeAdapter(GateSpec).validate_python(GATES[kind])
    with pytest.raises(ValidationError, match="frozen"):
        gate.check = "another"  # type: ignore[attr-defined]
    with pytest.raises(ValidationError, match="Extra inputs"):
        TypeAdapter(GateSpec).validate_python(gate.model_dump() | {"margni": 1})


def test_a_passing_verdict_cannot_hold_nan() -> None:
    for numbers in ({"value": math.nan}, {"bound": math.nan}, {"interval": (0.1, math.nan)}):
        with pytest.raises(ValueError, match="must not pass on NaN"):
            Verdict("threshold", Outcome.PASS, "because", metric="roc_auc", **numbers)
    held = Verdict(
        "threshold", Outcome.INCONCLUSIVE, "because", math.nan, math.inf, (math.nan, math.inf), metric="roc_auc"
    )
    again = Verdict.from_json(held.to_json())
    assert (again.value, again.bound) == (None, None)
    assert again.interval is not None
    assert all(map(math.isnan, again.interval))


@pytest.mark.parametrize("side", ["challenger", "opponent"])
@pytest.mark.parametrize("name", ["beats_champion", "point_estimate"])
def test_a_deviance_of_a_prediction_that_is_not_positive_says_whose_and_what_must_hold(name: str, side: str) -> None:
    counts = make_scores(task="regression")
    scores = replace(
        counts, y=np.exp(counts.y), challenger=np.exp(counts.challenger), opponent=np.exp(require(counts.opponent))
    )
    gate = make_gate(name, "poisson_deviance")
    assert gate.judge(make_evidence(scores, metrics=["poisson_deviance"])).outcome is Outcome.PASS
    require(getattr(scores, side))[3] = 0.0
    verdict = gate.judge(make_evidence(scores, metrics=["poisson_deviance"]))
    assert verdict.outcome is Outcome.INCONCLUSIVE
    assert ("champion" if side == "opponent" else "challenger") in verdict.reason
    assert verdict.reason.endswith("check that no label is below 0 and every prediction is above 0")


@pytest.mark.parametrize("method", ["auto", "jackknife", "percentile", "bca"])
def test_a_gain_that_is_equal_in_every_cluster_is_inconclusive_and_says_so(method: str) -> None:
    drawn = make_scores(task="regression")
    scores = replace(drawn, challenger=drawn.y + 0.25, opponent=drawn.y + 0.5, columns=BETTER.columns)
    rule = replace(scores, columns={"guess": drawn.y + 0.5})
    for name, evidence in (("beats_champion", make_evidence(scores)), ("baseline", make_evidence(rule, slices=[]))):
        verdict = make_gate(name, "mae", method=method).judge(evidence)
        assert verdict.outcome is Outcome.INCONCLUSIVE
        assert (
            "got +0.25 in every cluster. Look for a copied model or a leak of the label, or judge by" in verdict.reason
        )
        assert verdict.reason.isprintable()


def test_a_perfect_order_beside_a_constant_is_inconclusive_for_the_area_and_passes_for_the_log_loss() -> None:
    perfect = np.where(BETTER.y == 1, 0.9, 0.1) + BETTER.challenger[:, 1] / 100
    scores = replace(BETTER, challenger=np.column_stack([1 - perfect, perfect]), opponent=np.full((400, 2), 0.5))
    held = make_gate("beats_champion", cluster_by=None).judge(make_evidence(scores))
    assert (held.outcome, held.interval) == (Outcome.INCONCLUSIVE, None)
    assert "got +0.5 in every cluster" in held.reason
    assert make_gate("beats_champion", "log_loss").judge(make_evidence(scores)).outcome is Outcome.PASS


def test_slices_of_a_drop_that_is_equal_in_every_cluster_are_judged_by_its_size() -> None:
    drawn = make_scores(task="regression")
    scores = replace(drawn, challenger=drawn.y + 0.5, opponent=drawn.y + 0.25)
    large, small = (make_gate("slices", "mae", max_drop=most).judge(make_evidence(scores)) for most in (0.1, 0.3))
    assert (large.outcome, small.outcome) == (Outcome.FAIL, Outcome.PASS)


def test_slices_fail_if_every_row_of_one_gets_worse() -> None:
    right, wrong = np.column_stack([1 - BETTER.y, BETTER.y]), np.column_stack([BETTER.y, 1 - BETTER.y])
    north = BETTER.columns["place"] == "north"
    scores = replace(BETTER, opponent=right, challenger=np.where(north[:, None], wrong, right))
    verdict = make_gate("slices", "accuracy").judge(make_evidence(scores))
    assert verdict.outcome is Outcome.FAIL
    assert "accuracy of place=north drops 1.0000" in verdict.reason


# Threshold


@pytest.mark.parametrize(
    ("bounds", "outcome", "words"),
    [
        ({"min": 0.5}, Outcome.PASS, "meets the minimum of 0.5"),
        ({"min": 0.999}, Outcome.FAIL, "is below the minimum of 0.999"),
        ({"min": None, "max": 0.999}, Outcome.PASS, "meets the maximum of 0.999"),
        ({"min": None, "max": 0.5}, Outcome.FAIL, "is above the maximum of 0.5"),
        ({"min": 0.2, "max": 0.5}, Outcome.FAIL, "is above the maximum of 0.5"),
        ({"min": 0.5, "min_rows": 401}, Outcome.INCONCLUSIVE, "has 400 rows and min_rows is 401"),
    ],
)
def test_a_threshold_holds_the_challenger_to_its_bounds(bounds: dict[str, Any], outcome: Outcome, words: str) -> None:
    verdict = make_gate("threshold", **bounds).judge(make_evidence(BETTER))
    assert verdict.outcome is outcome
    assert words in verdict.reason


def test_a_threshold_itself_is_within_bounds() -> None:
    value = make_evidence(BETTER).challenger_metric("roc_auc")
    assert make_gate("threshold", min=value, max=value).judge(make_evidence(BETTER)).outcome is Outcome.PASS


# Beats champion


@pytest.mark.parametrize(
    ("challenger", "opponent", "margin", "outcome", "words"),
    [
        (0.8, 0.3, 0.0, Outcome.PASS, "] is above 0"),
        (0.3, 0.8, 0.0, Outcome.FAIL, "] is below 0"),
        (0.45, 0.5, 0.0, Outcome.INCONCLUSIVE, "] includes 0: not significant. "),
        (0.5, 0.5, -0.2, Outcome.PASS, "] is above the margin -0.2"),
        (0.8, 0.3, 0.9, Outcome.FAIL, "] is below the margin +0.9"),
    ],
)
def test_beats_champion_asks_the_interval_of_the_gain(
    challenger: float, opponent: float, margin: float, outcome: Outcome, words: str
) -> None:
    scores = make_scores(challenger=challenger, opponent=opponent)
    verdict = make_gate("beats_champion", margin=margin).judge(make_evidence(scores))
    assert verdict.outcome is outcome
    assert words in verdict.reason
    assert "over the champion" in verdict.reason
    assert verdict.interval is not None
    assert verdict.value is not None
    assert verdict.interval[0] < verdict.value < verdict.interval[1]


def test_beats_champion_says_when_it_met_the_baseline() -> None:
    assert "over the baseline" in make_gate("beats_champion").judge(make_evidence(BETTER, opponent="baseline")).reason


def test_a_lower_loss_beats_the_champion() -> None:
    assert make_gate("beats_champion", "log_loss").judge(make_evidence(BETTER)).outcome is Outcome.PASS
    regression = make_scores(task="regression", challenger=0.8, opponent=0.3)
    assert make_gate("beats_champion", "mae").judge(make_evidence(regression)).outcome is Outcome.PASS


@pytest.mark.parametrize(
    ("rows", "cluster_by", "words"),
    [
        (60, "day", "at least 4 clusters"),
        (7, None, "at least 8 clusters"),
        (400, "shop", "cluster_by must be hour, day, week, month or a column"),
    ],
)
def test_beats_champion_says_why_it_cannot_tell(rows: int, cluster_by: str | None, words: str) -> None:
    verdict = make_gate("beats_champion", cluster_by=cluster_by).judge(make_evidence(make_scores(rows)))
    assert verdict.outcome is Outcome.INCONCLUSIVE
    assert words in verdict.reason


@pytest.mark.parametrize(
    ("method", "words"),
    [
        ("auto", "at least 8 clusters with each class; got 1"),
        ("percentile", "has no finite interval"),
        ("bca", "has no finite interval"),
        ("jackknife", "has no finite interval"),
    ],
)
def test_beats_champion_without_a_finite_interval_is_inconclusive(method: str, words: str) -> None:
    rare = replace(BETTER, y=(np.arange(400) == 3).astype(float))
    verdict = make_gate("beats_champion", method=method).judge(make_evidence(rare))
    assert verdict.outcome is Outcome.INCONCLUSIVE
    assert words in verdict.reason


@pytest.mark.parametrize(
    ("metric", "method", "used"),
    [
        ("roc_auc", "auto", "jackknife"),
        ("roc_auc", "delong", "delong"),
        ("log_loss", "auto", "jackknife"),
        ("roc_auc", "jackknife", "jackknife"),
        ("roc_auc", "percentile", "percentile"),
        ("roc_auc", "bca", "bca"),
    ],
)
def test_beats_champion_says_how_it_judged_and_what_it_could_have_seen(metric: str, method: str, used: str) -> None:
    verdict = make_gate("beats_champion", metric, method=method, margin=-0.01).judge(make_evidence(BETTER))
    assert (verdict.method, verdict.level, verdict.outcome) == (used, 0.025, Outcome.PASS)
    assert verdict.interval is not None
    assert verdict.value is not None
    assert verdict.detectable is not None
    # A detectable gain clears the margin by more than the half of the interval that must lie over it.
    assert verdict.detectable - -0.01 > verdict.value - verdict.interval[0]
    assert verdict.rows_needed is None


def test_beats_champion_says_how_many_rows_would_confirm_a_gain() -> None:
    scores = make_scores(challenger=0.5, opponent=0.49)
    verdict = make_gate("beats_champion").judge(make_evidence(scores))
    assert verdict.outcome is Outcome.INCONCLUSIVE
    assert verdict.value is not None
    assert verdict.value > 0
    assert verdict.rows_needed is not None
    assert verdict.rows_needed > 0
    assert f"This holdout detects gains of {verdict.detectable:.2g} or more (80 % power); confirming" in verdict.reason
    assert re.search(r"needs about [\d,]+ more rows \([\d,]+ days\)\.", verdict.reason)
    alone = make_gate("beats_champion", cluster_by=None, confidence=0.999).judge(make_evidence(scores))
    assert re.search(r"99\.9 % interval .* more rows\.", alone.reason)
    many = replace(scores, columns={"shop": np.arange(400) % 40})
    by_shop = make_gate("beats_champion", cluster_by="shop", confidence=0.999).judge(make_evidence(many, slices=()))
    assert re.search(r"more rows \([\d,]+ clusters\)\.", by_shop.reason)
    assert scores.opponent is not None
    swapped = replace(scores, challenger=scores.opponent, opponent=scores.challenger)
    worse = make_gate("beats_champion").judge(make_evidence(swapped))
    assert worse.outcome is Outcome.INCONCLUSIVE
    assert worse.rows_needed is None
    assert worse.reason.endswith(f"more rows would not confirm a gain of {worse.value:+.4f}.")


def test_beats_champion_says_when_waiting_is_pointless() -> None:
    gate = make_gate("beats_champion")
    found: dict[bool, str] = {}
    for opponent in (0.49, 0.55, 0.6, 0.62, 0.64, 0.66, 0.68, 0.7):
        verdict = gate.judge(make_evidence(make_scores(challenger=0.5, opponent=opponent)))
        if verdict.rows_needed is not None:
            found[verdict.rows_needed > 20 * 400] = verdict.reason
    assert re.search(
        r"Waiting will not confirm a gain of 0\.\d+: it needs more than 20 times these rows\.", found[True]
    )
    assert "Waiting" not in found[False]


def test_beats_champion_says_when_waiting_takes_years() -> None:
    gate = make_gate("beats_champion", cluster_by="week")
    opponents = (0.46, 0.49, 0.52, 0.55, 0.6, 0.62, 0.64, 0.66)
    scores = [make_scores(challenger=0.5, opponent=opponent, rows_per_day=1) for opponent in opponents]
    verdicts = [verdict for verdict in (gate.judge(make_evidence(item)) for item in scores) if verdict.rows_needed]
    late = [verdict for verdict in verdicts if 3 * 365 < require(verdict.rows_needed) < 20 * 400]
    assert late
    assert all("it needs more than 3 years." in verdict.reason for verdict in late)


def test_the_same_scores_never_show_superiority_and_always_non_inferiority() -> None:
    same = make_evidence(replace(BETTER, opponent=BETTER.challenger))
    verdict = make_gate("beats_champion").judge(same)
    assert (verdict.outcome, verdict.value, verdict.interval) == (Outcome.INCONCLUSIVE, 0.0, (0.0, 0.0))
    assert "Both models give the same scores" in verdict.reason
    assert make_gate("beats_champion", margin=-0.001).judge(same).outcome is Outcome.PASS


def test_error_control_takes_from_the_level_and_never_adds_to_it() -> None:
    marginal = make_evidence(make_scores(challenger=0.55, opponent=0.45))

    def judged(level: float, why_none: str = "") -> Verdict:
        given = Allotment("alpha_spending", level, "test", "sequence", 1, why_none)
        return make_gate("beats_champion").judge(replace(marginal, allotment=given))

    assert (judged(0.4).level, judged(0.4).outcome) == (0.025, Outcome.PASS)
    assert (judged(1e-9).level, judged(1e-9).outcome) == (1e-9, Outcome.INCONCLUSIVE)
    spent = judged(0.0, "the error budget of 0.05 is spent; retrains can promote again from 2025-01-01")
    assert (spent.level, spent.outcome, spent.reason) == (
        0.0,
        Outcome.INCONCLUSIVE,
        "the error budget of 0.05 is spent; retrains can promote again from 2025-01-01",
    )


@pytest.mark.parametrize("kind", ["threshold", "point_estimate", "beats_champion", "baseline", "slices"])
def test_a_class_without_rows_does_not_count_and_the_reason_says_so(kind: str) -> None:
    changes = {"rule": None} if kind == "baseline" else {}
    three, four = (make_scores(classes=classes) for classes in (3, 4))
    verdict = make_gate(kind, **changes).judge(make_evidence(replace(three, y=three.y % 2)))
    assert verdict.value is not None
    assert math.isfinite(verdict.value)
    assert "1 class has no row in this holdout and does not count" in verdict.reason
    several = make_gate(kind, **changes).judge(make_evidence(replace(four, y=four.y % 2)))
    assert "2 classes have no row in this holdout and do not count" in several.reason
    assert "no row" not in make_gate(kind, **changes).judge(make_evidence(three)).reason
    if kind != "threshold":
        other = make_gate(kind, "log_loss", **changes).judge(make_evidence(replace(three, y=three.y % 2)))
        assert "no row" not in other.reason


def test_the_sentence_about_classes_follows_a_full_stop_too() -> None:
    same = make_scores(classes=3, opponent=None)
    held = make_gate("beats_champion").judge(make_evidence(replace(same, y=same.y % 2, opponent=same.challenger)))
    assert held.reason.endswith(
        "Both models give the same scores. 1 class has no row in this holdout and does not count."
    )


def stormy_scores(rows: int, **changes: Any) -> Scores:
    """Return scores of a regression whose challenger is better, and less so in every other stretch of 7 days."""
    scores = make_scores(rows, task="regression", challenger=0.8, opponent=0.0)
    stormy = np.arange(rows) // (7 * 20) % 2
    return replace(scores, challenger=scores.challenger + 0.6 * stormy, **changes)


def test_days_that_hang_together_are_joined_and_the_reason_says_so() -> None:
    evidence = make_evidence(stormy_scores(28 * 20))
    said = r"days hang together \(autocorrelation 0\.\d\d\), so they were joined into 4 blocks of 7"
    passed = make_gate("beats_champion", "mae").judge(evidence)
    assert (passed.outcome, passed.method) == (Outcome.PASS, "jackknife over 4 blocks")
    assert re.search(f"is above 0; {said}$", passed.reason)
    held = make_gate("beats_champion", "mae", margin=passed.value).judge(evidence)
    assert held.outcome is Outcome.INCONCLUSIVE
    assert re.search(rf"\. D{said[1:]}\.$", held.reason)
    over_dummy = make_gate("baseline", "mae", rule=None).judge(evidence)
    assert over_dummy.method == "jackknife over 4 blocks"
    assert re.search(said, over_dummy.reason)
    by_slice = make_gate("slices", "mae", cluster_by="day").judge(evidence)
    assert by_slice.method == "jackknife over 4 blocks, Holm over 2"
    assert re.search(said, by_slice.reason)
    uneven = make_gate("beats_champion", "mae").judge(make_evidence(stormy_scores(26 * 20)))
    assert "into 4 blocks of 6 or 7" in uneven.reason


def test_days_that_do_not_hang_together_stay_and_so_do_clusters_without_an_order() -> None:
    independent = make_gate("beats_champion", "mae").judge(make_evidence(make_scores(28 * 20, task="regression")))
    assert independent.method == "jackknife"
    assert "hang together" not in independent.reason
    stormy = stormy_scores(28 * 20)
    by_column = replace(
        stormy, columns={"day": np.arange(28 * 20) // 20}
    )  # a column, though its name is that of a period
    verdict = make_gate("beats_champion", "mae").judge(make_evidence(by_column, slices=()))
    assert verdict.method == "jackknife"


def test_four_weeks_are_enough_to_cluster_by() -> None:
    verdict = make_gate("beats_champion", cluster_by="week").judge(make_evidence(make_scores(28 * 20)))
    assert verdict.outcome is Outcome.PASS
    too_short = make_gate("beats_champion", cluster_by="week").judge(make_evidence(make_scores(14 * 20)))
    assert "at least 4 clusters; got 3" in too_short.reason


# Slices


def slices_of(*slices: tuple[str, int, float, float], seed: int = 7) -> Evidence:
    """Return evidence of slices (name, rows, how much the challenger knows, how much the opponent), five rows a day each."""
    parts = [
        make_scores(rows, challenger=challenger, opponent=opponent, seed=seed + number)
        for number, (_, rows, challenger, opponent) in enumerate(slices)
    ]
    days = [np.arange(rows) // 5 * np.timedelta64(1, "D") for _, rows, _, _ in slices]
    names = [np.full(rows, name, dtype=object) for name, rows, _, _ in slices]
    scores = Scores(
        np.concatenate([part.y for part in parts]),
        np.concatenate([part.challenger for part in parts]),
        np.concatenate([part.challenger if part.opponent is None else part.opponent for part in parts]),
        np.datetime64("2024-06-01", "us") + np.concatenate(days),
        {"place": np.concatenate(names)},
    )
    return make_evidence(scores)


@pytest.mark.parametrize(
    ("slices", "outcome", "words"),
    [
        ([("north", 90, 0.8, 0.7), ("south", 90, 0.7, 0.7)], Outcome.PASS, "worst of 2 slices: roc_auc of place=south"),
        ([("north", 90, 0.9, 0.3)], Outcome.PASS, "roc_auc of place=north gains 0."),
        ([("north", 90, 0.9, 0.3), ("south", 90, 0.1, 0.9)], Outcome.FAIL, "place=south drops 0."),
        ([("north", 90, 0.8, 0.3), ("south", 49, 0.1, 0.9)], Outcome.PASS, "worst of 1 slice:"),
        ([("north", 49, 0.8, 0.7)], Outcome.INCONCLUSIVE, "no slice can be tested: none has 50 rows"),
    ],
)
def test_slices_judge_the_worst_slice(slices: list[Any], outcome: Outcome, words: str) -> None:
    verdict = make_gate("slices").judge(slices_of(*slices))
    assert verdict.outcome is outcome
    assert words in verdict.reason


@pytest.mark.parametrize("side", ["challenger", "opponent"])
def test_a_slice_with_a_metric_of_one_model_only_is_inconclusive(side: str) -> None:
    evidence = slices_of(("north", 90, 0.9, 0.3), ("south", 90, 0.9, 0.3))
    broken = [replace(item, **dict[str, Any]({side: {"roc_auc": math.nan}})) for item in evidence.slice_scores()[:1]]
    card = replace(evidence.scorecard, slices=(*broken, *evidence.slice_scores()[1:]))
    verdict = make_gate("slices").judge(replace(evidence, scorecard=card))
    assert verdict.outcome is Outcome.INCONCLUSIVE
    assert "place=north is defined for only one of the two models" in verdict.reason
    undefined = [replace(item, challenger={"roc_auc": math.nan}, opponent={"roc_auc": math.nan}) for item in broken]
    card = replace(card, slices=(*undefined, *evidence.slice_scores()[1:]))
    assert "worst of 1 slice:" in make_gate("slices").judge(replace(evidence, scorecard=card)).reason


def test_a_slice_that_would_fail_alone_passes_among_many() -> None:
    """A drop whose p-value is between the level and the level shared by all slices."""
    suspect, others = ("south", 90, 0.55, 0.7), [(f"s{number:02d}", 90, 0.6, 0.5) for number in range(19)]
    alone = make_gate("slices", max_drop=0.0).judge(slices_of(suspect))
    among = make_gate("slices", max_drop=0.0).judge(slices_of(suspect, *others))
    assert alone.outcome is Outcome.FAIL
    assert among.outcome is Outcome.PASS
    assert "worst of 20 slices: roc_auc of place=south drops" in among.reason
    assert "not significantly above" in among.reason
    assert among.method == "delong, Holm over 20"


@pytest.mark.parametrize("base_rate", [0.3, 0.01])
def test_twenty_harmless_slices_do_not_hold_a_challenger(base_rate: float) -> None:
    random, outcomes = np.random.default_rng(7), []
    place = np.array([f"s{number:02d}" for number in range(20)], dtype=object)[np.arange(20_000) % 20]
    times = np.full(20_000, np.datetime64("2024-06-01", "us"))
    for _ in range(6):
        y = (random.random(20_000) < base_rate).astype(float)
        sides = 1 / (1 + np.exp(-y - random.normal(size=(2, 20_000))))
        challenger, opponent = (np.column_stack([1 - side, side]) for side in sides)
        evidence = make_evidence(Scores(y, challenger, opponent, times, {"place": place}))
        outcomes.append(make_gate("slices", max_drop=0.0, min_rows=500).judge(evidence).outcome)
    assert Outcome.INCONCLUSIVE not in outcomes
    assert outcomes.count(Outcome.PASS) >= 5  # 19 in 20 are stated


def test_a_drop_within_noise_passes_and_the_verdict_gives_the_detectable_drop() -> None:
    verdict = make_gate("slices", max_drop=0.001).judge(slices_of(("north", 90, 0.5, 0.5), ("south", 90, 0.5, 0.51)))
    assert verdict.outcome is Outcome.PASS
    assert verdict.value is not None
    assert verdict.value > 0.001
    assert "not significantly above the maximum of 0.001" in verdict.reason
    assert verdict.detectable is not None
    assert verdict.detectable > verdict.value


def test_a_slice_that_cannot_be_tested_is_named_and_holds_only_if_asked_to() -> None:
    """Three days of one slice are too few clusters; 15 rows of another too few rows."""
    slices: list[Any] = [("north", 90, 0.8, 0.7), ("south", 15, 0.1, 0.9), ("west", 10, 0.1, 0.9)]
    few: dict[str, Any] = {"cluster_by": "day", "min_rows": 15}
    listed = make_gate("slices", **few).judge(slices_of(*slices))
    assert listed.outcome is Outcome.PASS
    assert listed.reason.startswith("worst of 1 slice: roc_auc of place=north ")
    assert listed.reason.endswith("; too few rows or clusters to test place=west, place=south")
    assert listed.method == "jackknife, Holm over 1"
    held = make_gate("slices", **few, untested="hold").judge(slices_of(*slices))
    assert held.outcome is Outcome.INCONCLUSIVE
    assert held.reason == f"{listed.reason}; widen the holdout, lower min_rows or set untested to list"
    every = make_gate("slices", **few, untested="hold").judge(slices_of(slices[0]))
    assert every.outcome is Outcome.PASS


def test_a_slice_that_fails_outweighs_one_that_cannot_be_tested() -> None:
    slices: list[Any] = [("north", 90, 0.1, 0.9), *((f"s{number}", 20, 0.5, 0.5) for number in range(7))]
    verdict = make_gate("slices", untested="hold").judge(slices_of(*slices))
    assert verdict.outcome is Outcome.FAIL
    assert verdict.reason.endswith(
        "; too few rows or clusters to test place=s0, place=s1, place=s2, place=s3, place=s4 and 2 more"
    )


def test_slices_of_which_none_can_be_tested_are_inconclusive() -> None:
    for untested in ("list", "hold"):
        gate = make_gate("slices", cluster_by="day", min_rows=15, untested=untested)
        verdict = gate.judge(slices_of(("south", 15, 0.1, 0.9)))
        assert (verdict.outcome, verdict.detectable) == (Outcome.INCONCLUSIVE, None)
        assert "no slice can be tested" in verdict.reason


def test_slices_that_cannot_be_clustered_are_inconclusive() -> None:
    verdict = make_gate("slices", cluster_by="shop").judge(make_evidence(BETTER))
    assert verdict.outcome is Outcome.INCONCLUSIVE
    assert "cluster_by must be hour, day, week, month or a column" in verdict.reason


def test_slices_cluster_as_the_spec_says() -> None:
    gate = make_gate("slices", cluster_by="place")
    assert isinstance(gate, Slices)
    assert gate.columns == ("place",)
    assert isinstance(by_day := make_gate("slices", cluster_by="day"), Slices)
    assert by_day.columns == ()
    evidence = slices_of(("north", 200, 0.5, 0.45))
    alone, together = (make_gate("slices", **by).judge(evidence) for by in ({}, {"cluster_by": "day"}))
    assert alone.detectable != together.detectable


def test_a_rising_loss_is_a_drop() -> None:
    worse = slices_of(("north", 90, 0.1, 0.9))
    assert make_gate("slices", "log_loss").judge(worse).outcome is Outcome.FAIL
    assert isinstance(make_gate("beats_champion"), BeatsChampion)


# Point estimate


@pytest.mark.parametrize(
    ("challenger", "opponent", "margin", "outcome", "words"),
    [
        (0.8, 0.3, 0.0, Outcome.PASS, "better than the champion's"),
        (0.3, 0.8, 0.0, Outcome.FAIL, "worse than the champion's"),
        (0.5, 0.5, 0.0, Outcome.PASS, "0.0000 better"),
        (0.8, 0.3, 0.9, Outcome.FAIL, "better than the champion's"),
    ],
)
def test_a_point_estimate_asks_nothing_of_luck(
    challenger: float, opponent: float, margin: float, outcome: Outcome, words: str
) -> None:
    scores = make_scores(challenger=challenger, opponent=opponent)
    if challenger == opponent:
        scores = replace(scores, opponent=scores.challenger)
    verdict = make_gate("point_estimate", margin=margin).judge(make_evidence(scores))
    assert verdict.outcome is outcome
    assert words in verdict.reason


def test_a_point_estimate_of_a_loss_counts_less_as_better() -> None:
    gate = make_gate("point_estimate", "log_loss")
    assert isinstance(gate, PointEstimate)
    assert gate.judge(make_evidence(BETTER)).outcome is Outcome.PASS

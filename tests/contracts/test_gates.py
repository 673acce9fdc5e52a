"""The contract of `Gate`, for every kind of gate: it fails closed, is deterministic, and its verdict is plain JSON."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from typing import Any, get_args

import numpy as np
import pytest
from pydantic import TypeAdapter, ValidationError
from tests.builders import make_column, make_evidence, make_footprint, make_profile, make_scores

from retrain.core.evidence import Evidence
from retrain.core.footprint import Latency
from retrain.core.gates import BeatsChampion, Gate, GateSpec, Outcome, PointEstimate, Slices, Threshold, Verdict
from retrain.core.scorecard import SliceScore
from retrain.core.scores import Scores

GATES: dict[str, dict[str, Any]] = {
    "threshold": {"check": "threshold", "min": 0.5},
    "beats_champion": {"check": "beats_champion", "cluster_by": "day", "resamples": 200},
    "slices": {"check": "slices", "max_drop": 0.05, "min_rows": 50},
    "point_estimate": {"check": "point_estimate"},
    "population": {"check": "population"},
    "leakage": {"check": "leakage"},
    "budget": {"check": "budget", "single_p99": "20ms", "batch_p50": "50ms", "size": "50MB", "memory": "500MB"},
}
MEASURED = ("population", "leakage", "budget")
"""The gates that read no metric."""
BETTER = make_scores(challenger=0.8, opponent=0.3)


def make_gate(name: str, metric: str = "roc_auc", **changes: Any) -> Gate:
    named = {} if name in MEASURED else {"metric": metric}
    gate: Gate = TypeAdapter(GateSpec).validate_python(GATES[name] | named | changes)
    return gate


@pytest.fixture(params=GATES)
def gate(request: pytest.FixtureRequest) -> Gate:
    return make_gate(request.param)


@pytest.fixture(params=[name for name in GATES if name not in MEASURED])
def metric_gate(request: pytest.FixtureRequest) -> Gate:
    return make_gate(request.param)


@pytest.fixture(params=MEASURED)
def measured_gate(request: pytest.FixtureRequest) -> Gate:
    return make_gate(request.param)


def without(evidence: Evidence, *, metric: str) -> Evidence:
    """Return the evidence as if the metric had never been computed."""

    def cut(metrics: dict[str, float]) -> dict[str, float]:
        return {name: value for name, value in metrics.items() if name != metric}

    card = evidence.scorecard
    slices = tuple(replace(item, challenger=cut(item.challenger), opponent=cut(item.opponent)) for item in card.slices)
    return replace(
        evidence,
        scorecard=replace(
            card,
            challenger_metrics=cut(card.challenger_metrics),
            opponent_metrics=cut(card.opponent_metrics),
            slices=slices,
        ),
    )


def nan_for(evidence: Evidence, side: str) -> Evidence:
    """Return the evidence with NaN for every metric and score of one side."""
    card, scores = evidence.scorecard, evidence.scores
    metrics = {f"{side}_metrics": dict.fromkeys(card.challenger_metrics, math.nan)}
    slices = tuple(replace(item, **{side: dict.fromkeys(item.challenger, math.nan)}) for item in card.slices)
    return Evidence(
        replace(card, slices=slices, **metrics),
        replace(scores, **{side: np.full_like(scores.challenger, np.nan)}),
    )


def some_rows(rows: Any) -> Scores:
    return Scores(
        BETTER.y[rows],
        BETTER.challenger[rows],
        None if BETTER.opponent is None else BETTER.opponent[rows],
        BETTER.event_time[rows],
        {name: values[rows] for name, values in BETTER.columns.items()},
    )


def test_every_kind_of_gate_is_in_this_suite() -> None:
    union = get_args(get_args(GateSpec)[0])
    assert {get_args(kind.model_fields["check"].annotation)[0] for kind in union} == set(GATES)


# What every gate promises


def test_a_better_challenger_passes(gate: Gate) -> None:
    verdict = gate.judge(make_evidence(BETTER))
    assert verdict.outcome is Outcome.PASS
    assert verdict.gate.startswith(gate.check)  # type: ignore[attr-defined]
    assert verdict.value is not None
    assert verdict.bound is not None


def test_a_verdict_on_a_metric_names_it(metric_gate: Gate) -> None:
    verdict = metric_gate.judge(make_evidence(BETTER))
    assert verdict.gate.endswith("(roc_auc)")
    assert "roc_auc" in verdict.reason


def test_the_same_evidence_gives_the_same_verdict(gate: Gate) -> None:
    assert gate.judge(make_evidence(BETTER)) == gate.judge(make_evidence(BETTER))


def test_a_missing_metric_never_passes(metric_gate: Gate) -> None:
    assert metric_gate.judge(without(make_evidence(BETTER), metric="roc_auc")).outcome is Outcome.INCONCLUSIVE


@pytest.mark.parametrize("side", ["challenger", "opponent"])
def test_nan_never_passes(metric_gate: Gate, side: str) -> None:
    if isinstance(metric_gate, Threshold) and side == "opponent":
        return  # a threshold does not look at the opponent
    assert metric_gate.judge(nan_for(make_evidence(BETTER), side)).outcome is Outcome.INCONCLUSIVE


@pytest.mark.parametrize("name", [name for name in GATES if name != "budget"])
def test_no_rows_never_pass(name: str) -> None:
    assert make_gate(name).judge(make_evidence(some_rows(slice(0)))).outcome is Outcome.INCONCLUSIVE


@pytest.mark.parametrize("name", [name for name in GATES if name != "budget"])
def test_three_rows_never_pass(name: str) -> None:
    assert make_gate(name).judge(make_evidence(some_rows([0, 25, 50]))).outcome is Outcome.INCONCLUSIVE


def test_a_single_class_never_passes(metric_gate: Gate) -> None:
    assert metric_gate.judge(make_evidence(some_rows(BETTER.y == 1))).outcome is Outcome.INCONCLUSIVE


def test_what_was_not_measured_never_passes(measured_gate: Gate) -> None:
    verdict = measured_gate.judge(make_evidence(BETTER, profile=None, footprint=None))
    assert verdict.outcome is Outcome.INCONCLUSIVE
    assert "was measured" in verdict.reason


def test_a_measurement_that_is_no_number_never_passes(measured_gate: Gate) -> None:
    nothing = make_column("signal", distance=math.nan, strength=math.nan)
    calls = tuple(Latency(rows, 300, math.nan, math.nan) for rows in (1, 1000))
    evidence = make_evidence(
        BETTER, profile=make_profile(nothing), footprint=make_footprint(latencies=calls, memory=math.nan)
    )
    assert measured_gate.judge(evidence).outcome is Outcome.INCONCLUSIVE


def test_a_gate_asks_for_what_it_reads(gate: Gate) -> None:
    evidence = make_evidence(BETTER)
    blind = replace(evidence, scorecard=replace(evidence.scorecard, profile=None, footprint=None))
    reads = gate.judge(blind) != gate.judge(evidence)
    assert reads == bool(gate.profiled or gate.batches)


def test_no_opponent_never_passes_where_one_is_needed(metric_gate: Gate) -> None:
    verdict = metric_gate.judge(make_evidence(make_scores(opponent=None)))
    if isinstance(metric_gate, Threshold):
        assert verdict.outcome is Outcome.PASS
    else:
        assert (verdict.outcome, verdict.reason) == (Outcome.INCONCLUSIVE, "the champion is lost")


@pytest.mark.parametrize(
    "scores", [BETTER, make_scores(challenger=0.3, opponent=0.8), make_scores(opponent=None), some_rows(slice(0))]
)
def test_a_verdict_survives_its_json(gate: Gate, scores: Scores) -> None:
    verdict = gate.judge(make_evidence(scores))
    again = Verdict.from_json(json.loads(json.dumps(verdict.to_json(), allow_nan=False)))
    if verdict.value is not None and math.isnan(verdict.value):
        verdict = replace(verdict, value=None)
    assert again == verdict


def test_a_gate_cannot_be_changed_and_knows_its_fields(gate: Gate) -> None:
    with pytest.raises(ValidationError, match="frozen"):
        gate.check = "another"  # type: ignore[attr-defined]
    with pytest.raises(ValidationError, match="Extra inputs"):
        TypeAdapter(GateSpec).validate_python(gate.model_dump() | {"margni": 1})


def test_a_passing_verdict_cannot_hold_nan() -> None:
    for numbers in ({"value": math.nan}, {"bound": math.nan}, {"interval": (0.1, math.nan)}):
        with pytest.raises(ValueError, match="must not pass on NaN"):
            Verdict("threshold(roc_auc)", Outcome.PASS, "because", **numbers)
    held = Verdict("threshold(roc_auc)", Outcome.INCONCLUSIVE, "because", math.nan, math.inf, (math.nan, math.inf))
    again = Verdict.from_json(held.to_json())
    assert (again.value, again.bound) == (None, None)
    assert again.interval is not None
    assert all(map(math.isnan, again.interval))


# Threshold


@pytest.mark.parametrize(
    ("bounds", "outcome", "words"),
    [
        ({"min": 0.5}, Outcome.PASS, "keeps its bound 0.5"),
        ({"min": 0.999}, Outcome.FAIL, "is under 0.999"),
        ({"min": None, "max": 0.999}, Outcome.PASS, "keeps its bound 0.999"),
        ({"min": None, "max": 0.5}, Outcome.FAIL, "is over 0.5"),
        ({"min": 0.2, "max": 0.5}, Outcome.FAIL, "is over 0.5"),
        ({"min": 0.5, "min_rows": 401}, Outcome.INCONCLUSIVE, "rests on 400 rows, fewer than 401"),
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
        (0.8, 0.3, 0.0, Outcome.PASS, "lies over +0"),
        (0.3, 0.8, 0.0, Outcome.FAIL, "lies under +0"),
        (0.45, 0.5, 0.0, Outcome.INCONCLUSIVE, "does not settle +0"),
        (0.5, 0.5, -0.2, Outcome.PASS, "lies over -0.2"),
        (0.8, 0.3, 0.9, Outcome.FAIL, "lies under +0.9"),
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
    [(140, "day", "at least 8 clusters"), (400, "shop", "cluster_by must be hour, day, week, month or a column")],
)
def test_beats_champion_says_why_it_cannot_tell(rows: int, cluster_by: str, words: str) -> None:
    verdict = make_gate("beats_champion", cluster_by=cluster_by).judge(make_evidence(make_scores(rows)))
    assert verdict.outcome is Outcome.INCONCLUSIVE
    assert words in verdict.reason


@pytest.mark.filterwarnings("ignore:The BCa confidence interval")
def test_beats_champion_without_a_finite_interval_is_inconclusive() -> None:
    rare = replace(BETTER, y=(np.arange(400) == 3).astype(float))
    verdict = make_gate("beats_champion").judge(make_evidence(rare))
    assert verdict.outcome is Outcome.INCONCLUSIVE
    assert "has no finite interval" in verdict.reason


# Slices


def with_slices(*slices: tuple[str, int, float, float], metric: str = "roc_auc") -> Evidence:
    scored = tuple(
        SliceScore("place", name, rows, {metric: mine}, {metric: theirs}) for name, rows, mine, theirs in slices
    )
    evidence = make_evidence(BETTER)
    return replace(evidence, scorecard=replace(evidence.scorecard, slices=scored))


@pytest.mark.parametrize(
    ("slices", "outcome", "words"),
    [
        (
            [("north", 90, 0.80, 0.70), ("south", 90, 0.70, 0.72)],
            Outcome.PASS,
            "worst of 2 slices: roc_auc of place=south drops 0.02",
        ),
        ([("north", 90, 0.80, 0.70)], Outcome.PASS, "roc_auc of place=north gains 0.1"),
        (
            [("north", 90, 0.99, 0.50), ("south", 90, 0.60, 0.70)],
            Outcome.FAIL,
            "place=south drops 0.1000, more than 0.05",
        ),
        ([("north", 90, 0.80, 0.70), ("south", 49, 0.10, 0.70)], Outcome.PASS, "worst of 1 slices"),
        ([("north", 49, 0.80, 0.70)], Outcome.INCONCLUSIVE, "no slice has 50 rows"),
        ([("north", 90, 0.8, 0.7), ("south", 90, math.nan, math.nan)], Outcome.PASS, "worst of 1 slices"),
        (
            [("north", 90, 0.8, 0.7), ("south", 90, math.nan, 0.7)],
            Outcome.INCONCLUSIVE,
            "place=south is a number on one side",
        ),
        (
            [("north", 90, 0.8, 0.7), ("south", 90, 0.7, math.nan)],
            Outcome.INCONCLUSIVE,
            "place=south is a number on one side",
        ),
        ([], Outcome.INCONCLUSIVE, "no slice has 50 rows"),
    ],
)
def test_slices_judge_the_worst_slice(slices: list[Any], outcome: Outcome, words: str) -> None:
    verdict = make_gate("slices").judge(with_slices(*slices))
    assert verdict.outcome is outcome
    assert words in verdict.reason


def test_a_rising_loss_is_a_drop() -> None:
    worse = with_slices(("north", 90, 0.9, 0.7), metric="log_loss")
    assert make_gate("slices", "log_loss").judge(worse).outcome is Outcome.FAIL
    assert isinstance(make_gate("slices"), Slices)
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

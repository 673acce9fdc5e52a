"""The contract of `Gate`, for every kind of gate: it fails closed, is deterministic, and its verdict is plain JSON."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any, get_args

import numpy as np
import pytest
from pydantic import TypeAdapter, ValidationError
from tests.builders import ROOT, make_evidence, make_scores

from retrain.adapters.project_gates import gates_below
from retrain.core.evidence import Evidence
from retrain.core.gates import (
    BeatsChampion,
    Calibration,
    Custom,
    Gate,
    GateSpec,
    Outcome,
    PointEstimate,
    Slices,
    Verdict,
)
from retrain.core.scorecard import SliceScore
from retrain.core.scores import Scores
from retrain.testing import GATE_PROMISES

GATES: dict[str, dict[str, Any]] = {
    "threshold": {"check": "threshold", "metric": "roc_auc", "min": 0.5},
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
    "point_estimate": {"check": "point_estimate", "metric": "roc_auc"},
    "custom": {
        "check": "custom",
        "gate": "tests.gates:GoodInPlace",
        "params": {"place": "north"},
        "reads": ["place"],
    },
}
BETTER = make_scores(challenger=0.8, opponent=0.3, columns={"guess": np.random.default_rng(7).uniform(size=400)})
NOT_OF_THE_OPPONENT = ("threshold", "baseline", "fairness", "calibration", "custom")


def make_gate(name: str, metric: str | None = None, **changes: Any) -> Gate:
    """Return a gate of `GATES`; a custom one is the project's class itself."""
    chosen = {} if metric is None else {"metric": metric}
    gate: Gate = TypeAdapter(GateSpec).validate_python(GATES[name] | chosen | changes)
    return gates_below(ROOT)(gate) if isinstance(gate, Custom) else gate


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
    union = get_args(get_args(GateSpec)[0])
    assert {get_args(kind.model_fields["check"].annotation)[0] for kind in union} == set(GATES)


# What every gate promises


@pytest.mark.parametrize("promise", GATE_PROMISES, ids=lambda promise: promise.__name__)
def test_every_gate_keeps_every_promise(gate: Gate, promise: Callable[[Gate, Evidence], None]) -> None:
    promise(gate, make_evidence(BETTER))


def test_a_verdict_has_its_number_and_its_bound(gate: Gate) -> None:
    verdict = gate.judge(make_evidence(BETTER))
    assert verdict.outcome is Outcome.PASS
    assert verdict.value is not None
    assert verdict.bound is not None
    assert isinstance(gate, Calibration) or verdict.gate.endswith("(roc_auc)")
    assert isinstance(gate, Calibration) or "roc_auc" in verdict.reason


@pytest.mark.parametrize("rows", [slice(0), [0, 25, 50], BETTER.y == 1], ids=["none", "three", "one class"])
def test_too_little_to_judge_is_inconclusive(gate: Gate, rows: Any) -> None:
    assert gate.judge(make_evidence(some_rows(rows))).outcome is Outcome.INCONCLUSIVE


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
        gate.check = "threshold"  # type: ignore[attr-defined]
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

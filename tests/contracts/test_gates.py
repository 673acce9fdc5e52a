"""The contract of `Gate`, for every kind of gate: it fails closed, is deterministic, and its verdict is plain JSON."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from typing import Any, get_args

import numpy as np
import pytest
from pydantic import TypeAdapter, ValidationError
from tests.builders import make_evidence, make_scores

from retrain.core.error_control import Allotment
from retrain.core.evidence import Evidence
from retrain.core.gates import BeatsChampion, Gate, GateSpec, Outcome, PointEstimate, Slices, Threshold, Verdict
from retrain.core.scores import Scores

GATES: dict[str, dict[str, Any]] = {
    "threshold": {"check": "threshold", "min": 0.5},
    "beats_champion": {"check": "beats_champion", "cluster_by": "day", "resamples": 200},
    "slices": {"check": "slices", "max_drop": 0.05, "min_rows": 50},
    "point_estimate": {"check": "point_estimate"},
}
BETTER = make_scores(challenger=0.8, opponent=0.3)


def make_gate(name: str, metric: str = "roc_auc", **changes: Any) -> Gate:
    gate: Gate = TypeAdapter(GateSpec).validate_python(GATES[name] | {"metric": metric} | changes)
    return gate


@pytest.fixture(params=GATES)
def gate(request: pytest.FixtureRequest) -> Gate:
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
    assert verdict.gate.endswith("(roc_auc)")
    assert verdict.value is not None
    assert verdict.bound is not None
    assert "roc_auc" in verdict.reason


def test_the_same_evidence_gives_the_same_verdict(gate: Gate) -> None:
    assert gate.judge(make_evidence(BETTER)) == gate.judge(make_evidence(BETTER))


def test_a_missing_metric_never_passes(gate: Gate) -> None:
    assert gate.judge(without(make_evidence(BETTER), metric="roc_auc")).outcome is Outcome.INCONCLUSIVE


@pytest.mark.parametrize("side", ["challenger", "opponent"])
def test_nan_never_passes(gate: Gate, side: str) -> None:
    if isinstance(gate, Threshold) and side == "opponent":
        return  # a threshold does not look at the opponent
    assert gate.judge(nan_for(make_evidence(BETTER), side)).outcome is Outcome.INCONCLUSIVE


def test_no_rows_never_pass(gate: Gate) -> None:
    assert gate.judge(make_evidence(some_rows(slice(0)))).outcome is Outcome.INCONCLUSIVE


def test_three_rows_never_pass(gate: Gate) -> None:
    assert gate.judge(make_evidence(some_rows([0, 25, 50]))).outcome is Outcome.INCONCLUSIVE


def test_a_single_class_never_passes(gate: Gate) -> None:
    assert gate.judge(make_evidence(some_rows(BETTER.y == 1))).outcome is Outcome.INCONCLUSIVE


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
                    make_evidence(replace(scaled, challenger=scaled.opponent, opponent=scaled.challenger))
                )
            assert better.outcome in (Outcome.PASS, Outcome.INCONCLUSIVE)
            assert worse.outcome in (Outcome.FAIL, Outcome.INCONCLUSIVE)
            if size < 1e100:
                assert better.outcome is Outcome.PASS


def test_no_opponent_never_passes_where_one_is_needed(gate: Gate) -> None:
    verdict = gate.judge(make_evidence(make_scores(opponent=None)))
    if isinstance(gate, Threshold):
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
        gate.metric = "brier"  # type: ignore[attr-defined]
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


@pytest.mark.parametrize(
    ("method", "words"),
    [
        ("auto", "at least 8 clusters with either class; got 1"),
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


def test_beats_champion_says_how_many_rows_would_settle_it() -> None:
    scores = make_scores(challenger=0.5, opponent=0.49)
    verdict = make_gate("beats_champion").judge(make_evidence(scores))
    assert verdict.outcome is Outcome.INCONCLUSIVE
    assert verdict.value is not None
    assert verdict.value > 0
    assert verdict.rows_needed is not None
    assert verdict.rows_needed > 0
    assert f"a gain of {verdict.detectable:.4f} would be seen 4 times in 5, this one with about" in verdict.reason
    assert verdict.reason.endswith("more days")
    alone = make_gate("beats_champion", cluster_by=None, confidence=0.999).judge(make_evidence(scores))
    assert alone.reason.endswith("more rows")
    many = replace(scores, columns={"shop": np.arange(400) % 40})
    by_shop = make_gate("beats_champion", cluster_by="shop", confidence=0.999).judge(make_evidence(many, slices=()))
    assert by_shop.reason.endswith("more clusters")
    assert scores.opponent is not None
    swapped = replace(scores, challenger=scores.opponent, opponent=scores.challenger)
    worse = make_gate("beats_champion").judge(make_evidence(swapped))
    assert worse.outcome is Outcome.INCONCLUSIVE
    assert worse.rows_needed is None
    assert worse.reason.endswith("would be seen 4 times in 5")


def test_the_same_scores_never_show_superiority_and_always_non_inferiority() -> None:
    same = make_evidence(replace(BETTER, opponent=BETTER.challenger))
    verdict = make_gate("beats_champion").judge(same)
    assert (verdict.outcome, verdict.value, verdict.interval) == (Outcome.INCONCLUSIVE, 0.0, (0.0, 0.0))
    assert "the scores are the same" in verdict.reason
    assert make_gate("beats_champion", margin=-0.001).judge(same).outcome is Outcome.PASS


def test_error_control_takes_from_the_level_and_never_adds_to_it() -> None:
    marginal = make_evidence(make_scores(challenger=0.55, opponent=0.45))

    def judged(level: float, why_none: str = "") -> Verdict:
        given = Allotment("alpha_spending", level, "test", "sequence", 1, why_none)
        return make_gate("beats_champion").judge(replace(marginal, allotment=given))

    assert (judged(0.4).level, judged(0.4).outcome) == (0.025, Outcome.PASS)
    assert (judged(1e-9).level, judged(1e-9).outcome) == (1e-9, Outcome.INCONCLUSIVE)
    spent = judged(0.0, "the error budget of 0.05 is spent until 2025-01-01")
    assert (spent.level, spent.outcome, spent.reason) == (
        0.0,
        Outcome.INCONCLUSIVE,
        "the error budget of 0.05 is spent until 2025-01-01",
    )


# Slices


def slices_of(*slices: tuple[str, int, float, float], seed: int = 7) -> Evidence:
    """Return evidence of slices (name, rows, how much the challenger knows, how much the opponent), five rows a day each."""
    parts = [
        make_scores(rows, challenger=mine, opponent=theirs, seed=seed + number)
        for number, (_, rows, mine, theirs) in enumerate(slices)
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
        ([("north", 90, 0.8, 0.3), ("south", 49, 0.1, 0.9)], Outcome.PASS, "worst of 1 slices"),
        ([("north", 49, 0.8, 0.7)], Outcome.INCONCLUSIVE, "no slice has 50 rows"),
    ],
)
def test_slices_judge_the_worst_slice(slices: list[Any], outcome: Outcome, words: str) -> None:
    verdict = make_gate("slices").judge(slices_of(*slices))
    assert verdict.outcome is outcome
    assert words in verdict.reason


@pytest.mark.parametrize("side", ["challenger", "opponent"])
def test_a_slice_that_is_a_number_on_one_side_only_is_inconclusive(side: str) -> None:
    evidence = slices_of(("north", 90, 0.9, 0.3), ("south", 90, 0.9, 0.3))
    broken = [replace(item, **{side: {"roc_auc": math.nan}}) for item in evidence.slice_scores()[:1]]
    card = replace(evidence.scorecard, slices=(*broken, *evidence.slice_scores()[1:]))
    verdict = make_gate("slices").judge(replace(evidence, scorecard=card))
    assert verdict.outcome is Outcome.INCONCLUSIVE
    assert "place=north is a number on one side" in verdict.reason
    undefined = [replace(item, challenger={"roc_auc": math.nan}, opponent={"roc_auc": math.nan}) for item in broken]
    card = replace(card, slices=(*undefined, *evidence.slice_scores()[1:]))
    assert "worst of 1 slices" in make_gate("slices").judge(replace(evidence, scorecard=card)).reason


def test_a_slice_that_fails_alone_is_doubtful_among_many() -> None:
    """A drop whose p-value is between the level and the level shared by all slices."""
    suspect, others = ("south", 90, 0.55, 0.7), [(f"s{number:02d}", 90, 0.6, 0.5) for number in range(19)]
    alone = make_gate("slices", max_drop=0.0).judge(slices_of(suspect))
    among = make_gate("slices", max_drop=0.0).judge(slices_of(suspect, *others))
    assert alone.outcome is Outcome.FAIL
    assert among.outcome is Outcome.INCONCLUSIVE
    assert "place=south drops" in among.reason
    assert "or luck" in among.reason
    assert among.method == "delong, Holm over 20"


def test_a_drop_that_luck_explains_passes_and_the_verdict_says_what_it_could_have_seen() -> None:
    verdict = make_gate("slices", max_drop=0.001).judge(slices_of(("north", 90, 0.5, 0.5), ("south", 90, 0.5, 0.51)))
    assert verdict.outcome is Outcome.PASS
    assert verdict.value is not None
    assert verdict.value > 0.001
    assert "not shown to be over 0.001" in verdict.reason
    assert verdict.detectable is not None
    assert verdict.detectable > verdict.value


def test_a_slice_that_cannot_be_tested_is_held_by_its_point_drop() -> None:
    few = {"cluster_by": "day", "min_rows": 20}
    dropped = make_gate("slices", **few).judge(slices_of(("north", 90, 0.8, 0.7), ("south", 20, 0.1, 0.9)))
    assert dropped.outcome is Outcome.INCONCLUSIVE
    assert "worst of 2 slices (1 could not be tested): roc_auc of place=south drops" in dropped.reason
    assert (
        make_gate("slices", **few).judge(slices_of(("north", 90, 0.8, 0.7), ("south", 20, 0.9, 0.1))).outcome
        is Outcome.PASS
    )
    alone = make_gate("slices", **few).judge(slices_of(("south", 20, 0.1, 0.9)))
    assert (alone.outcome, alone.detectable) == (Outcome.INCONCLUSIVE, None)


def test_slices_that_cannot_be_clustered_are_inconclusive() -> None:
    verdict = make_gate("slices", cluster_by="shop").judge(make_evidence(BETTER))
    assert verdict.outcome is Outcome.INCONCLUSIVE
    assert "cluster_by must be hour, day, week, month or a column" in verdict.reason


def test_slices_cluster_as_they_are_told() -> None:
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

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from pydantic import ValidationError

from retrain.core.policy.gates import Outcome, Population, Verdict
from retrain.core.stats.drift import ColumnProfile
from retrain.testing import make_column, make_evidence, make_profile, make_scores


def judge(*features: ColumnProfile, profile: dict[str, Any] | None = None, **policy: Any) -> Verdict:
    found = make_profile(*features, **(profile or {}))
    return Population(**({"check": "population", "if_drifted": "reject"} | policy)).judge(
        make_evidence(make_scores(), profile=found)
    )


FAR = make_column("temp", distance=0.4)
NEAR = make_column("place", distance=0.05)


def test_columns_within_the_bound_pass_and_the_furthest_is_named() -> None:
    verdict = judge(NEAR, make_column("hour", distance=0.01))
    assert (verdict.outcome, verdict.value, verdict.bound) == (Outcome.PASS, 0.05, 0.1)
    assert verdict.reason == "largest drift of 3 columns: place drifted by 0.050, within the maximum of 0.1"


def test_a_column_over_the_bound_fails_with_its_name_number_and_bound() -> None:
    verdict = judge(NEAR, FAR, make_column("wind", distance=0.2))
    assert (verdict.outcome, verdict.value, verdict.bound) == (Outcome.FAIL, 0.4, 0.1)
    assert verdict.reason.startswith("temp drifted by 0.400, above the maximum of 0.1 (2 of 4 columns are); find out")


@pytest.mark.parametrize(
    ("then", "outcome"), [("warn", Outcome.PASS), ("hold", Outcome.INCONCLUSIVE), ("reject", Outcome.FAIL)]
)
@pytest.mark.parametrize(
    ("drifted", "words"),
    [
        (
            FAR,
            "temp drifted by 0.400, above the maximum of 0.1 (1 of 3 columns are); find out what changed in the data",
        ),
        (make_column("temp", unseen=0.2), "20.0% of the holdout rows have a temp that the training range lacks"),
    ],
)
def test_the_spec_says_what_follows_from_drift(drifted: ColumnProfile, words: str, then: str, outcome: Outcome) -> None:
    verdict = judge(NEAR, drifted, if_drifted=then)
    assert (verdict.outcome, verdict.column) == (outcome, "temp")
    assert verdict.reason.startswith(f"warning: {words}" if then == "warn" else words)


def test_by_default_a_drifted_population_does_not_keep_the_staler_model() -> None:
    verdict = Population(check="population").judge(make_evidence(make_scores(), profile=make_profile(FAR)))
    assert (verdict.outcome, verdict.value, verdict.bound) == (Outcome.PASS, 0.4, 0.1)


def test_new_categories_do_not_hide_a_column_that_drifted() -> None:
    verdict = judge(FAR, make_column("shop", unseen=0.2), if_drifted="warn")
    assert "have a shop that the training range lacks" in verdict.reason
    assert "; warning: temp drifted by 0.400" in verdict.reason


def test_a_bound_itself_is_within() -> None:
    assert judge(NEAR, max_distance=0.05).outcome is Outcome.PASS


def test_drift_within_the_noise_floor_is_inconclusive() -> None:
    uncertain = make_column("temp", distance=0.15, noise_floor=0.2)
    verdict = judge(NEAR, uncertain)
    assert verdict.outcome is Outcome.INCONCLUSIVE
    assert judge(NEAR, uncertain, if_drifted="hold") == verdict
    assert judge(NEAR, uncertain, if_drifted="warn") == replace(verdict, outcome=Outcome.PASS)
    assert "above the maximum of 0.1, but within the noise floor of 0.200" in verdict.reason


def test_luck_does_not_excuse_another_column() -> None:
    verdict = judge(make_column("humid", distance=0.5, noise_floor=0.6), FAR)
    assert (verdict.outcome, verdict.value) == (Outcome.FAIL, 0.4)


def test_a_column_that_moves_with_the_calendar_may_be_ignored() -> None:
    assert judge(NEAR, FAR, ignore=["temp"]).outcome is Outcome.PASS


def test_a_shift_of_the_label_is_one_of_the_population() -> None:
    shifted = {"label": make_column("late", distance=0.3)}
    assert judge(NEAR, profile=shifted).reason.startswith("late drifted by 0.300")
    assert judge(NEAR, profile=shifted, ignore=["late"]).outcome is Outcome.PASS


def test_categories_that_training_never_saw_fail() -> None:
    verdict = judge(NEAR, make_column("shop", unseen=0.2))
    assert (verdict.outcome, verdict.value, verdict.bound) == (Outcome.FAIL, 0.2, 0.05)
    assert verdict.reason.startswith(
        "20.0% of the holdout rows have a shop that the training range lacks, above the maximum of 5.0%; widen"
    )
    assert judge(NEAR, make_column("shop", unseen=0.2), max_unseen=0.2).outcome is Outcome.PASS


@pytest.mark.parametrize("rows", [{"train_rows": 29}, {"holdout_rows": 0}])
def test_too_few_rows_in_a_range_are_inconclusive(rows: dict[str, int]) -> None:
    verdict = judge(FAR, profile=rows)
    assert (verdict.outcome, verdict.reason) == (
        Outcome.INCONCLUSIVE,
        f"the smaller of training range and holdout has {min(rows.values())} rows and min_rows is 30; widen the window or "
        "lower min_rows",
    )


@pytest.mark.parametrize("number", ["distance", "noise_floor", "unseen"])
def test_a_number_that_is_missing_is_inconclusive(number: str) -> None:
    assert judge(NEAR, make_column("temp", **{number: float("nan")})).outcome is Outcome.INCONCLUSIVE


def test_with_every_column_ignored_nothing_is_proved() -> None:
    assert judge(FAR, ignore=["temp", "label"]).reason == "`ignore` lists every column; remove one"


@pytest.mark.parametrize(
    "policy",
    [{"max_distance": 0}, {"max_distance": 1.1}, {"max_unseen": -0.1}, {"ignore": ["a b"]}, {"if_drifted": "fail"}],
)
def test_a_bound_that_could_not_hold_is_refused(policy: dict[str, Any]) -> None:
    with pytest.raises(ValidationError, match="1 validation error for Population"):
        Population(check="population", **policy)


def test_it_asks_for_a_profile_and_reports_a_missing_one() -> None:
    gate = Population(check="population")
    assert gate.profiled
    verdict = gate.judge(make_evidence(make_scores(), profile=None))
    assert verdict.outcome is Outcome.INCONCLUSIVE
    assert verdict.reason.startswith("this scorecard has no profile of the window")

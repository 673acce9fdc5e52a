from __future__ import annotations

import math
from typing import Any

import pytest
from pydantic import ValidationError

from retrain.core.policy.gates import Leakage, Outcome, Verdict
from retrain.core.stats.drift import ColumnProfile
from retrain.testing import make_column, make_evidence, make_profile, make_scores

CLEAN = make_column("signal", label_association=0.7)
LEAK = make_column("refund", label_association=0.999)
LATE = make_column("closed_at", late=12)


def judge(*features: ColumnProfile, profile: dict[str, Any] | None = None, **policy: Any) -> Verdict:
    found = make_profile(*features, **(profile or {}))
    return Leakage(check="leakage", **policy).judge(make_evidence(make_scores(), profile=found))


def test_without_a_sign_it_passes_and_names_the_strongest_feature() -> None:
    verdict = judge(CLEAN, make_column("other", label_association=0.5))
    assert (verdict.outcome, verdict.value, verdict.bound) == (Outcome.PASS, 0.7, 0.99)
    assert verdict.reason == (
        "no sign of a leak: the highest univariate AUC is 0.700 (signal), within the maximum of 0.99; "
        "0 holdout rows equal a training row"
    )


def test_a_feature_that_predicts_the_label_too_well_fails() -> None:
    verdict = judge(CLEAN, LEAK)
    assert (verdict.outcome, verdict.value, verdict.bound) == (Outcome.FAIL, 0.999, 0.99)
    assert verdict.reason == (
        "refund alone predicts the label: univariate AUC 0.999, above the maximum of 0.99; drop it, or list it in `ignore` if "
        "it is known in time"
    )
    assert judge(CLEAN, LEAK, ignore=["refund"]).outcome is Outcome.PASS
    assert judge(CLEAN, LEAK, max_strength=0.9995).outcome is Outcome.PASS


def test_an_instant_after_as_of_fails() -> None:
    verdict = judge(CLEAN, LATE)
    assert (verdict.outcome, verdict.value, verdict.bound) == (Outcome.FAIL, 12.0, 0.0)
    assert verdict.reason == "closed_at holds an instant after as-of in 12 rows; correct the query"
    assert judge(CLEAN, LATE, ignore=["closed_at"]).outcome is Outcome.PASS


def test_duplicates_fail_over_their_share() -> None:
    verdict = judge(CLEAN, profile={"duplicates": 20})
    assert (verdict.outcome, verdict.value, verdict.bound) == (Outcome.FAIL, 0.05, 0.01)
    assert verdict.reason == (
        "5.00% of the holdout rows equal a training row, label included, above the maximum of 1.00%; remove duplicates in the "
        "query"
    )
    assert judge(CLEAN, profile={"duplicates": 20}, max_duplicates=0.05).outcome is Outcome.PASS
    assert judge(CLEAN, profile={"duplicates": 1}, max_duplicates=0).outcome is Outcome.FAIL


def test_every_sign_is_named() -> None:
    verdict = judge(LEAK, LATE, profile={"duplicates": 400})
    assert [words in verdict.reason for words in ("alone predicts", "after as-of", "label included")] == [True] * 3
    assert verdict.value == 0.999


@pytest.mark.parametrize("rows", [{"train_rows": 3}, {"holdout_rows": 0}])
def test_too_few_rows_in_a_range_are_inconclusive(rows: dict[str, int]) -> None:
    assert judge(LEAK, profile=rows).outcome is Outcome.INCONCLUSIVE


def test_a_strength_that_is_not_a_number_is_inconclusive_unless_a_sign_was_found() -> None:
    unknown = make_column("signal", label_association=math.nan)
    assert judge(unknown).reason.startswith("the univariate AUC of signal is not defined, because too few rows")
    assert judge(unknown).outcome is Outcome.INCONCLUSIVE
    assert judge(unknown, LEAK).outcome is Outcome.FAIL


def test_with_every_feature_ignored_nothing_is_proved() -> None:
    assert judge(LEAK, ignore=["refund"]).reason == "`ignore` lists every feature; remove one"


@pytest.mark.parametrize("policy", [{"max_strength": 0.5}, {"max_strength": 1}, {"max_duplicates": 1}])
def test_a_bound_that_could_not_hold_is_refused(policy: dict[str, Any]) -> None:
    with pytest.raises(ValidationError, match="1 validation error for Leakage"):
        Leakage(check="leakage", **policy)


def test_it_asks_for_a_profile_and_reports_a_missing_one() -> None:
    gate = Leakage(check="leakage")
    assert gate.profiled
    verdict = gate.judge(make_evidence(make_scores(), profile=None))
    assert verdict.outcome is Outcome.INCONCLUSIVE
    assert verdict.reason.startswith("this scorecard has no profile of the window")

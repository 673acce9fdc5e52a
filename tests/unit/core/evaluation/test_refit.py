from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from tests.builders import AS_OF, FIRST_DAY

from retrain.core.evaluation.refit import LEAST_LEAD, Refit, RefitCheck, compute_agreement

REFIT = Refit("j" * 64, "s" * 64, 540, 714, FIRST_DAY, AS_OF, 0.97)
CHECK = RefitCheck(REFIT, "roc_auc", judged_value=0.7, served_value=0.7, constant_value=0.5)


def test_equal_scores_agree_wholly_and_a_mean_not_at_all() -> None:
    judged = np.array([[0.9, 0.1], [0.2, 0.8], [0.4, 0.6]])
    assert compute_agreement(judged, judged.copy()) == 1
    assert compute_agreement(judged, np.broadcast_to(judged.mean(axis=0), judged.shape)) == 0
    assert compute_agreement(judged, judged[:, ::-1]) < 0


def test_agreement_does_not_depend_on_the_unit_of_a_prediction() -> None:
    random = np.random.default_rng(7)
    judged = random.normal(size=50)
    refitted = judged + 0.1 * random.normal(size=50)
    assert compute_agreement(60 * judged, 60 * refitted) == pytest.approx(compute_agreement(judged, refitted))


def test_a_model_that_says_the_same_of_every_row_agrees_only_with_itself() -> None:
    assert compute_agreement(np.ones(3), np.ones(3)) == 1
    assert compute_agreement(np.ones(3), np.array([1.0, 1.0, 1.1])) == -math.inf


@pytest.mark.parametrize(
    ("served", "kept", "holds"),
    [
        (0.7, 1.0, True),
        (0.9, 2.0, True),
        (0.5 + 0.2 * LEAST_LEAD + 1e-9, LEAST_LEAD, True),
        (0.5 + 0.2 * LEAST_LEAD - 1e-6, LEAST_LEAD, False),
        (0.4, -0.5, False),
        (math.nan, math.nan, False),
    ],
)
def test_the_refitted_model_must_keep_nine_tenths_of_the_lead(served: float, kept: float, holds: bool) -> None:
    check = replace(CHECK, served_value=served)
    assert check.lead_kept == pytest.approx(kept, abs=1e-4, nan_ok=True)
    assert check.holds is holds


def test_of_an_error_less_is_a_lead() -> None:
    check = RefitCheck(REFIT, "mae", judged_value=8.0, served_value=7.0, constant_value=10.0)
    assert (check.lead_kept, check.holds) == (1.5, True)
    assert not replace(check, served_value=9.0).holds


@pytest.mark.parametrize("judged", [0.5, 0.4])
def test_without_a_lead_the_refitted_model_must_not_be_worse_on_rows_that_it_trained_on(judged: float) -> None:
    check = replace(CHECK, judged_value=judged, served_value=judged)
    assert (check.lead_kept, check.holds) == (None, True)
    assert not replace(check, served_value=judged - 0.01).holds
    assert not replace(check, served_value=math.nan).holds


def test_a_metric_that_is_undefined_for_the_judged_model_is_left_to_the_gates() -> None:
    assert replace(CHECK, judged_value=math.nan, served_value=0.1).holds


def test_a_check_is_read_as_it_was_written() -> None:
    assert RefitCheck.from_json(CHECK.to_json()) == CHECK


def test_a_check_says_which_model_was_judged_and_which_is_served() -> None:
    text = CHECK.describe()
    assert "judged the model of 540 rows" in text
    assert "fitted again on all 714 labelled rows, to before 2024-07-01 00:00" in text
    assert "roc_auc is 0.7000 after 0.7000" in text

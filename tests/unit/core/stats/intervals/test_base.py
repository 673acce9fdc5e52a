from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import t
from tests.require import require

from retrain.core.stats.intervals.base import POWER, make_t_interval

GAIN = make_t_interval(0.01, 0.004, 27, 0.025, 28, "jackknife")


def test_a_true_gain_at_the_reach_passes_four_times_in_five() -> None:
    random = np.random.default_rng(7)
    seen = GAIN.detectable_gain + GAIN.standard_error * random.normal(size=200_000)
    errors = GAIN.standard_error * np.sqrt(random.chisquare(27, size=200_000) / 27)
    passed = np.mean(seen - t.isf(0.025, 27) * errors > 0)
    assert passed == pytest.approx(POWER, abs=0.02)


def test_the_bounds_of_a_claim_and_its_p_value_say_the_same() -> None:
    assert GAIN.p_value_below(GAIN.high) == pytest.approx(0.025)
    assert GAIN.p_value_below(GAIN.low) == pytest.approx(0.975)
    same = replace(GAIN, value=0.0, standard_error=0.0)
    assert (same.p_value_below(0.01), same.p_value_below(0.0), same.p_value_below(-0.01)) == (0.0, 1.0, 1.0)


def test_with_the_rows_that_are_needed_the_reach_is_the_gain() -> None:
    more = GAIN.rows_needed(0.0, 1000)
    assert more is not None
    grown = replace(GAIN, standard_error=GAIN.standard_error * np.sqrt(1000 / (1000 + more)))
    assert grown.detectable_gain == pytest.approx(GAIN.value, rel=1e-3)
    assert require(GAIN.rows_needed(-0.01, 1000)) < require(more)


@pytest.mark.parametrize("value", [0.0, -0.01, float("nan"), 1e-320])
def test_no_number_of_rows_helps_a_gain_that_is_none(value: float) -> None:
    assert replace(GAIN, value=value).rows_needed(0.0, 1000) is None

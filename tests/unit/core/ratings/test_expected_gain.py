from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import t

from retrain.core.ratings import ExpectedGain


def test_one_setting_is_students_t() -> None:
    gain = ExpectedGain(np.array([1.0]), np.array([2.0]), np.array([1.0]), 9)
    assert gain.mean == 1
    assert gain.deviation == 2
    assert gain.probability_below(0.0) == pytest.approx(t.cdf(-0.5, 9))
    assert gain.probability_above(0.0) == pytest.approx(t.sf(-0.5, 9))
    assert np.isfinite(gain.interval(1e-20)).all()
    assert gain.interval(0.05) == pytest.approx(t.ppf([0.05, 0.95], 9) * 2 + 1)


def test_settings_mix_by_their_weights() -> None:
    gain = ExpectedGain(np.array([0.0, 4.0]), np.array([1.0, 1.0]), np.array([0.75, 0.25]), 30)
    assert gain.mean == 1
    assert gain.deviation == pytest.approx(np.sqrt(1 + 3))
    assert gain.probability_below(2.0) == pytest.approx(0.75 * t.cdf(2, 30) + 0.25 * t.cdf(-2, 30))


def test_a_gain_without_spread_is_known() -> None:
    gain = ExpectedGain(np.array([0.0]), np.array([0.0]), np.array([1.0]), 9)
    assert [gain.probability_below(bound) for bound in (-1.0, 0.0, 1.0)] == [0, 0, 1]
    assert [gain.probability_above(bound) for bound in (-1.0, 0.0, 1.0)] == [1, 0, 0]
    assert gain.interval() == (0, 0)

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from retrain.core.stats.biased_statistic import IntervalEstimate
from retrain.core.stats.calibration import CalibrationError, estimate_calibration_error
from retrain.core.stats.reliability import compute_reliability
from retrain.errors import DataError

RANDOM = np.random.default_rng(7)
P = RANDOM.beta(1.5, 4, size=3000)
Y = (RANDOM.uniform(size=3000) < P).astype(float)


def two(p: Any) -> Any:
    return np.column_stack([1 - p, p])


def error_of(y: Any, scores: Any, clusters: Any = None, **changes: Any) -> IntervalEstimate:
    return errors_of(y, scores, clusters, **changes).absolute


def errors_of(y: Any, scores: Any, clusters: Any = None, **changes: Any) -> CalibrationError:
    options: dict[str, Any] = {
        "bins": 10,
        "strategy": "quantile",
        "confidence": 0.95,
        "resamples": 200,
        "seed": 1,
    } | changes
    return estimate_calibration_error(y, scores, np.arange(len(y)) if clusters is None else clusters, **options)


def test_the_error_is_the_mean_gap_of_the_bins() -> None:
    assert error_of(Y, two(P)).value == pytest.approx(compute_reliability(Y, two(P)).error)


def test_a_calibrated_model_is_distinguished_from_one_that_is_not() -> None:
    honest, boastful = error_of(Y, two(P)), error_of(Y, two(np.clip(P + 0.1, 0, 1)))
    assert honest.high < 0.04
    assert boastful.low > 0.06
    assert honest.low < honest.value < honest.high


def test_sure_predictions_have_their_bin() -> None:
    y = (np.arange(100) % 2).astype(float)
    assert error_of(y, two(y)) == IntervalEstimate(0.0, 0.0, 0.0)
    assert error_of(y, two(1 - y)).value == 1.0


def test_an_error_relative_to_the_rarer_class_is_1_for_a_model_that_never_says_yes() -> None:
    y = (np.arange(4000) % 100 == 0).astype(float)
    never = errors_of(y, two(np.zeros(4000)))
    assert never.absolute.value == pytest.approx(0.01)
    assert never.relative is not None
    assert [never.relative.value, never.relative.low, never.relative.high] == pytest.approx([1, 1, 1])
    always = errors_of(1 - y, two(np.ones(4000)))
    assert always.relative is not None
    assert always.relative.value == pytest.approx(1)


def test_a_relative_error_without_the_rarer_class_has_no_limits() -> None:
    relative = errors_of((np.arange(4000) == 7).astype(float), two(np.full(4000, 0.01))).relative
    assert relative is not None
    assert relative.value == pytest.approx(39)
    assert np.isnan([relative.low, relative.high]).all()


def test_more_than_two_classes_have_no_rarer_one_of_two() -> None:
    scores = np.column_stack([1 - P, P / 2, P / 2])
    assert errors_of(Y, scores).relative is None


@pytest.mark.parametrize(
    ("y", "scores", "got"),
    [
        (Y, np.where(P > 0.9, np.nan, P), "NaN or a number outside 0 to 1"),
        (Y, P + 0.9, "NaN or a number outside 0 to 1"),
        (np.ones(3000), P, "needs rows of two classes; got fewer"),
        (np.ones(0), np.ones(0), "needs rows of two classes; got fewer"),
    ],
)
def test_what_is_not_a_probability_has_no_calibration(y: Any, scores: Any, got: str) -> None:
    with pytest.raises(DataError, match=got):
        error_of(y, two(scores))


def test_a_regression_has_no_calibration() -> None:
    with pytest.raises(DataError, match="got a regression"):
        error_of(Y, P)


def test_days_that_share_luck_widen_the_interval() -> None:
    day = np.arange(3000) // 150
    lucky = (RANDOM.uniform(size=3000) < np.clip(P + RANDOM.normal(0, 0.15, size=20)[day], 0, 1)).astype(float)
    clustered, alone = error_of(lucky, two(P), day), error_of(lucky, two(P))
    assert clustered.high - clustered.low > 1.5 * (alone.high - alone.low)

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from sklearn.calibration import calibration_curve
from tests.builders import make_scores

from retrain.core.calibration import calibration_error, reliability
from retrain.core.lifted import Lifted
from retrain.errors import DataError

RANDOM = np.random.default_rng(7)
P = RANDOM.beta(1.5, 4, size=3000)
Y = (RANDOM.uniform(size=3000) < P).astype(float)


def two(p: Any) -> Any:
    return np.column_stack([1 - p, p])


def error_of(y: Any, scores: Any, clusters: Any = None, **changes: Any) -> Lifted:
    options = {"bins": 10, "strategy": "quantile", "confidence": 0.95, "resamples": 200, "seed": 1} | changes
    return calibration_error(y, scores, np.arange(len(y)) if clusters is None else clusters, **options)


@pytest.mark.parametrize("strategy", ["quantile", "uniform"])
@pytest.mark.parametrize("bins", [2, 10, 25])
def test_the_bins_are_those_of_scikit_learn(strategy: Any, bins: int) -> None:
    found = reliability(Y, two(P), bins=bins, strategy=strategy)
    observed, predicted = calibration_curve(Y, P, n_bins=bins, strategy=strategy)
    np.testing.assert_allclose([each.predicted for each in found], predicted)
    np.testing.assert_allclose([each.observed for each in found], observed)
    assert sum(each.rows for each in found) == len(Y)
    assert all(each.low <= each.predicted <= each.high for each in found)
    assert (found[0].low, found[-1].high) == (0.0, 1.0) or strategy == "uniform"


def test_the_error_is_the_mean_gap_of_the_bins() -> None:
    found = reliability(Y, two(P), bins=10)
    by_hand = sum(each.rows * abs(each.predicted - each.observed) for each in found) / len(Y)
    assert error_of(Y, two(P)).value == pytest.approx(by_hand)


def test_beyond_two_classes_the_likeliest_counts() -> None:
    scores = make_scores(classes=3)
    found = reliability(scores.y, scores.challenger, bins=5)
    hit = scores.challenger.argmax(axis=1) == scores.y
    assert sum(each.rows * each.observed for each in found) == pytest.approx(hit.sum())
    assert min(each.predicted for each in found) > 1 / 3


def test_a_calibrated_model_is_told_from_one_that_is_not() -> None:
    honest, boastful = error_of(Y, two(P)), error_of(Y, two(np.clip(P + 0.1, 0, 1)))
    assert honest.high < 0.04
    assert boastful.low > 0.06
    assert honest.low < honest.value < honest.high


def test_predictions_that_tie_share_a_bin() -> None:
    p = np.where(np.arange(400) % 2 == 0, 0.25, 0.75)
    found = reliability((np.arange(400) % 4 > 1).astype(float), two(p), bins=10)
    assert [(each.rows, each.predicted, each.observed) for each in found] == [(200, 0.25, 0.5), (200, 0.75, 0.5)]


def test_sure_predictions_have_their_bin() -> None:
    y = (np.arange(100) % 2).astype(float)
    assert error_of(y, two(y)) == Lifted(0.0, 0.0, 0.0)
    assert error_of(y, two(1 - y)).value == 1.0


@pytest.mark.parametrize(
    ("y", "scores", "got"),
    [
        (Y, np.where(P > 0.9, np.nan, P), "NaN or a number outside 0 to 1"),
        (Y, P + 0.9, "NaN or a number outside 0 to 1"),
        (np.ones(3000), P, "needs rows of two classes; got fewer"),
        (np.ones(0), np.ones(0), "needs rows of two classes; got fewer"),
    ],
)
def test_what_is_no_probability_has_no_calibration(y: Any, scores: Any, got: str) -> None:
    for asked in (error_of, reliability):
        with pytest.raises(DataError, match=got):
            asked(y, two(scores))


def test_a_regression_has_no_calibration() -> None:
    with pytest.raises(DataError, match="got a regression"):
        reliability(Y, P)


def test_days_that_share_luck_widen_the_interval() -> None:
    day = np.arange(3000) // 150
    lucky = (RANDOM.uniform(size=3000) < np.clip(P + RANDOM.normal(0, 0.15, size=20)[day], 0, 1)).astype(float)
    clustered, alone = error_of(lucky, two(P), day), error_of(lucky, two(P))
    assert clustered.high - clustered.low > 1.5 * (alone.high - alone.low)

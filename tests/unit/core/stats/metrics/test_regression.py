from __future__ import annotations

import numpy as np
import pytest
from sklearn import metrics

from retrain.core.stats.metrics.regression import REGRESSION
from retrain.testing import make_scores


def test_values_are_those_of_scikit_learn() -> None:
    scores = make_scores(task="regression")
    expected = {
        "mae": metrics.mean_absolute_error(scores.y, scores.challenger),
        "mse": metrics.mean_squared_error(scores.y, scores.challenger),
        "rmse": metrics.root_mean_squared_error(scores.y, scores.challenger),
        "r2": metrics.r2_score(scores.y, scores.challenger),
    }
    assert {name: metric.value(scores.y, scores.challenger) for name, metric in REGRESSION.items()} == pytest.approx(
        expected
    )


def test_r2_survives_labels_far_from_zero() -> None:
    scores = make_scores(task="regression")
    far, said = scores.y + 1e9, scores.challenger + 1e9
    found = REGRESSION["r2"].resampler(far, said, scores.clusters("day"))(np.ones((1, 20), dtype=np.int64))
    np.testing.assert_allclose(found, metrics.r2_score(scores.y, scores.challenger), rtol=1e-5)

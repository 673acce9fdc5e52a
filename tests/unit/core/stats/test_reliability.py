from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from sklearn.calibration import calibration_curve

from retrain.core.stats.reliability import compute_reliability
from retrain.testing import make_scores


@pytest.mark.parametrize("strategy", ["quantile", "uniform"])
@pytest.mark.parametrize("bins", [2, 10, 25])
def test_two_classes_are_binned_as_scikit_learn_does(strategy: Any, bins: int) -> None:
    scores = make_scores(5000)
    found = compute_reliability(scores.y, scores.challenger, bins, strategy)
    observed, said = calibration_curve(scores.y, scores.challenger[:, 1], n_bins=bins, strategy=strategy)
    assert [item.predicted for item in found.bins] == pytest.approx(said)
    assert [item.observed for item in found.bins] == pytest.approx(observed)
    assert sum(item.rows for item in found.bins) == 5000
    rows = [item.rows for item in found.bins]
    assert found.error == pytest.approx(np.average(np.abs(observed - said), weights=rows))
    assert len(set(rows)) == 1 or strategy == "uniform"


def test_a_model_that_means_what_it_says_has_a_small_error_and_one_that_exaggerates_a_large_one() -> None:
    random = np.random.default_rng(7)
    honest = random.uniform(size=20_000)
    y = (random.uniform(size=20_000) < honest).astype(float)
    bold = np.clip(honest + np.sign(honest - 0.5) * 0.2, 0, 1)
    errors = [compute_reliability(y, np.column_stack([1 - said, said])).error for said in (honest, bold)]
    assert errors[0] < 0.02
    assert errors[1] > 0.1


def test_of_more_classes_the_likeliest_one_is_held_against_how_often_it_is_right() -> None:
    scores = np.array([[0.6, 0.3, 0.1], [0.2, 0.6, 0.2], [0.1, 0.3, 0.6], [0.6, 0.2, 0.2]])
    (found,) = compute_reliability(np.array([0.0, 1.0, 0.0, 1.0]), scores).bins
    assert (found.rows, found.observed) == (4, 0.5)
    assert found.predicted == pytest.approx(0.6)


def test_of_a_regression_the_prediction_is_held_against_the_label() -> None:
    said = np.arange(100.0)
    found = compute_reliability(said + 3, said)
    assert [item.observed - item.predicted for item in found.bins] == pytest.approx([3.0] * len(found.bins))
    assert found.error == pytest.approx(3.0)


@pytest.mark.parametrize("rows", [1, 2, 50])
def test_one_number_for_all_rows_is_one_bin(rows: int) -> None:
    y = np.arange(rows, dtype=np.float64) % 2
    found = compute_reliability(y, np.full((rows, 2), 0.5))
    assert [(item.rows, item.predicted) for item in found.bins] == [(rows, 0.5)]


def test_predictions_that_tie_share_a_bin() -> None:
    p = np.where(np.arange(400) % 2 == 0, 0.25, 0.75)
    found = compute_reliability((np.arange(400) % 4 > 1).astype(float), np.column_stack([1 - p, p]))
    assert [(each.rows, each.predicted, each.observed) for each in found.bins] == [(200, 0.25, 0.5), (200, 0.75, 0.5)]

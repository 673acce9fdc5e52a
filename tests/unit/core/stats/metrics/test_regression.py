from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from sklearn import metrics

from retrain.core.stats.metric_names import MINIMISED_BY_QUANTILE
from retrain.core.stats.metrics.regression import REGRESSION
from retrain.testing import make_scores


def test_values_are_those_of_scikit_learn() -> None:
    drawn = make_scores(task="regression")
    scores = replace(drawn, y=np.exp(drawn.y), challenger=np.exp(drawn.challenger))
    expected = {
        "mae": metrics.mean_absolute_error(scores.y, scores.challenger),
        "mse": metrics.mean_squared_error(scores.y, scores.challenger),
        "rmse": metrics.root_mean_squared_error(scores.y, scores.challenger),
        "r2": metrics.r2_score(scores.y, scores.challenger),
        "pinball_10": metrics.mean_pinball_loss(scores.y, scores.challenger, alpha=0.1),
        "pinball_50": metrics.mean_pinball_loss(scores.y, scores.challenger, alpha=0.5),
        "pinball_90": metrics.mean_pinball_loss(scores.y, scores.challenger, alpha=0.9),
        "poisson_deviance": metrics.mean_poisson_deviance(scores.y, scores.challenger),
        "gamma_deviance": metrics.mean_gamma_deviance(scores.y, scores.challenger),
    }
    assert {name: metric.value(scores.y, scores.challenger) for name, metric in REGRESSION.items()} == pytest.approx(
        expected
    )


def test_r2_survives_labels_far_from_zero() -> None:
    scores = make_scores(task="regression")
    far, said = scores.y + 1e9, scores.challenger + 1e9
    found = REGRESSION["r2"].resampler(far, said, scores.clusters("day"))(np.ones((1, 20), dtype=np.int64))
    np.testing.assert_allclose(found, metrics.r2_score(scores.y, scores.challenger), rtol=1e-5)


@pytest.mark.parametrize(
    ("name", "label", "prediction", "defined"),
    [
        ("poisson_deviance", 0.0, 0.5, True),
        ("poisson_deviance", -1.0, 0.5, False),
        ("poisson_deviance", 3.0, 0.0, False),
        ("gamma_deviance", 0.1, 0.5, True),
        ("gamma_deviance", 0.0, 0.5, False),
        ("gamma_deviance", 3.0, -0.5, False),
    ],
)
def test_one_row_outside_its_domain_makes_a_deviance_nan(
    name: str, label: float, prediction: float, defined: bool
) -> None:
    y, said = np.ones(20), np.full(20, 2.0)
    y[3], said[3] = label, prediction
    counts = np.ones((3, 5), dtype=np.int64)
    found = REGRESSION[name].resampler(y, said, np.arange(20) % 5)(counts)
    value = REGRESSION[name].value(y, said)
    assert np.isfinite(value) == defined
    np.testing.assert_allclose(found, value)


def test_a_quantile_of_the_labels_has_the_smallest_pinball_loss() -> None:
    y = np.random.default_rng(7).gamma(2.0, size=1_000)
    for name, quantile in MINIMISED_BY_QUANTILE.items():
        best, lower, higher = (
            REGRESSION[name].value(y, np.full_like(y, np.quantile(y, at)))
            for at in (quantile, quantile - 0.05, quantile + 0.05)
        )
        assert best < min(lower, higher), name

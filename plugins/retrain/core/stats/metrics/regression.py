"""Metrics for regression, in the units of the label (mse: squared units; r2 and gamma_deviance: no unit).

The deviances compare labels with predictions that are means of counts or of positive amounts. They need predictions above 0, and
labels of at least 0 (Poisson) or above 0 (gamma); with any other row they are NaN, as no number of other rows makes up for it.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from scipy.special import xlogy
from sklearn.metrics import (
    mean_absolute_error,
    mean_gamma_deviance,
    mean_pinball_loss,
    mean_poisson_deviance,
    mean_squared_error,
    r2_score,
    root_mean_squared_error,
)

from retrain.core.stats.metrics.base import AdditiveMetric, Floats, Metric

__all__ = ["REGRESSION"]


def _absolute_terms(y: Floats, scores: Floats) -> Floats:
    return np.column_stack([np.ones_like(y), np.abs(y - scores)])


def _squared_terms(y: Floats, scores: Floats) -> Floats:
    centred = y - y.mean()  # sums of labels far from 0 lose the variance to rounding
    return np.column_stack([np.ones_like(y), (y - scores) ** 2, centred, centred**2])


def _r2_score(y: Floats, scores: Floats) -> float:
    return float(r2_score(y, scores)) if len(y) > 1 else float("nan")


def _r2(sums: Floats) -> Floats:
    count, residual, total, total_squared = sums.T
    return np.asarray(1 - residual / (total_squared - total**2 / count))


def _mean(sums: Floats) -> Floats:
    return np.asarray(sums[:, 1] / sums[:, 0])


def _make_pinball(quantile: float) -> Metric:
    """Return the loss that a prediction of a quantile of the label minimises."""

    def terms(y: Floats, scores: Floats) -> Floats:
        excess = y - scores
        return np.column_stack([np.ones_like(y), np.maximum(quantile * excess, (quantile - 1) * excess)])

    return AdditiveMetric(lambda y, s: mean_pinball_loss(y, s, alpha=quantile), terms, _mean)


def _make_deviance(
    point: Callable[[Floats, Floats], float],
    deviance: Callable[[Floats, Floats], Floats],
    allows: Callable[[Floats], NDArray[np.bool_]],
) -> Metric:
    """Return a deviance that is NaN if a prediction is not above 0 or a label is not allowed.

    Args:
        point: The library's function.
        deviance: Maps allowed labels and predictions to the deviance of each row.
        allows: Returns which labels are allowed.
    """

    def value(y: Floats, scores: Floats) -> float:
        return point(y, scores) if bool((allows(y) & (scores > 0)).all()) else float("nan")

    def terms(y: Floats, scores: Floats) -> Floats:
        defined = allows(y) & (scores > 0)
        of_row = np.full(len(y), np.nan)
        of_row[defined] = deviance(y[defined], scores[defined])
        return np.column_stack([np.ones_like(y), of_row])

    return AdditiveMetric(value, terms, _mean)


def _poisson_deviance(y: Floats, scores: Floats) -> Floats:
    return np.asarray(2 * (xlogy(y, y / scores) - y + scores))


def _gamma_deviance(y: Floats, scores: Floats) -> Floats:
    return np.asarray(2 * (np.log(scores / y) + y / scores - 1))


REGRESSION: dict[str, Metric] = {
    "mae": AdditiveMetric(mean_absolute_error, _absolute_terms, _mean),
    "mse": AdditiveMetric(mean_squared_error, _squared_terms, _mean),
    "rmse": AdditiveMetric(root_mean_squared_error, _squared_terms, lambda sums: np.sqrt(sums[:, 1] / sums[:, 0])),
    "r2": AdditiveMetric(_r2_score, _squared_terms, _r2),
    "pinball_10": _make_pinball(0.1),
    "pinball_50": _make_pinball(0.5),
    "pinball_90": _make_pinball(0.9),
    "poisson_deviance": _make_deviance(mean_poisson_deviance, _poisson_deviance, lambda y: y >= 0),
    "gamma_deviance": _make_deviance(mean_gamma_deviance, _gamma_deviance, lambda y: y > 0),
}

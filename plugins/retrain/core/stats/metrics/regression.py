"""Metrics of a regression, in the units of the label (squared where the name says so)."""

from __future__ import annotations

import numpy as np
from sklearn.metrics import mean_absolute_error, mean_squared_error, r2_score, root_mean_squared_error

from retrain.core.stats.metrics.base import AdditiveMetric, Floats, Metric

__all__ = ["REGRESSION"]


def _absolute(y: Floats, scores: Floats) -> Floats:
    return np.column_stack([np.ones_like(y), np.abs(y - scores)])


def _squared(y: Floats, scores: Floats) -> Floats:
    centred = y - y.mean()  # a variance from sums of far-away labels would drown in rounding
    return np.column_stack([np.ones_like(y), (y - scores) ** 2, centred, centred**2])


def _r2(sums: Floats) -> Floats:
    count, residual, total, total_squared = sums.T
    return np.asarray(1 - residual / (total_squared - total**2 / count))


REGRESSION: dict[str, Metric] = {
    "mae": AdditiveMetric(mean_absolute_error, _absolute, lambda sums: sums[:, 1] / sums[:, 0]),
    "mse": AdditiveMetric(mean_squared_error, _squared, lambda sums: sums[:, 1] / sums[:, 0]),
    "rmse": AdditiveMetric(root_mean_squared_error, _squared, lambda sums: np.sqrt(sums[:, 1] / sums[:, 0])),
    "r2": AdditiveMetric(r2_score, _squared, _r2),
}

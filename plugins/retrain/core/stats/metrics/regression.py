"""Metrics for regression, in the units of the label (mse: squared units; r2: no unit)."""

from __future__ import annotations

import numpy as np
from sklearn.metrics import mean_absolute_error, mean_squared_error, r2_score, root_mean_squared_error

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


REGRESSION: dict[str, Metric] = {
    "mae": AdditiveMetric(mean_absolute_error, _absolute_terms, lambda sums: sums[:, 1] / sums[:, 0]),
    "mse": AdditiveMetric(mean_squared_error, _squared_terms, lambda sums: sums[:, 1] / sums[:, 0]),
    "rmse": AdditiveMetric(root_mean_squared_error, _squared_terms, lambda sums: np.sqrt(sums[:, 1] / sums[:, 0])),
    "r2": AdditiveMetric(_r2_score, _squared_terms, _r2),
}

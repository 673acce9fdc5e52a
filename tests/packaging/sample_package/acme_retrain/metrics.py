"""The mean cost of a wrong decision at a probability of one half."""

import numpy as np

from retrain.metrics import AdditiveMetric, InstalledMetric

MISSED = 5.0
FALSE_ALARM = 1.0


def cost_per_row(y, scores):
    """Return (n, 2): ones, and the cost of each row."""
    predicted = scores[:, 1] >= 0.5
    cost = np.where(y == 1, MISSED * ~predicted, FALSE_ALARM * predicted)
    return np.column_stack([np.ones(len(y)), cost])


MEAN_COST = InstalledMetric(
    AdditiveMetric(
        point=lambda y, scores: cost_per_row(y, scores)[:, 1].mean(),
        rows=cost_per_row,
        finish=lambda sums: sums[:, 1] / sums[:, 0],
    ),
    task="classification",
    greater_is_better=False,
)

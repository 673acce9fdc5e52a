"""What every metric is: its value, and its value when each cluster of rows is drawn several times."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

__all__ = ["AdditiveMetric", "Floats", "Ints", "Metric", "Resampler"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Resampler = Callable[[Ints], Floats]
"""From counts, shape (resamples, clusters), to one value of the metric per resample."""


class Metric(Protocol):
    """A number that says how good scores are.

    Shapes: for classification `y` is (n,) class indices and `scores` (n, classes) probabilities; for regression both are
    (n,) in the units of the label.
    """

    def value(self, y: Floats, scores: Floats) -> float:
        """Return the metric over all rows; NaN where it is not defined."""

    def resampler(self, y: Floats, scores: Floats, clusters: Ints) -> Resampler:
        """Prepare the metric for resampling; with all counts 1 the result equals `value`.

        Args:
            clusters: (n,) the cluster of each row, from 0.
        """


@dataclass(frozen=True)
class AdditiveMetric:
    """A metric that is a function of sums over rows, so that a resample costs one matrix product.

    Attributes:
        point: The library's own function, which gives `value`.
        rows: (y, scores) to (n, d) terms of each row.
        finish: (resamples, d) sums to (resamples,) values.
    """

    point: Callable[[Floats, Floats], float]
    rows: Callable[[Floats, Floats], Floats]
    finish: Callable[[Floats], Floats]

    def value(self, y: Floats, scores: Floats) -> float:
        """Return the metric over all rows; NaN without rows."""
        return float(self.point(y, scores)) if len(y) else float("nan")

    def resampler(self, y: Floats, scores: Floats, clusters: Ints) -> Resampler:
        """Sum the terms by cluster once."""
        terms = self.rows(y, scores)
        sums = np.zeros((int(clusters.max()) + 1, terms.shape[1]))
        np.add.at(sums, clusters, terms)
        return lambda counts: self.finish(counts @ sums)

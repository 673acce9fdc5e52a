"""The interface of a metric: its value, and its value when clusters of rows are drawn with given counts."""

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
"""Maps counts, shape (resamples, clusters), to (resamples,) values of the metric."""


class Metric(Protocol):
    """A measure of how good scores are.

    Shapes: for classification `y` is (n,) class indices and `scores` (n, classes) probabilities; for regression both are
    (n,) in the units of the label.
    """

    def value(self, y: Floats, scores: Floats) -> float:
        """Return the metric over all rows; NaN if it is not defined."""

    def resampler(self, y: Floats, scores: Floats, clusters: Ints) -> Resampler:
        """Return a resampler of the metric; with all counts 1 its result equals `value`.

        Args:
            clusters: (n,) the cluster number of each row, from 0.
        """


@dataclass(frozen=True)
class AdditiveMetric:
    """A metric that is a function of sums over rows, so a resample costs one matrix product.

    Attributes:
        point: The library's function, which computes `value`.
        rows: Maps (y, scores) to (n, d) terms per row.
        finish: Maps (resamples, d) sums to (resamples,) values.
    """

    point: Callable[[Floats, Floats], float]
    rows: Callable[[Floats, Floats], Floats]
    finish: Callable[[Floats], Floats]

    def value(self, y: Floats, scores: Floats) -> float:
        """Return the metric over all rows; NaN without rows."""
        return float(self.point(y, scores)) if len(y) else float("nan")

    def resampler(self, y: Floats, scores: Floats, clusters: Ints) -> Resampler:
        """Return a resampler over the terms, which are summed by cluster once."""
        terms = self.rows(y, scores)
        sums = np.zeros((int(clusters.max()) + 1, terms.shape[1]))
        np.add.at(sums, clusters, terms)
        return lambda counts: self.finish(counts @ sums)

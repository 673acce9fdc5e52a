"""Reliability: what a model says, beside what came true, in bins of the statement."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from retrain.core.stats.metrics.base import Floats, Ints

__all__ = ["Bin", "Reliability", "Strategy", "assign_bins", "compute_reliability", "pair_with_outcomes"]

Strategy = Literal["quantile", "uniform"]


@dataclass(frozen=True)
class Bin:
    """The rows of one range of predictions.

    Attributes:
        predicted: The mean prediction.
        observed: The mean of what came true: a share, or the mean label of a regression.
    """

    rows: int
    predicted: float
    observed: float


@dataclass(frozen=True)
class Reliability:
    """The bins of one side, in order of what was said.

    Attributes:
        error: The mean over all rows of a bin's ``|said - observed|``. For a classification this is the expected calibration
            error, from 0 to 1; for a regression it is in units of the label.
    """

    bins: tuple[Bin, ...]
    error: float


def compute_reliability(y: Floats, scores: Floats, bins: int = 10, strategy: Strategy = "quantile") -> Reliability:
    """Return the reliability of one side's scores.

    Args:
        y: (n,) class indices, or the labels of a regression; n is at least 1.
        scores: (n, classes) probabilities, or (n,) predictions.
        bins: The most bins; rows with the same prediction are in the same one, so there may be fewer.
        strategy: Bins of as many rows each, or of the same width between 0 and 1.

    Reference: Guo, Pleiss, Sun and Weinberger, On Calibration of Modern Neural Networks, ICML 2017, section 2.

    >>> compute_reliability(np.array([0.0, 1.0]), np.array([[0.9, 0.1], [0.3, 0.7]]), bins=2)
    Reliability(bins=(Bin(rows=1, predicted=0.1, observed=0.0), Bin(rows=1, predicted=0.7, observed=1.0)), error=0.2)
    """
    said, observed = pair_with_outcomes(y, scores)
    places = assign_bins(said, bins, strategy)
    rows, sums_said, sums_observed = (np.bincount(places, weights=values) for values in (None, said, observed))
    full = rows > 0
    means_said, means_observed = sums_said[full] / rows[full], sums_observed[full] / rows[full]
    error = float(np.average(np.abs(means_said - means_observed), weights=rows[full]))
    found = zip(rows[full].tolist(), means_said.tolist(), means_observed.tolist(), strict=True)
    return Reliability(tuple(Bin(*item) for item in found), error)


def pair_with_outcomes(y: Floats, scores: Floats) -> tuple[Floats, Floats]:
    """Return (n,) what was said and (n,) what came true.

    Of two classes that is the probability of the second one and 1 where it came, of more classes the probability of the likeliest
    one and 1 where it was right (confidence calibration), of a regression the prediction and the label.
    """
    if scores.ndim == 1:
        return scores, y
    if scores.shape[1] == 2:
        return scores[:, 1], (y == 1).astype(np.float64)
    return scores.max(axis=1), (scores.argmax(axis=1) == y).astype(np.float64)


def assign_bins(said: Floats, bins: int, strategy: Strategy) -> Ints:
    """Return (n,) the bin of each row, from 0, in order of what was said."""
    inner = np.linspace(0, 1, bins + 1)[1:-1]
    edges = np.unique(np.quantile(said, inner)) if strategy == "quantile" else inner
    return np.searchsorted(edges, said, side="right").astype(np.int64)

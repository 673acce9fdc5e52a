"""Reliability: what a model says, beside what came true, in bins of equally many rows."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from retrain.core.metrics.base import Floats

__all__ = ["Bin", "Reliability", "reliability_of"]


@dataclass(frozen=True)
class Bin:
    """The rows of one range of predictions.

    Attributes:
        said: The mean prediction.
        observed: The mean of what came true: a share, or the mean label of a regression.
    """

    rows: int
    said: float
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


def reliability_of(y: Floats, scores: Floats, bins: int = 10) -> Reliability:
    """Return the reliability of one side's scores.

    Of two classes the probability of the second one is held against its share, of more classes the probability of the likeliest
    class against how often it is right (confidence calibration), of a regression the prediction against the label.

    Args:
        y: (n,) class indices, or the labels of a regression.
        scores: (n, classes) probabilities, or (n,) predictions.
        bins: The most bins; rows with the same prediction are in the same one, so there may be fewer.

    Reference: Guo, Pleiss, Sun and Weinberger, On Calibration of Modern Neural Networks, ICML 2017, section 2, with bins of
    equally many rows in place of equal width.

    >>> reliability_of(np.array([0.0, 1.0]), np.array([[0.9, 0.1], [0.3, 0.7]]), bins=2)
    Reliability(bins=(Bin(rows=1, said=0.1, observed=0.0), Bin(rows=1, said=0.7, observed=1.0)), error=0.2)
    """
    said, observed = _said_and_observed(y, scores)
    edges = np.unique(np.quantile(said, np.linspace(0, 1, bins + 1)[1:-1]))
    places = np.searchsorted(edges, said, side="left")
    rows, sums_said, sums_observed = (np.bincount(places, weights=values) for values in (None, said, observed))
    full = rows > 0
    means_said, means_observed = sums_said[full] / rows[full], sums_observed[full] / rows[full]
    error = float(np.average(np.abs(means_said - means_observed), weights=rows[full]))
    found = zip(rows[full].tolist(), means_said.tolist(), means_observed.tolist(), strict=True)
    return Reliability(tuple(Bin(*item) for item in found), error)


def _said_and_observed(y: Floats, scores: Floats) -> tuple[Floats, Floats]:
    if scores.ndim == 1:
        return scores, y
    if scores.shape[1] == 2:
        return scores[:, 1], (y == 1).astype(np.float64)
    return scores.max(axis=1), (scores.argmax(axis=1) == y).astype(np.float64)

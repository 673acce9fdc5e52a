"""Reliability diagrams: mean prediction beside mean outcome, per bin of predictions."""

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
        rows: Number of rows.
        predicted: The mean prediction.
        observed: The mean outcome: a share from 0 to 1, or the mean label of a regression.
    """

    rows: int
    predicted: float
    observed: float


@dataclass(frozen=True)
class Reliability:
    """The reliability diagram of one model.

    Attributes:
        bins: In ascending order of the prediction.
        error: The mean of ``|predicted - observed|`` over the bins, weighted by rows. For a classification this is the expected
            calibration error, from 0 to 1; for a regression it is in units of the label.
    """

    bins: tuple[Bin, ...]
    error: float


def compute_reliability(y: Floats, scores: Floats, bins: int = 10, strategy: Strategy = "quantile") -> Reliability:
    """Return the reliability diagram of one model's scores.

    Args:
        y: (n,) class indices, or the labels of a regression; n is at least 1.
        scores: (n, classes) probabilities, or (n,) predictions.
        bins: Largest number of bins; rows with equal predictions share a bin, so there may be fewer.
        strategy: Bins of equal row counts (``quantile``), or of equal width between 0 and 1 (``uniform``).

    Reference: Guo, Pleiss, Sun and Weinberger, On Calibration of Modern Neural Networks, ICML 2017, section 2.

    >>> compute_reliability(np.array([0.0, 1.0]), np.array([[0.9, 0.1], [0.3, 0.7]]), bins=2)
    Reliability(bins=(Bin(rows=1, predicted=0.1, observed=0.0), Bin(rows=1, predicted=0.7, observed=1.0)), error=0.2)
    """
    predicted, observed = pair_with_outcomes(y, scores)
    bin_numbers = assign_bins(predicted, bins, strategy)
    rows, predicted_sums, observed_sums = (
        np.bincount(bin_numbers, weights=values) for values in (None, predicted, observed)
    )
    filled = rows > 0
    predicted_means, observed_means = predicted_sums[filled] / rows[filled], observed_sums[filled] / rows[filled]
    error = float(np.average(np.abs(predicted_means - observed_means), weights=rows[filled]))
    columns = zip(rows[filled].tolist(), predicted_means.tolist(), observed_means.tolist(), strict=True)
    return Reliability(tuple(Bin(*values) for values in columns), error)


def pair_with_outcomes(y: Floats, scores: Floats) -> tuple[Floats, Floats]:
    """Return (n,) predictions and (n,) outcomes.

    With two classes: the probability of the second class, and 1 if the row is of that class, else 0. With more classes: the
    probability of the most likely class, and 1 if the row is of that class (confidence calibration). For a regression: the
    prediction and the label.

    Args:
        y: (n,) class indices, or the labels of a regression.
        scores: (n, classes) probabilities, or (n,) predictions.
    """
    if scores.ndim == 1:
        return scores, y
    if scores.shape[1] == 2:
        return scores[:, 1], (y == 1).astype(np.float64)
    return scores.max(axis=1), (scores.argmax(axis=1) == y).astype(np.float64)


def assign_bins(predicted: Floats, bins: int, strategy: Strategy) -> Ints:
    """Return (n,) the bin number of each row, from 0, in ascending order of the (n,) predictions."""
    inner = np.linspace(0, 1, bins + 1)[1:-1]
    edges = np.unique(np.quantile(predicted, inner)) if strategy == "quantile" else inner
    return np.searchsorted(edges, predicted, side="right").astype(np.int64)

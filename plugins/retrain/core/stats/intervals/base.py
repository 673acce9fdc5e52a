"""Input and result of every interval method: two sets of scores on the same rows, and the gain with its bounds."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np
from scipy.special import stdtr, stdtrit

from retrain.core.stats.interval_names import MIN_BLOCKS, MIN_CLUSTERS, IntervalMethod
from retrain.core.stats.metrics import Metric
from retrain.core.stats.metrics.base import Floats, Ints, Resampler
from retrain.errors import DataError

__all__ = ["POWER", "Gain", "PairedScores", "make_t_interval"]

POWER: Final = 0.8
"""Probability that a test passes a true gain of the detectable size."""


@dataclass(frozen=True)
class Gain:
    """How much better the challenger's scores are, in units of the metric.

    Attributes:
        value: Positive if the challenger is better.
        low: Lower bound with a one-sided error rate of `level`.
        high: Upper bound with a one-sided error rate of `level`.
        standard_error: The standard error of the value.
        degrees_of_freedom: Of the standard error, for Student's t.
        level: The one-sided error level; the two-sided confidence level of (low, high) is ``1 - 2 * level``.
        clusters: Number of clusters before any were joined to blocks.
        method: The interval method.
        autocorrelation: Of neighbouring clusters in time, at lag 1; None if clusters are not in time order or it is not defined.
        blocks: Number of blocks that dependent clusters were joined to; None if they were not.
    """

    value: float
    low: float
    high: float
    standard_error: float
    degrees_of_freedom: int
    level: float
    clusters: int
    method: IntervalMethod
    autocorrelation: float | None = None
    blocks: int | None = None

    @property
    def detectable_gain(self) -> float:
        """The excess of a true gain over the margin that the test detects with 80 % power."""
        return self.detectable_gain_at(self.level)

    def detectable_gain_at(self, level: float) -> float:
        """Return the detectable gain at another one-sided level: ``(t[1 - level] + t[0.8]) * standard_error``."""
        return float(
            (stdtrit(self.degrees_of_freedom, POWER) - stdtrit(self.degrees_of_freedom, level)) * self.standard_error
        )

    def rows_needed(self, margin: float, rows: int) -> int | None:
        """Return about how many more rows the test needs to detect a true gain of `value` with 80 % power.

        The standard error falls with the square root of the rows.

        Args:
            margin: The gain must exceed this.
            rows: Rows of the present holdout.

        Returns:
            None if the value does not exceed the margin: no number of rows would be enough.
        """
        if not self.value > margin:
            return None
        factor = (self.detectable_gain / (self.value - margin)) ** 2
        return max(0, math.ceil(rows * (factor - 1))) if math.isfinite(rows * factor) else None

    def p_value_below(self, margin: float) -> float:
        """Return the one-sided p-value for the alternative that the true gain is below a margin, by Student's t."""
        if not self.standard_error:
            return float(self.value >= margin)
        return float(stdtr(self.degrees_of_freedom, (self.value - margin) / self.standard_error))


@dataclass(frozen=True)
class PairedScores:
    """Two sets of scores on the same n rows.

    Attributes:
        metric: The metric to compare by.
        y: (n,) class indices, or the labels of a regression.
        challenger: (n, classes) probabilities, or (n,) predictions.
        opponent: Like `challenger`.
        clusters: (n,) the cluster number of each row, from 0.
        greater_is_better: Whether a greater value of the metric is better.
        ordered: Whether cluster numbers are in time order, as those of calendar periods are.

    Raises:
        DataError: There are fewer than `MIN_CLUSTERS` clusters, or `MIN_BLOCKS` in time order; or a score is not finite.
    """

    metric: Metric
    y: Floats
    challenger: Floats
    opponent: Floats
    clusters: Ints
    greater_is_better: bool
    ordered: bool = False

    def __post_init__(self) -> None:
        fewest = MIN_BLOCKS if self.ordered else MIN_CLUSTERS
        if self.cluster_count < fewest:
            raise DataError(
                f"the interval of a paired gain needs at least {fewest} clusters",
                got=str(self.cluster_count),
                fix="Widen the holdout or cluster by a shorter period.",
            )
        if not all(np.isfinite(side).all() for side in (self.challenger, self.opponent)):
            raise DataError(
                "a comparison needs finite scores", got="NaN or an infinity", fix="Fix the estimator that gave them."
            )

    @property
    def cluster_count(self) -> int:
        """Number of clusters."""
        return int(self.clusters.max()) + 1 if len(self.clusters) else 0

    @property
    def sign(self) -> float:
        """1 if a greater value of the metric is better, else -1."""
        return 1.0 if self.greater_is_better else -1.0

    def gains(self, counts: Ints) -> Floats:
        """Return (resamples,) gains; `counts`, (resamples, clusters), says how often each cluster is drawn."""
        challenger, opponent = self._resamplers
        return np.asarray(self.sign * (challenger(counts) - opponent(counts)))

    @cached_property
    def _resamplers(self) -> tuple[Resampler, Resampler]:
        resampler = self.metric.resampler
        return resampler(self.y, self.challenger, self.clusters), resampler(self.y, self.opponent, self.clusters)


def make_t_interval(
    value: float, standard_error: float, degrees_of_freedom: int, level: float, clusters: int, method: IntervalMethod
) -> Gain:
    """Return the gain with the bounds ``value -+ t[1 - level, degrees_of_freedom] * standard_error``."""
    half_width = -float(stdtrit(degrees_of_freedom, level)) * standard_error
    low, high = value - half_width, value + half_width
    return Gain(value, low, high, standard_error, degrees_of_freedom, level, clusters, method)

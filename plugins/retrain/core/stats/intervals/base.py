"""What every interval is made from and what it gives: two sets of scores on the same rows, and the gain with its bounds."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np
from scipy.special import stdtr, stdtrit

from retrain.core.stats.interval_names import IntervalMethod
from retrain.core.stats.metrics import Metric
from retrain.core.stats.metrics.base import Floats, Ints, Resampler
from retrain.errors import DataError

__all__ = ["MIN_CLUSTERS", "POWER", "Gain", "PairedScores", "make_t_interval"]

MIN_CLUSTERS: Final = 8
"""With fewer there is no telling luck from skill: Student's t on 6 degrees is where tails get out of hand."""
POWER: Final = 0.8
"""How often a detectable gain would pass."""


@dataclass(frozen=True)
class Gain:
    """How much better the first scores are, in units of the metric.

    Attributes:
        value: Positive where the first scores are better.
        low: The bound that a true gain is under with an error of `level`.
        high: The bound that a true gain is over with an error of `level`.
        error: The standard error of the value.
        degrees: The degrees of freedom of the standard error.
        level: The one-sided error level; the two-sided confidence of (low, high) is ``1 - 2 * level``.
        clusters: How many independent clusters it rests on.
    """

    value: float
    low: float
    high: float
    error: float
    degrees: int
    level: float
    clusters: int
    method: IntervalMethod

    @property
    def detectable_gain(self) -> float:
        """How far over a margin a true gain must lie to pass four times in five."""
        return self.detectable_gain_at(self.level)

    def detectable_gain_at(self, level: float) -> float:
        """Return the reach of a test at another level: ``(t[1 - level] + t[0.8]) * error``."""
        return float((stdtrit(self.degrees, POWER) - stdtrit(self.degrees, level)) * self.error)

    def rows_needed(self, margin: float, rows: int) -> int | None:
        """Return about how many more rows would let a true gain of `value` pass four times in five.

        The standard error falls with the root of the rows. None where the value is not over the margin: no number would do.
        """
        if not self.value > margin:
            return None
        factor = (self.detectable_gain / (self.value - margin)) ** 2
        return max(0, math.ceil(rows * (factor - 1))) if math.isfinite(rows * factor) else None

    def p_value_below(self, margin: float) -> float:
        """Return the one-sided p-value of the claim that the true gain is under a margin, by Student's t."""
        if not self.error:
            return float(self.value >= margin)
        return float(stdtr(self.degrees, (self.value - margin) / self.error))


@dataclass(frozen=True)
class PairedScores:
    """Two sets of scores on the same n rows.

    Attributes:
        y: (n,) labels as the metric reads them.
        scores: (n,) or (n, classes), the challenger's.
        other: Like `scores`, the opponent's.
        clusters: (n,) the cluster of each row, from 0.

    Raises:
        DataError: There are fewer than `MIN_CLUSTERS` clusters, or a score is not finite.
    """

    metric: Metric
    y: Floats
    scores: Floats
    other: Floats
    clusters: Ints
    greater_is_better: bool

    def __post_init__(self) -> None:
        if self.count < MIN_CLUSTERS:
            raise DataError(
                f"the interval of a paired gain needs at least {MIN_CLUSTERS} clusters",
                got=str(self.count),
                fix="Widen the holdout or cluster by a shorter period.",
            )
        if not all(np.isfinite(side).all() for side in (self.scores, self.other)):
            raise DataError(
                "a comparison needs finite scores", got="NaN or an infinity", fix="Mend the estimator that gave them."
            )

    @property
    def count(self) -> int:
        """How many clusters there are."""
        return int(self.clusters.max()) + 1 if len(self.clusters) else 0

    @property
    def sign(self) -> float:
        """Which way is better."""
        return 1.0 if self.greater_is_better else -1.0

    def gains(self, counts: Ints) -> Floats:
        """Return (resamples,) gains where each cluster is drawn (resamples, clusters) times."""
        first, second = self._sides
        return np.asarray(self.sign * (first(counts) - second(counts)))

    @cached_property
    def _sides(self) -> tuple[Resampler, Resampler]:
        resampler = self.metric.resampler
        return resampler(self.y, self.scores, self.clusters), resampler(self.y, self.other, self.clusters)


def make_t_interval(
    value: float, error: float, degrees: int, level: float, clusters: int, method: IntervalMethod
) -> Gain:
    """Return the gain with the bounds ``value -+ t[1 - level, degrees] * error``."""
    half = -float(stdtrit(degrees, level)) * error
    return Gain(value, value - half, value + half, error, degrees, level, clusters, method)

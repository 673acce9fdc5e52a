"""What a gate may look at: the scorecard and the per-row scores behind it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from retrain.core.error_control import Allotment
from retrain.core.interval_names import IntervalName
from retrain.core.intervals import Gain, Pairs, paired_gain
from retrain.core.metric_names import GREATER_IS_BETTER
from retrain.core.metrics import METRICS
from retrain.core.metrics.base import Ints
from retrain.core.scorecard import Scorecard, SliceScore
from retrain.core.scores import Opponent, Scores
from retrain.errors import DataError

__all__ = ["Evidence"]


@dataclass(frozen=True)
class Evidence:
    """The scorecard of a retrain with its per-row scores.

    Attributes:
        allotment: The error that the comparison with the champion may make; None where nothing but the gates limits it.
    """

    scorecard: Scorecard
    scores: Scores
    allotment: Allotment | None = None

    @property
    def opponent(self) -> Opponent | None:
        """Whom the challenger met: the champion, for a first model the baseline, or nobody."""
        return self.scorecard.opponent if self.scores.opponent is not None else None

    @property
    def why_no_opponent(self) -> str:
        """Why there is nobody to compare with."""
        return self.scorecard.why_no_opponent or "no opponent was scored"

    @property
    def why_no_level(self) -> str:
        """Why luck may not pass at all."""
        return self.allotment.why_none if self.allotment else ""

    def challenger_metric(self, metric: str) -> float:
        """Return a metric of the challenger; NaN where it is missing."""
        return self.scorecard.challenger_metrics.get(metric, math.nan)

    def opponent_metric(self, metric: str) -> float:
        """Return a metric of the opponent; NaN where it is missing."""
        return self.scorecard.opponent_metrics.get(metric, math.nan)

    def slice_scores(self) -> tuple[SliceScore, ...]:
        """Return the scores of every slice."""
        return self.scorecard.slices

    def paired_gain(
        self, metric: str, cluster_by: str | None, level: float, *, method: IntervalName = "auto", resamples: int = 2000
    ) -> Gain:
        """Return the gain over the opponent with its interval; the same evidence gives the same numbers.

        Args:
            level: One-sided error level of either bound.

        Raises:
            DataError: The cluster column is unknown, there are too few clusters, or the method does not fit the scores.
            ValueError: There is no opponent; ask `opponent` first.
        """
        pairs = self._pairs(metric, self.scores.clusters(cluster_by), slice(None))
        return paired_gain(pairs, level=level, method=method, resamples=resamples, seed=int(self.scorecard.key[:8], 16))

    def slice_gains(
        self, slices: Sequence[SliceScore], metric: str, cluster_by: str | None, level: float
    ) -> list[Gain | None]:
        """Return the gain over the opponent on the rows of each slice; None where a slice has no interval.

        Raises:
            DataError: The cluster column is unknown.
            ValueError: There is no opponent; ask `opponent` first.
        """
        clusters = self.scores.clusters(cluster_by)
        values = {score.column: self.scores.columns[score.column].astype(str) for score in slices}

        def gain_of(score: SliceScore) -> Gain | None:
            try:
                gain = paired_gain(self._pairs(metric, clusters, values[score.column] == score.value), level=level)
            except DataError:
                return None
            return gain if math.isfinite(gain.error) else None

        return [gain_of(score) for score in slices]

    def _pairs(self, metric: str, clusters: Ints, rows: slice | NDArray[np.bool_]) -> Pairs:
        scores = self.scores
        if scores.opponent is None:
            raise ValueError(self.why_no_opponent)
        owners = np.unique(clusters[rows], return_inverse=True)[1]
        sides = scores.y[rows], scores.challenger[rows], scores.opponent[rows]
        return Pairs(METRICS[metric], *sides, owners, greater_is_better=GREATER_IS_BETTER[metric])

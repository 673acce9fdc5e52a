"""What a gate may look at: the scorecard and the per-row scores behind it."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from retrain.core.error_control import Allotment
from retrain.core.interval_names import IntervalName
from retrain.core.intervals import Gain, Pairs, paired_gain
from retrain.core.metric_names import GREATER_IS_BETTER
from retrain.core.metrics import METRICS
from retrain.core.scorecard import Scorecard, SliceScore
from retrain.core.scores import Opponent, Scores

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
        pairs = self._pairs(metric, cluster_by, slice(None))
        return paired_gain(pairs, level=level, method=method, resamples=resamples, seed=int(self.scorecard.key[:8], 16))

    def slice_gain(self, score: SliceScore, metric: str, cluster_by: str | None, level: float) -> Gain:
        """Return the gain over the opponent on the rows of a slice, as `paired_gain` does on all."""
        rows = self.scores.columns[score.column].astype(str) == score.value
        return paired_gain(self._pairs(metric, cluster_by, rows), level=level)

    def _pairs(self, metric: str, cluster_by: str | None, rows: slice | NDArray[np.bool_]) -> Pairs:
        scores = self.scores
        if scores.opponent is None:
            raise ValueError(self.why_no_opponent)
        clusters = np.unique(scores.clusters(cluster_by)[rows], return_inverse=True)[1]
        sides = scores.y[rows], scores.challenger[rows], scores.opponent[rows]
        return Pairs(METRICS[metric], *sides, clusters, greater_is_better=GREATER_IS_BETTER[metric])

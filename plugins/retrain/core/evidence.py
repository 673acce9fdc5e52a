"""What a gate may look at: the scorecard and the per-row scores behind it."""

from __future__ import annotations

import math
from dataclasses import dataclass

from retrain.core.bootstrap import Gain, paired_gain
from retrain.core.metric_names import GREATER_IS_BETTER
from retrain.core.metrics import METRICS
from retrain.core.scorecard import Scorecard, SliceScore
from retrain.core.scores import Opponent, Scores

__all__ = ["Evidence"]


@dataclass(frozen=True)
class Evidence:
    """The scorecard of a retrain with its per-row scores."""

    scorecard: Scorecard
    scores: Scores

    @property
    def opponent(self) -> Opponent | None:
        """Whom the challenger met: the champion, for a first model the baseline, or nobody."""
        return self.scorecard.opponent if self.scores.opponent is not None else None

    @property
    def why_no_opponent(self) -> str:
        """Why there is nobody to compare with."""
        return self.scorecard.why_no_opponent or "no opponent was scored"

    def challenger_metric(self, metric: str) -> float:
        """Return a metric of the challenger; NaN where it is missing."""
        return self.scorecard.challenger_metrics.get(metric, math.nan)

    def opponent_metric(self, metric: str) -> float:
        """Return a metric of the opponent; NaN where it is missing."""
        return self.scorecard.opponent_metrics.get(metric, math.nan)

    def slice_scores(self) -> tuple[SliceScore, ...]:
        """Return the scores of every slice."""
        return self.scorecard.slices

    def paired_gain(self, metric: str, cluster_by: str | None, confidence: float, resamples: int) -> Gain:
        """Return the gain over the opponent with its interval; the same evidence gives the same numbers.

        Raises:
            DataError: The cluster column is unknown, or there are too few clusters.
            ValueError: There is no opponent; ask `opponent` first.
        """
        if self.scores.opponent is None:
            raise ValueError(self.why_no_opponent)
        return paired_gain(
            METRICS[metric],
            self.scores.y,
            self.scores.challenger,
            self.scores.opponent,
            self.scores.clusters(cluster_by),
            greater_is_better=GREATER_IS_BETTER[metric],
            confidence=confidence,
            resamples=resamples,
            seed=int(self.scorecard.key[:8], 16),
        )

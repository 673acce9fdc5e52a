"""The paired, clustered bootstrap of the gain of one set of scores over another on the same rows.

Whole clusters are drawn with replacement, for both sides at once, so that luck which rows of a cluster share (a storm day
delays every flight) widens the interval instead of hiding. Resampling and intervals are `scipy.stats.bootstrap`'s.

Assumptions: clusters are exchangeable and independent of each other; rows within one need not be. With few clusters
percentile intervals run narrow, so fewer than `FEWEST_CLUSTERS` is an error.

Reference: Davison and Hinkley, Bootstrap Methods and their Application (1997), sections 2.4 and 3.8.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from scipy.stats import bootstrap

from retrain.core.metrics import Metric
from retrain.core.metrics.base import Floats, Ints
from retrain.errors import DataError

__all__ = ["FEWEST_CLUSTERS", "Gain", "paired_gain"]

FEWEST_CLUSTERS: Final = 8
_CELLS_PER_BATCH: Final = 4_000_000


@dataclass(frozen=True)
class Gain:
    """How much better the first scores are, in units of the metric, with a two-sided interval."""

    value: float
    low: float
    high: float
    clusters: int


def paired_gain(
    metric: Metric,
    y: Floats,
    scores: Floats,
    other: Floats,
    clusters: Ints,
    *,
    greater_is_better: bool,
    confidence: float,
    resamples: int,
    seed: int,
) -> Gain:
    """Return the gain of `scores` over `other`, positive where `scores` are better.

    Args:
        y: (n,) labels as the metric reads them.
        scores: (n,) or (n, classes), the challenger's.
        other: Like `scores`, the opponent's.
        clusters: (n,) the cluster of each row, from 0.
        confidence: Two-sided level of the percentile interval.

    Raises:
        DataError: There are fewer than `FEWEST_CLUSTERS` clusters, or a score is not finite.

    >>> from retrain.core.metrics import METRICS
    >>> rng = np.random.default_rng(7)
    >>> y = rng.normal(size=400)
    >>> good, bad = y + rng.normal(size=400) * 0.1, y + rng.normal(size=400) * 0.5
    >>> gain = paired_gain(METRICS["mae"], y, good, bad, np.arange(400) // 10,
    ...                    greater_is_better=False, confidence=0.95, resamples=999, seed=1)
    >>> gain.low > 0.2 and gain.low < gain.value < gain.high
    True
    """
    count = int(clusters.max()) + 1 if len(clusters) else 0
    if count < FEWEST_CLUSTERS:
        raise DataError(
            f"a paired bootstrap needs at least {FEWEST_CLUSTERS} clusters",
            got=str(count),
            fix="Widen the holdout or cluster by a shorter period.",
        )
    if not all(np.isfinite(side).all() for side in (scores, other)):
        raise DataError(
            "a comparison needs finite scores", got="NaN or an infinity", fix="Mend the estimator that gave them."
        )
    sign = 1.0 if greater_is_better else -1.0
    first, second = metric.resampler(y, scores, clusters), metric.resampler(y, other, clusters)

    def statistic(drawn: Ints, axis: int = -1) -> Any:  # noqa: ARG001 - scipy names it
        rows = np.atleast_2d(drawn)
        counts = np.zeros((len(rows), count), dtype=np.int64)
        np.add.at(counts, (np.arange(len(rows))[:, None], rows), 1)
        gains = sign * (first(counts) - second(counts))
        return gains[0] if drawn.ndim == 1 else gains

    result = bootstrap(
        (np.arange(count),),
        statistic,
        n_resamples=resamples,
        batch=max(1, _CELLS_PER_BATCH // count),
        vectorized=True,
        method="percentile",
        confidence_level=confidence,
        rng=np.random.default_rng(seed),
    )
    value = float(statistic(np.arange(count)))
    return Gain(value, float(result.confidence_interval.low), float(result.confidence_interval.high), count)

"""The percentile bootstrap of the paired gain.

Whole clusters are drawn with replacement, for both sides at once, so noise that the rows of a cluster share (a storm day delays
every flight) widens the interval. The bounds are quantiles of the resampled gains. `scipy.stats.bootstrap` does the resampling
and computes the quantiles.

Assumptions: clusters are exchangeable and independent of each other; rows within a cluster need not be. There are enough
clusters for the resampled gains to vary around the gain as the gain varies around the true value. With a few dozen clusters, and
far out in the tails, they vary too little, and the interval is too narrow. Hence at least `MIN_CLUSTERS` clusters, also of
calendar periods and of blocks that dependent ones were joined to: quantiles over 4 blocks of 28 days miss in 13 % of cases where
2.5 % is stated (autocorrelation 0.6).

Reference: Davison and Hinkley, Bootstrap Methods and their Application (1997), sections 2.4 and 3.8.

>>> from retrain.core.stats.metrics import METRICS
>>> rng = np.random.default_rng(7)
>>> y = rng.normal(size=400)
>>> good, bad = y + rng.normal(size=400) * 0.1, y + rng.normal(size=400) * 0.5
>>> pairs = PairedScores(METRICS["mae"], y, good, bad, np.arange(400) // 10, greater_is_better=False)
>>> gain = percentile(pairs, level=0.025, resamples=999, seed=1)
>>> gain.low > 0.2 and gain.low < gain.value < gain.high
True
"""

from __future__ import annotations

import math
import warnings
from typing import Any, Final, Literal

import numpy as np
from scipy.stats import DegenerateDataWarning, bootstrap

from retrain.core.stats.interval_names import MIN_CLUSTERS
from retrain.core.stats.intervals.base import Gain, PairedScores
from retrain.core.stats.metrics.base import Ints
from retrain.errors import DataError

__all__ = ["bootstrap_gain", "percentile"]

_CELLS_PER_BATCH: Final = 4_000_000
_RESAMPLES_BEYOND_BOUND: Final = 10
"""Number of resamples that must lie beyond each bound: with fewer the quantile is mostly noise."""


def percentile(pairs: PairedScores, *, level: float, resamples: int, seed: int) -> Gain:
    """Return the gain with the `level` and ``1 - level`` quantiles of at least `resamples` resampled gains."""
    return bootstrap_gain(pairs, "percentile", level=level, resamples=resamples, seed=seed)


def bootstrap_gain(
    pairs: PairedScores, method: Literal["percentile", "bca"], *, level: float, resamples: int, seed: int
) -> Gain:
    """Return the gain with bounds from resampled clusters.

    Args:
        pairs: The two sets of scores.
        method: Which quantiles of the resampled gains are the bounds.
        level: One-sided error level of each bound; a small one raises the number of resamples.
        resamples: Smallest number of resamples.
        seed: Seed of the bootstrap.

    Raises:
        DataError: There are fewer than `MIN_CLUSTERS` clusters to resample.
    """
    count = pairs.cluster_count
    if count < MIN_CLUSTERS:
        raise DataError(
            f"a bootstrap of the gain needs at least {MIN_CLUSTERS} clusters, or blocks of clusters that depend on each other",
            got=str(count),
            fix="Use `method: auto`, or widen the holdout.",
        )

    def statistic(clusters: Ints, axis: int = -1) -> Any:  # noqa: ARG001 - scipy passes the axis by name
        batch = np.atleast_2d(clusters)
        cells = (batch + count * np.arange(len(batch))[:, None]).ravel()
        gains = pairs.gains(np.bincount(cells, minlength=len(batch) * count).reshape(len(batch), count))
        return gains[0] if clusters.ndim == 1 else gains

    with warnings.catch_warnings(), np.errstate(invalid="ignore"):
        warnings.simplefilter("ignore", DegenerateDataWarning)  # NaN bounds already show it
        result = bootstrap(
            (np.arange(count),),
            statistic,
            n_resamples=max(resamples, math.ceil(_RESAMPLES_BEYOND_BOUND / level)),
            batch=max(1, _CELLS_PER_BATCH // count),
            vectorized=True,
            method="BCa" if method == "bca" else method,
            confidence_level=1 - 2 * level,
            rng=np.random.default_rng(seed),
        )
    low, high = map(float, result.confidence_interval)
    value = float(statistic(np.arange(count)))
    return Gain(value, low, high, float(result.standard_error), count - 1, level, count, method)

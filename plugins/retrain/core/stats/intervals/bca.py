"""The bias-corrected and accelerated (BCa) bootstrap of the paired gain.

Like `percentile`, with shifted quantiles: they correct for the median bias of the resampled gains (z0) and for a standard error
that changes with the gain (the acceleration a, from the gains without each cluster in turn). The bounds are the quantiles
``Phi(z0 + (z0 + z) / (1 - a (z0 + z)))`` for z at `level` and ``1 - level``. `scipy.stats.bootstrap` computes both corrections;
for the acceleration it leaves out one cluster at a time, because clusters are the resampled units.

Assumptions: those of `percentile`, and that some monotone transformation of the gain is normal. BCa corrects skewness; with few
clusters it remains too narrow. Its cost grows with the square of the number of clusters, hence the limit `MAX_CLUSTERS`.

Reference: Efron, Better Bootstrap Confidence Intervals, JASA 82 (1987) 171-185.

>>> from retrain.core.stats.metrics import METRICS
>>> import numpy as np
>>> rng = np.random.default_rng(7)
>>> y = rng.normal(size=400)
>>> good, bad = y + rng.normal(size=400) * 0.1, y + rng.normal(size=400) * 0.5
>>> pairs = PairedScores(METRICS["mae"], y, good, bad, np.arange(400) // 10, greater_is_better=False)
>>> gain = bca(pairs, level=0.025, resamples=999, seed=1)
>>> gain.low > 0.2 and gain.low < gain.value < gain.high
True
"""

from __future__ import annotations

from typing import Final

from retrain.core.stats.intervals.base import Gain, PairedScores
from retrain.core.stats.intervals.percentile import bootstrap_gain
from retrain.errors import DataError

__all__ = ["MAX_CLUSTERS", "bca"]

MAX_CLUSTERS: Final = 2_000


def bca(pairs: PairedScores, *, level: float, resamples: int, seed: int) -> Gain:
    """Return the gain with its BCa bounds; NaN if they are not defined, such as when all resamples are equal.

    Raises:
        DataError: There are more than `MAX_CLUSTERS` clusters, or too few for a bootstrap.
    """
    if pairs.cluster_count > MAX_CLUSTERS:
        raise DataError(
            f"a BCa interval allows at most {MAX_CLUSTERS} clusters",
            got=str(pairs.cluster_count),
            fix="Set `cluster_by` or `method: jackknife`.",
        )
    return bootstrap_gain(pairs, "bca", level=level, resamples=resamples, seed=seed)

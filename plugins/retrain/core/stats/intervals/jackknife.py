"""The delete-one-cluster jackknife of the paired gain, with Student's t.

With g(-i) the gain without cluster i of G, and m their mean, the standard error is
``sqrt((G - 1) / G * sum((g(-i) - m) ** 2))`` and the bounds are ``gain -+ t[1 - level, G - 1] * standard_error``. The method is
deterministic: the same evidence gives the same bounds for every seed.

Assumptions: clusters are exchangeable and independent of each other; rows within a cluster need not be. The metric is a smooth
function of the rows, as all metrics here are except recall in a top share (see `metrics.ranking`). Student's t accounts for
the uncertainty of the standard error, which bootstrap quantiles ignore; this keeps the error levels with few clusters. With
more than `MAX_GROUPS` clusters, whole clusters are merged in turn into that many groups, which are independent as well, and
one group is left out at a time.

References: Efron and Stein, The Jackknife Estimate of Variance, Annals of Statistics 9 (1981) 586-596; groups: Shao and Tu, The
Jackknife and Bootstrap (1995), section 2.3; degrees of freedom: Cameron and Miller, A Practitioner's Guide to Cluster-Robust
Inference, Journal of Human Resources 50 (2015) 317-372, section VI.

>>> from retrain.core.stats.metrics import METRICS
>>> y = np.arange(80.0)
>>> good, bad = y + np.tile([0.1, -0.2], 40), y + np.tile([0.5, 0.3, -0.9, 0.1], 20)
>>> pairs = PairedScores(METRICS["mae"], y, good, bad, np.arange(80) // 5, greater_is_better=False)
>>> gain = jackknife(pairs, level=0.025)
>>> round(gain.value, 4), round(gain.standard_error, 4), gain.degrees_of_freedom
(0.3, 0.0175, 15)
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import numpy as np

from retrain.core.stats.intervals.base import Gain, PairedScores, make_t_interval
from retrain.core.stats.metrics.base import Floats

__all__ = ["MAX_GROUPS", "jackknife", "leave_each_out"]

MAX_GROUPS: Final = 256
"""Student's t on 255 degrees of freedom is practically the normal distribution."""


def jackknife(pairs: PairedScores, *, level: float) -> Gain:
    """Return the gain with bounds from the gains without each cluster in turn; `level` is the one-sided error level."""
    clusters = pairs.cluster_count
    if clusters > MAX_GROUPS:
        pairs = replace(pairs, clusters=pairs.clusters % MAX_GROUPS)
    groups = pairs.cluster_count
    value, without = leave_each_out(pairs)
    variance = (groups - 1) / groups * np.sum((without - without.mean()) ** 2)
    return make_t_interval(value, float(np.sqrt(variance)), groups - 1, level, clusters, "jackknife")


def leave_each_out(pairs: PairedScores) -> tuple[float, Floats]:
    """Return the gain on all rows, and the (clusters,) gains without each cluster in turn."""
    all_clusters = np.ones((1, pairs.cluster_count), dtype=np.int64)
    value, *without = pairs.gains(np.vstack([all_clusters, all_clusters - np.eye(pairs.cluster_count, dtype=np.int64)]))
    return float(value), np.array(without)

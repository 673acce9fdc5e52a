"""The delete-one-cluster jackknife of the paired gain, with Student's t.

With g(-i) the gain without cluster i of G, and m their mean, the standard error is
``sqrt((G - 1) / G * sum((g(-i) - m) ** 2))`` and the bounds are ``gain -+ t[1 - level, G - 1] * error``. Nothing is drawn at
random, so the same evidence gives the same bounds whatever the seed.

Assumptions: clusters are exchangeable and independent of each other; rows within one need not be. The metric changes smoothly
with the rows, as all metrics here do. Student's t carries the doubt about the standard error itself, which quantiles of
resampled gains leave out: that is what keeps the tails honest with few clusters. Beyond `MAX_GROUPS` clusters, whole clusters
are put together in turn into so many groups, which are as independent as they were, and one group is left out at a time.

Reference: Efron and Stein, The Jackknife Estimate of Variance, Annals of Statistics 9 (1981) 586-596; groups: Shao and Tu, The
Jackknife and Bootstrap (1995), section 2.3; degrees of freedom: Cameron and Miller, A Practitioner's Guide to Cluster-Robust
Inference, Journal of Human Resources 50 (2015) 317-372, section VI.

>>> from retrain.core.stats.metrics import METRICS
>>> y = np.arange(80.0)
>>> good, bad = y + np.tile([0.1, -0.2], 40), y + np.tile([0.5, 0.3, -0.9, 0.1], 20)
>>> pairs = PairedScores(METRICS["mae"], y, good, bad, np.arange(80) // 5, greater_is_better=False)
>>> gain = jackknife(pairs, level=0.025)
>>> round(gain.value, 4), round(gain.error, 4), gain.degrees
(0.3, 0.0175, 15)
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import numpy as np

from retrain.core.stats.intervals.base import Gain, PairedScores, make_t_interval

__all__ = ["MAX_GROUPS", "jackknife"]

MAX_GROUPS: Final = 256
"""Student's t on 255 degrees is the normal distribution for all that matters here."""


def jackknife(pairs: PairedScores, *, level: float) -> Gain:
    """Return the gain with bounds from the gains without each cluster in turn."""
    clusters = pairs.count
    if clusters > MAX_GROUPS:
        pairs = replace(pairs, clusters=pairs.clusters % MAX_GROUPS)
    groups = pairs.count
    everything = np.ones((1, groups), dtype=np.int64)
    value, *left = pairs.gains(np.vstack([everything, everything - np.eye(groups, dtype=np.int64)]))
    without = np.array(left)
    variance = (groups - 1) / groups * np.sum((without - without.mean()) ** 2)
    return make_t_interval(float(value), float(np.sqrt(variance)), groups - 1, level, clusters, "jackknife")

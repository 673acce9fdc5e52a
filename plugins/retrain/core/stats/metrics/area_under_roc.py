"""The area under the ROC curve under bootstrap weights.

The area is U / (positives * negatives) with U the number of (positive, negative) pairs in the right order, ties half
(Mann and Whitney 1947). With whole clusters drawn c times each, U is the quadratic form c' W c of the pair counts W between
clusters, so W is counted once and every resample is one small matrix product.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from retrain.core.stats.metrics.base import Floats, Ints, Resampler

__all__ = ["auc_resampler"]

MAX_PAIRED_CLUSTERS: Final = 1024
"""Beyond this the pair counts between clusters cost more than one pass over the rows per resample."""


def auc_resampler(positive: NDArray[np.bool_], scores: Floats, clusters: Ints) -> Resampler:
    """Prepare the area for resampling whole clusters.

    Args:
        positive: (n,) whether a row is of the positive class.
        scores: (n,) higher means more likely positive.
        clusters: (n,) the cluster of each row, from 0.
    """
    if int(clusters.max()) < MAX_PAIRED_CLUSTERS:
        return _by_pairs(positive, scores, clusters)
    return _by_rows(positive, scores, clusters)


def _by_pairs(positive: NDArray[np.bool_], scores: Floats, clusters: Ints) -> Resampler:
    count = int(clusters.max()) + 1
    order = np.argsort(scores[positive], kind="stable")
    ascending, owner = scores[positive][order], clusters[positive][order]
    negative_scores, negative_owner = scores[~positive], clusters[~positive]
    wins = np.zeros((count, count))
    for cluster in range(count):
        negatives = np.sort(negative_scores[negative_owner == cluster])
        below = np.searchsorted(negatives, ascending, "left") + np.searchsorted(negatives, ascending, "right")
        wins[:, cluster] = np.bincount(owner, weights=below / 2, minlength=count)
    positives = np.bincount(owner, minlength=count)
    negatives_by_cluster = np.bincount(negative_owner, minlength=count)

    def area(counts: Ints) -> Floats:
        pairs = (counts @ positives) * (counts @ negatives_by_cluster)
        return _ratio(np.einsum("ri,ij,rj->r", counts, wins, counts, optimize=True), pairs)

    return area


def _by_rows(positive: NDArray[np.bool_], scores: Floats, clusters: Ints) -> Resampler:
    order = np.argsort(scores, kind="stable")
    starts = np.flatnonzero(np.diff(scores[order], prepend=np.nan))
    positive, clusters = positive[order], clusters[order]

    def one(counts: Ints) -> float:
        weights = counts[clusters].astype(np.float64)
        up = np.add.reduceat(np.where(positive, weights, 0.0), starts)
        down = np.add.reduceat(np.where(positive, 0.0, weights), starts)
        below = np.cumsum(down) - down / 2
        return float(_ratio(np.array([up @ below]), np.array([up.sum() * down.sum()]))[0])

    return lambda counts: np.array([one(row) for row in counts])


def _ratio(wins: Floats, pairs: Floats) -> Floats:
    return np.asarray(np.divide(wins, pairs, out=np.full(len(wins), np.nan), where=pairs > 0))

"""The area under the ROC curve under bootstrap weights.

The area is U / (positives * negatives), with U the number of (positive, negative) pairs in the right order, ties counting half
(Mann and Whitney 1947). If each cluster is drawn c times, U is the quadratic form c' W c of the pair counts W between clusters,
so W is counted once and every resample is one small matrix product.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from retrain.core.stats.metrics.base import Floats, Ints, Resampler

__all__ = ["auc_resampler"]

MAX_PAIRED_CLUSTERS: Final = 1024
"""With more clusters, the pair counts cost more than one pass over the rows per resample."""


def auc_resampler(
    positive: NDArray[np.bool_], scores: Floats, clusters: Ints, *, max_paired_clusters: int = MAX_PAIRED_CLUSTERS
) -> Resampler:
    """Return a function from (resamples, clusters) counts to (resamples,) areas; NaN if a class has no rows.

    Args:
        positive: (n,) mask of the rows of the positive class.
        scores: (n,) higher means more likely positive.
        clusters: (n,) the cluster number of each row, from 0.
        max_paired_clusters: With more clusters each resample is one pass over the rows; the areas are the same.
    """
    if int(clusters.max()) < max_paired_clusters:
        return _prepare_pair_counts(positive, scores, clusters)
    return _prepare_sorted_rows(positive, scores, clusters)


def _prepare_pair_counts(positive: NDArray[np.bool_], scores: Floats, clusters: Ints) -> Resampler:
    count = int(clusters.max()) + 1
    order = np.argsort(scores[positive], kind="stable")
    ascending, positive_clusters = scores[positive][order], clusters[positive][order]
    negative_scores, negative_clusters = scores[~positive], clusters[~positive]
    wins = np.zeros((count, count))
    for cluster in range(count):
        negatives = np.sort(negative_scores[negative_clusters == cluster])
        below = np.searchsorted(negatives, ascending, "left") + np.searchsorted(negatives, ascending, "right")
        wins[:, cluster] = np.bincount(positive_clusters, weights=below / 2, minlength=count)
    positives_by_cluster = np.bincount(positive_clusters, minlength=count)
    negatives_by_cluster = np.bincount(negative_clusters, minlength=count)

    def area(counts: Ints) -> Floats:
        pairs = (counts @ positives_by_cluster) * (counts @ negatives_by_cluster)
        return _divide(np.einsum("ri,ij,rj->r", counts, wins, counts, optimize=True), pairs)

    return area


def _prepare_sorted_rows(positive: NDArray[np.bool_], scores: Floats, clusters: Ints) -> Resampler:
    order = np.argsort(scores, kind="stable")
    starts = np.flatnonzero(np.diff(scores[order], prepend=np.nan))
    positive, clusters = positive[order], clusters[order]

    def compute_area(counts: Ints) -> float:
        weights = counts[clusters].astype(np.float64)
        positives = np.add.reduceat(np.where(positive, weights, 0.0), starts)
        negatives = np.add.reduceat(np.where(positive, 0.0, weights), starts)
        below = np.cumsum(negatives) - negatives / 2
        return float(_divide(np.array([positives @ below]), np.array([positives.sum() * negatives.sum()]))[0])

    return lambda counts: np.array([compute_area(row) for row in counts])


def _divide(wins: Floats, pairs: Floats) -> Floats:
    return np.asarray(np.divide(wins, pairs, out=np.full(len(wins), np.nan), where=pairs > 0))

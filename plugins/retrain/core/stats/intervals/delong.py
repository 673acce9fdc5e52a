"""DeLong's interval of the paired gain in the area under the ROC curve, for clusters of rows.

The area is the mean of psi over all pairs of a positive and a negative row: psi = 1 if the positive row scores higher, 1/2 at a
tie, else 0. The structural components are the mean of psi of a positive row over all negative rows (V10), and of a negative row
over all positive rows (V01); here the opponent's components are subtracted from the challenger's, row by row. With s_i and q_i
their sums over cluster i, less its number of positive (negative) rows times the gain, and m, n the numbers of positive and
negative rows,

    variance = a/(a-1) * sum(s_i ** 2) / m**2 + b/(b-1) * sum(q_i ** 2) / n**2 + 2 G/(G-1) * sum(s_i * q_i) / (m * n)

over the a clusters with positive rows, the b clusters with negative rows and all G clusters (Obuchowski 1997). If every row is
its own cluster, the last term is 0 and the rest is DeLong's variance. Mid-ranks give the components in O(rows log rows) (Sun and
Xu 2014). The bounds use Student's t on min(a, b) - 1 degrees of freedom, because the standard error is itself an estimate; with
thousands of clusters that is DeLong's normal distribution.

Assumptions: clusters are independent of each other; rows within a cluster need not be. There are two classes, each in at least
`MIN_CLUSTERS` clusters, or in every one of fewer.

References: DeLong, DeLong and Clarke-Pearson, Biometrics 44 (1988) 837-845; Obuchowski, Nonparametric Analysis of Clustered ROC
Curve Data, Biometrics 53 (1997) 567-578; Sun and Xu, IEEE Signal Processing Letters 21 (2014) 1389-1393.

>>> from retrain.core.stats.metrics import METRICS
>>> rng = np.random.default_rng(7)
>>> y = np.arange(400) % 2 * 1.0
>>> probabilities = [1 / (1 + np.exp(-skill * y - rng.normal(size=400))) for skill in (2, 1)]
>>> good, bad = (np.column_stack([1 - p, p]) for p in probabilities)
>>> gain = delong(PairedScores(METRICS["roc_auc"], y, good, bad, np.arange(400) // 10, greater_is_better=True), level=0.025)
>>> 0 < gain.low < gain.value < gain.high < 0.5, gain.degrees_of_freedom
(True, 39)
"""

from __future__ import annotations

import numpy as np
from scipy.stats import rankdata

from retrain.core.stats.interval_names import MIN_CLUSTERS
from retrain.core.stats.intervals.base import Gain, PairedScores, make_t_interval
from retrain.core.stats.metrics.base import Floats
from retrain.errors import DataError

__all__ = ["compute_components", "count_clusters_by_class", "delong", "find_fewest_by_class"]


def delong(pairs: PairedScores, *, level: float) -> Gain:
    """Return the gain with bounds from the structural components, summed by cluster.

    Args:
        pairs: The two sets of scores.
        level: One-sided error level of each bound.

    Raises:
        DataError: The scores do not have two classes, or too few clusters contain one of the classes.
    """
    if pairs.challenger.ndim != 2 or pairs.challenger.shape[1] != 2:
        raise DataError(
            "DeLong's interval needs scores of two classes",
            got=f"{pairs.challenger.shape}",
            fix="Use `method: jackknife`.",
        )
    with_positive, with_negative = count_clusters_by_class(pairs, find_fewest_by_class(pairs))
    positive = pairs.y == 1
    challenger, opponent = (compute_components(positive, side[:, 1]) for side in (pairs.challenger, pairs.opponent))
    components = challenger - opponent
    gain = float(components[positive].mean())
    positive_sums, negative_sums = (
        np.bincount(pairs.clusters[rows], weights=components[rows] - gain, minlength=pairs.cluster_count) / rows.sum()
        for rows in (positive, ~positive)
    )
    variance = (
        with_positive / (with_positive - 1) * (positive_sums @ positive_sums)
        + with_negative / (with_negative - 1) * (negative_sums @ negative_sums)
        + 2 * pairs.cluster_count / (pairs.cluster_count - 1) * (positive_sums @ negative_sums)
    )
    degrees_of_freedom = min(with_positive, with_negative) - 1
    standard_error = float(np.sqrt(max(variance, 0.0)))
    return make_t_interval(pairs.sign * gain, standard_error, degrees_of_freedom, level, pairs.cluster_count, "delong")


def find_fewest_by_class(pairs: PairedScores) -> int:
    """Return how many clusters must have rows of either class: `MIN_CLUSTERS`, or all if there are fewer."""
    return min(MIN_CLUSTERS, pairs.cluster_count)


def count_clusters_by_class(pairs: PairedScores, fewest: int) -> tuple[int, int]:
    """Return the number of clusters with positive rows and the number with negative rows.

    Raises:
        DataError: One of the numbers is below `fewest`; the rarer class limits the precision of the area.
    """
    with_positive, with_negative = (len(np.unique(pairs.clusters[pairs.y == label])) for label in (1, 0))
    if min(with_positive, with_negative) < fewest:
        raise DataError(
            f"the interval of an area needs at least {fewest} clusters with each class",
            got=f"{with_positive} with the positive class and {with_negative} with the other",
            fix="Widen the holdout or cluster by a shorter period.",
        )
    return with_positive, with_negative


def compute_components(positive: np.ndarray, scores: Floats) -> Floats:
    """Return the (n,) structural components: V10 of a positive row, V01 of a negative row.

    The mean over each class equals the area.

    Args:
        positive: (n,) mask of the rows of the positive class; both classes must occur.
        scores: (n,) higher means more likely positive.
    """
    ranks = rankdata(scores)
    components = np.empty(len(scores))
    wins = ranks[positive] - rankdata(scores[positive])
    components[positive] = wins / np.count_nonzero(~positive)
    losses = ranks[~positive] - rankdata(scores[~positive])
    components[~positive] = 1 - losses / np.count_nonzero(positive)
    return components

"""DeLong's interval of the paired gain in the area under the ROC curve, for clusters of rows.

The area is the mean of psi over all pairs of a positive and a negative row, psi = 1 where the positive one scores higher, 1/2
at a tie. The structural components are how a positive row fares against all negative ones (V10) and a negative row against all
positive ones (V01), here of both sides' areas, subtracted row by row. With s_i and q_i their sums over cluster i, less its
number of positive (negative) rows times the gain, and m, n the numbers of positive and negative rows,

    variance = a/(a-1) * sum(s_i ** 2) / m**2 + b/(b-1) * sum(q_i ** 2) / n**2 + 2 G/(G-1) * sum(s_i * q_i) / (m * n)

over the a clusters with positive rows, the b with negative ones and all G (Obuchowski 1997). With every row its own cluster the
last term is nothing and the rest is DeLong's variance. Mid-ranks give the components in O(rows log rows) (Sun and Xu 2014). The
bounds use Student's t on min(a, b) - 1 degrees of freedom, as the jackknife does and for its reason; with thousands of clusters
that is DeLong's normal distribution.

Assumptions: clusters are independent of each other; rows within one need not be. Two classes, either in at least
`MIN_CLUSTERS` clusters.

Reference: DeLong, DeLong and Clarke-Pearson, Biometrics 44 (1988) 837-845; Obuchowski, Nonparametric Analysis of Clustered ROC
Curve Data, Biometrics 53 (1997) 567-578; Sun and Xu, IEEE Signal Processing Letters 21 (2014) 1389-1393.

>>> from retrain.core.stats.metrics import METRICS
>>> rng = np.random.default_rng(7)
>>> y = np.arange(400) % 2 * 1.0
>>> said = [1 / (1 + np.exp(-skill * y - rng.normal(size=400))) for skill in (2, 1)]
>>> good, bad = (np.column_stack([1 - p, p]) for p in said)
>>> gain = delong(PairedScores(METRICS["roc_auc"], y, good, bad, np.arange(400) // 10, greater_is_better=True), level=0.025)
>>> 0 < gain.low < gain.value < gain.high < 0.5, gain.degrees
(True, 39)
"""

from __future__ import annotations

import numpy as np
from scipy.stats import rankdata

from retrain.core.stats.intervals.base import MIN_CLUSTERS, Gain, PairedScores, make_t_interval
from retrain.core.stats.metrics.base import Floats
from retrain.errors import DataError

__all__ = ["clusters_by_class", "delong", "structural_components"]


def delong(pairs: PairedScores, *, level: float) -> Gain:
    """Return the gain with bounds from the structural components, summed by cluster.

    Raises:
        DataError: The scores are not of two classes, or one of them is in fewer than `MIN_CLUSTERS` clusters.
    """
    if pairs.scores.ndim != 2 or pairs.scores.shape[1] != 2:
        raise DataError(
            "DeLong's interval needs scores of two classes", got=f"{pairs.scores.shape}", fix="Use `method: jackknife`."
        )
    with_positive, with_negative = clusters_by_class(pairs)
    positive = pairs.y == 1
    ours, theirs = (structural_components(positive, side[:, 1]) for side in (pairs.scores, pairs.other))
    components = ours - theirs
    gain = float(components[positive].mean())
    up, down = (
        np.bincount(pairs.clusters[rows], weights=components[rows] - gain, minlength=pairs.count) / rows.sum()
        for rows in (positive, ~positive)
    )
    variance = (
        with_positive / (with_positive - 1) * (up @ up)
        + with_negative / (with_negative - 1) * (down @ down)
        + 2 * pairs.count / (pairs.count - 1) * (up @ down)
    )
    degrees = min(with_positive, with_negative) - 1
    error = float(np.sqrt(max(variance, 0.0)))
    return make_t_interval(pairs.sign * gain, error, degrees, level, pairs.count, "delong")


def clusters_by_class(pairs: PairedScores) -> tuple[int, int]:
    """Return how many clusters hold positive rows, and how many negative ones.

    Raises:
        DataError: Either are fewer than `MIN_CLUSTERS`: the area rests on them alone, however many the others are.
    """
    with_positive, with_negative = (len(np.unique(pairs.clusters[pairs.y == label])) for label in (1, 0))
    if min(with_positive, with_negative) < MIN_CLUSTERS:
        raise DataError(
            f"the interval of an area needs at least {MIN_CLUSTERS} clusters with either class",
            got=f"{with_positive} with the positive class and {with_negative} with the other",
            fix="Widen the holdout or cluster by a shorter period.",
        )
    return with_positive, with_negative


def structural_components(positive: np.ndarray, scores: Floats) -> Floats:
    """Return (n,) how each row fares against all rows of the other class: V10 of a positive row, V01 of a negative one.

    The mean over either class is the area.

    Args:
        positive: (n,) whether a row is of the positive class; both classes must be there.
        scores: (n,) higher means more likely positive.
    """
    among_all = rankdata(scores)
    components = np.empty(len(scores))
    wins = among_all[positive] - rankdata(scores[positive])
    components[positive] = wins / np.count_nonzero(~positive)
    losses = among_all[~positive] - rankdata(scores[~positive])
    components[~positive] = 1 - losses / np.count_nonzero(positive)
    return components

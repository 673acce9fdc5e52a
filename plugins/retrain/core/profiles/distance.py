"""How far the holdout's distribution of a column lies from that of the training range.

The Jensen-Shannon distance is the root of the Jensen-Shannon divergence in bits: 0 for equal distributions, 1 for such
that share no value. Numbers are put in bins of equal shares of the training range, categories stay what they are, the rare
ones of the training range together; a missing value is a category of its own.

Two samples of one distribution lie apart by luck: for k bins and samples of n and m rows,
``8 ln(2) n m / (n + m)`` times the squared distance is about chi-squared with k - 1 degrees of freedom (a second-order
expansion). Assumption: rows are independent; where they come in clusters luck reaches further.

Reference: Lin, Divergence measures based on the Shannon entropy, IEEE Transactions on Information Theory 37 (1991).
"""

from __future__ import annotations

import math
from typing import Final

import numpy as np
from scipy.spatial.distance import jensenshannon
from scipy.stats import chi2

from retrain.core.metrics.base import Ints
from retrain.core.profiles.columns import MISSING

__all__ = ["BINS", "distance_between"]

BINS: Final = 20
_KEPT: Final = 50
_CERTAINTY: Final = 0.999


def distance_between(train: Ints, holdout: Ints) -> tuple[float, float]:
    """Return the distance and what luck alone stays under 999 times in 1,000; NaN where a side has no rows.

    Args:
        train: (n,) numbers of bins or categories, -1 for missing.
        holdout: (m,) likewise.

    >>> rng = np.random.default_rng(7)
    >>> train = rng.integers(0, 10, 5000)
    >>> alike, luck = distance_between(train, rng.integers(0, 10, 1000))
    >>> apart, _ = distance_between(train, rng.integers(0, 8, 1000))
    >>> alike < luck < apart
    True
    """
    if not (len(train) and len(holdout)):
        return math.nan, math.nan
    first, second = _counts(train, holdout)
    distance = float(jensenshannon(first, second, base=2))
    rows = len(train) * len(holdout) / (len(train) + len(holdout))
    free = max(1, np.count_nonzero(first + second) - 1)
    luck = math.sqrt(chi2.ppf(_CERTAINTY, free) / (8 * math.log(2) * rows))
    return distance, min(luck, 1.0)


def _counts(train: Ints, holdout: Ints) -> tuple[Ints, Ints]:
    """Return the counts of both sides: missing, the frequent categories, the rare ones, and those never seen in training."""
    size = int(max(train.max(), holdout.max())) - MISSING + 1
    first, second = (np.bincount(side - MISSING, minlength=size) for side in (train, holdout))
    kept = np.zeros(size, dtype=bool)
    kept[np.argsort(-first, kind="stable")[:_KEPT]] = True
    kept &= first > 0
    kept[0] = True  # the missing
    rare, unseen = ~kept & (first > 0), ~kept & (first == 0)
    grouped = [np.append(side[kept], [side[rare].sum(), side[unseen].sum()]) for side in (first, second)]
    return grouped[0], grouped[1]

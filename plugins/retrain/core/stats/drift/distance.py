"""How far the holdout's distribution of a column lies from that of the training range.

The Jensen-Shannon distance is the root of the Jensen-Shannon divergence in bits: 0 for equal distributions, 1 for such
that share no value. Numbers are put in bins of equal shares of the training range, categories stay what they are, the rare
ones together; a missing value is a category of its own. Small ranges get fewer and wider cells, so that
less of the distance is luck.

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

from retrain.core.stats.drift.columns import MISSING
from retrain.core.stats.metrics.base import Ints

__all__ = ["choose_cell_count", "measure_distance"]

_ROWS_A_CELL: Final = 50
_FEWEST: Final = 4
_MOST: Final = 50
_LUCK: Final = 0.01


def choose_cell_count(train_rows: int, holdout_rows: int) -> int:
    """Return how many bins or categories ranges of so many rows are compared in.

    >>> choose_cell_count(5000, 1000), choose_cell_count(100, 900), choose_cell_count(10**6, 10**6)
    (20, 4, 50)
    """
    return max(_FEWEST, min(_MOST, min(train_rows, holdout_rows) // _ROWS_A_CELL))


def measure_distance(train: Ints, holdout: Ints, columns: int = 1) -> tuple[float, float]:
    """Return the distance and how far luck alone reaches; NaN where a side has no rows.

    In 99 of 100 windows where nothing changed no column lies further than that (Bonferroni over the columns).

    Args:
        train: (n,) numbers of bins or categories, -1 for missing.
        holdout: (m,) likewise.
        columns: How many columns are compared.

    >>> rng = np.random.default_rng(7)
    >>> train = rng.integers(0, 10, 5000)
    >>> alike, luck = measure_distance(train, rng.integers(0, 10, 1000))
    >>> apart, _ = measure_distance(train, rng.integers(0, 8, 1000))
    >>> alike < luck < apart
    True
    """
    if not (len(train) and len(holdout)):
        return math.nan, math.nan
    first, second = _counts(train, holdout)
    distance = float(jensenshannon(first, second, base=2))
    rows = len(train) * len(holdout) / (len(train) + len(holdout))
    free = max(1, np.count_nonzero(first + second) - 1)
    luck = math.sqrt(chi2.isf(_LUCK / columns, free) / (8 * math.log(2) * rows))
    return distance, min(luck, 1.0)


def _counts(train: Ints, holdout: Ints) -> tuple[Ints, Ints]:
    """Return the counts of both sides: missing, the frequent ones, and all others together.

    What is frequent is asked of both sides at once: what is picked for being frequent on one side is rarer on the other.
    """
    size = int(max(train.max(), holdout.max())) - MISSING + 1
    first, second = (np.bincount(side - MISSING, minlength=size) for side in (train, holdout))
    kept = np.zeros(size, dtype=bool)
    kept[np.argsort(-(first + second), kind="stable")[: choose_cell_count(len(train), len(holdout))]] = True
    kept[0] = True  # the missing
    return np.append(first[kept], first[~kept].sum()), np.append(second[kept], second[~kept].sum())

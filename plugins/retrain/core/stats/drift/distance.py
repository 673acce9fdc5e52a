"""Drift: the distance of a column's holdout distribution from its training distribution.

The Jensen-Shannon distance is the square root of the Jensen-Shannon divergence in bits: 0 for equal distributions, 1 for
distributions without a common value. Numbers are binned by the quantiles of the training range. Categories are kept, with the
rare ones merged. Missing values form a category of their own. Small ranges get fewer and wider cells, which lowers the noise.

Two samples of the same distribution have a distance above 0 by chance: with k cells and samples of n and m rows,
``8 ln(2) n m / (n + m)`` times the squared distance is approximately chi-squared with k - 1 degrees of freedom (a second-order
expansion). A quantile of it is the noise floor. Assumption: rows are independent; if they are clustered, the true noise floor is
higher.

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

_ROWS_PER_CELL: Final = 50
_MIN_CELLS: Final = 4
_MAX_CELLS: Final = 50
_FALSE_ALARMS: Final = 0.01


def choose_cell_count(train_rows: int, holdout_rows: int) -> int:
    """Return the number of bins or categories to compare ranges of these sizes in.

    >>> choose_cell_count(5000, 1000), choose_cell_count(100, 900), choose_cell_count(10**6, 10**6)
    (20, 4, 50)
    """
    return max(_MIN_CELLS, min(_MAX_CELLS, min(train_rows, holdout_rows) // _ROWS_PER_CELL))


def measure_distance(train: Ints, holdout: Ints, columns: int = 1) -> tuple[float, float]:
    """Return the distance and its noise floor, both 0 to 1; NaN if a side has no rows.

    In 99 of 100 windows without drift no column lies above the noise floor (Bonferroni correction over the columns).

    Args:
        train: (n,) bin numbers or category codes, -1 for missing.
        holdout: (m,) the same.
        columns: Number of compared columns.

    >>> rng = np.random.default_rng(7)
    >>> train = rng.integers(0, 10, 5000)
    >>> same, noise_floor = measure_distance(train, rng.integers(0, 10, 1000))
    >>> drifted, _ = measure_distance(train, rng.integers(0, 8, 1000))
    >>> same < noise_floor < drifted
    True
    """
    if not (len(train) and len(holdout)):
        return math.nan, math.nan
    first, second = _count_cells(train, holdout)
    distance = float(jensenshannon(first, second, base=2))
    rows = len(train) * len(holdout) / (len(train) + len(holdout))
    degrees_of_freedom = max(1, np.count_nonzero(first + second) - 1)
    noise_floor = math.sqrt(chi2.isf(_FALSE_ALARMS / columns, degrees_of_freedom) / (8 * math.log(2) * rows))
    return distance, min(noise_floor, 1.0)


def _count_cells(train: Ints, holdout: Ints) -> tuple[Ints, Ints]:
    """Return the counts of both sides: missing, each frequent category, and all other categories together.

    Frequency is that of both sides together: categories chosen by one side's frequency alone would be rarer on the other side
    by chance, and bias the distance upwards.
    """
    size = int(max(train.max(), holdout.max())) - MISSING + 1
    first, second = (np.bincount(side - MISSING, minlength=size) for side in (train, holdout))
    frequent = np.zeros(size, dtype=bool)
    frequent[np.argsort(-(first + second), kind="stable")[: choose_cell_count(len(train), len(holdout))]] = True
    frequent[0] = True  # missing values
    return np.append(first[frequent], first[~frequent].sum()), np.append(second[frequent], second[~frequent].sum())

"""Drift: the distance of a column's holdout distribution from its training distribution.

The Jensen-Shannon distance is the square root of the Jensen-Shannon divergence in bits: 0 for equal distributions, 1 for
distributions without a common value. Numbers are binned by the quantiles of the training range. Categories are kept, with the
rare ones merged. Missing values form a category of their own. Small ranges get fewer and wider cells, which lowers the noise.

Two samples of the same distribution have a distance above 0 by chance. The noise floor is a high quantile of that chance distance:

- Independent rows: with k cells and samples of n and m rows, ``8 ln(2) n m / (n + m)`` times the squared distance is approximately
  chi-squared with k - 1 degrees of freedom (a second-order expansion).
- Rows that share the luck of their day, such as its weather or its price: whole days of both ranges are exchanged at random, as in
  a permutation test, and a gamma distribution with the mean and the variance of the squared distances gives the quantile, because
  the permutations are too few to show it. This floor is used if it is the higher one.

Assumptions: without drift, days are exchangeable. In 300 simulated windows without drift (180 days and then 28 days of 70 rows,
ten columns, of which four belong to the day) a column exceeded the noise floor of days in 0.3 % of the windows (1 % nominal;
2.3 % with an autocorrelation of 0.6 between days), and that of independent rows in all of them. The design effect of Rao and
Scott (1981), which needs the expansion for days as well, erred in 5 % of these windows, because 28 days leave cells empty.

References: Lin, Divergence measures based on the Shannon entropy, IEEE Transactions on Information Theory 37 (1991); Good,
Permutation, Parametric and Bootstrap Tests of Hypotheses (2005), on permutations of whole clusters.
"""

from __future__ import annotations

import math
from typing import Final

import numpy as np
from scipy.spatial.distance import jensenshannon
from scipy.stats import chi2, gamma

from retrain.core.stats.drift.columns import MISSING
from retrain.core.stats.metrics.base import Ints

__all__ = ["choose_cell_count", "measure_distance"]

_ROWS_PER_CELL: Final = 50
_MIN_CELLS: Final = 4
_MAX_CELLS: Final = 50
_FALSE_ALARMS: Final = 0.01
_MIN_DAYS: Final = 8
_PERMUTATIONS: Final = 500
_SEED: Final = 0


def choose_cell_count(train_rows: int, holdout_rows: int) -> int:
    """Return the number of bins or categories to compare ranges of these sizes in.

    >>> choose_cell_count(5000, 1000), choose_cell_count(100, 900), choose_cell_count(10**6, 10**6)
    (20, 4, 50)
    """
    return max(_MIN_CELLS, min(_MAX_CELLS, min(train_rows, holdout_rows) // _ROWS_PER_CELL))


def measure_distance(
    train: Ints, holdout: Ints, columns: int = 1, *, days: tuple[Ints, Ints] | None = None
) -> tuple[float, float]:
    """Return the distance and its noise floor, both 0 to 1; NaN if a side has no rows.

    In 99 of 100 windows without drift no column lies above the noise floor (Bonferroni correction over the columns).

    Args:
        train: (n,) bin numbers or category codes, -1 for missing.
        holdout: (m,) the same.
        columns: Number of compared columns.
        days: (n,) and (m,) the number of each row's day on its side, from 0; None if rows are independent. With fewer
            than eight days in all the noise floor is 1, because nothing tells how much days differ.

    >>> rng = np.random.default_rng(7)
    >>> train = rng.integers(0, 10, 5000)
    >>> same, noise_floor = measure_distance(train, rng.integers(0, 10, 1000))
    >>> drifted, _ = measure_distance(train, rng.integers(0, 8, 1000))
    >>> same < noise_floor < drifted
    True
    >>> weather = np.repeat(rng.integers(0, 10, 30), 40)  # one value per day
    >>> train, holdout = weather[:800], weather[800:]
    >>> days = np.repeat(np.arange(20), 40), np.repeat(np.arange(10), 40)
    >>> distance, noise_floor = measure_distance(train, holdout)
    >>> _, noise_floor_of_days = measure_distance(train, holdout, days=days)
    >>> noise_floor < distance < noise_floor_of_days
    True
    """
    if not (len(train) and len(holdout)):
        return math.nan, math.nan
    sides = _merge_rare_cells(train, holdout)
    cell_count = int(max(side.max() for side in sides)) + 1
    first, second = (np.bincount(side, minlength=cell_count) for side in sides)
    distance = float(jensenshannon(first, second, base=2))
    rows = len(train) * len(holdout) / (len(train) + len(holdout))
    degrees_of_freedom = max(1, np.count_nonzero(first + second) - 1)
    alarms = _FALSE_ALARMS / columns
    squared = chi2.isf(alarms, degrees_of_freedom) / (8 * math.log(2) * rows)
    if days is not None:
        squared = max(squared, _find_quantile_by_day(sides, days, cell_count, alarms))
    return distance, min(math.sqrt(squared), 1.0)


def _find_quantile_by_day(sides: tuple[Ints, Ints], days: tuple[Ints, Ints], cell_count: int, alarms: float) -> float:
    """Return the upper quantile of the squared distance without drift if rows of one day share its luck."""
    counts = np.concatenate([_count_by_day(*side, cell_count) for side in zip(sides, days, strict=True)])
    if len(counts) < _MIN_DAYS:
        return 1.0
    train_days = int(days[0].max()) + 1
    random = np.random.default_rng(_SEED)
    in_train = random.permuted(np.tile(np.arange(len(counts)) < train_days, (_PERMUTATIONS, 1)), axis=1)
    squares = jensenshannon(in_train @ counts, ~in_train @ counts, base=2, axis=1) ** 2
    mean, variance = float(squares.mean()), float(squares.var())
    return float(gamma.isf(alarms, mean**2 / variance, scale=variance / mean)) if variance else mean


def _count_by_day(cells: Ints, days: Ints, cell_count: int) -> Ints:
    """Return (days, cells) numbers of rows."""
    day_count = int(days.max()) + 1
    return np.bincount(days * cell_count + cells, minlength=day_count * cell_count).reshape(day_count, cell_count)


def _merge_rare_cells(train: Ints, holdout: Ints) -> tuple[Ints, Ints]:
    """Return both sides as cell numbers from 0: missing, each frequent category, and all other categories together.

    Frequency is that of both sides together: categories chosen by one side's frequency alone would be rarer on the other side
    by chance, and bias the distance upwards.
    """
    size = int(max(train.max(), holdout.max())) - MISSING + 1
    total = sum(np.bincount(side - MISSING, minlength=size) for side in (train, holdout))
    frequent = np.zeros(size, dtype=bool)
    frequent[np.argsort(-total, kind="stable")[: choose_cell_count(len(train), len(holdout))]] = True
    frequent[0] = True  # missing values
    cell_of = np.where(frequent, np.cumsum(frequent) - 1, np.count_nonzero(frequent))
    return cell_of[train - MISSING], cell_of[holdout - MISSING]

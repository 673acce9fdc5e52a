"""How well one column alone tells the label: what nothing known in time does too well is likely a leak.

For a classification, the area under the ROC curve of the column, one class against the rest, the best of the classes;
0.5 is a guess, 1 is certainty, and a column that tells it the other way round counts as much. For a regression, the absolute
rank correlation of Spearman. The column is ranked by its own value, a missing one lowest and then highest (a value that is
there only for one class tells it as well), and by the label's mean per bin or category, learnt on the earlier half of the
rows and scored on the later, so that a column of many categories gains nothing by chance.

Assumptions: rows are in order of time. Of a class with fewer than ten rows nothing is said, because luck tells so few apart. One
column at a time is looked at: what two tell together is not found.

References: Kaufman, Rosset, Perlich and Stitelman, Leakage in data mining: formulation, detection, and avoidance, ACM TKDD 6
(2012); Mann and Whitney (1947) for the area by ranks; Spearman (1904).
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Final

import numpy as np
from scipy.stats import rankdata, spearmanr

from retrain.core.stats.metrics.base import Floats, Ints

__all__ = ["measure_association"]

_FEWEST: Final = 10


def measure_association(numbers: Floats | None, groups: Ints, targets: Floats, *, ranked: bool) -> float:
    """Return how well a column alone tells the label: 0.5 to 1 for classes, 0 to 1 for a ranked label.

    Args:
        numbers: (n,) the column as numbers with NaN for missing; None for a column of categories.
        groups: (n,) its bins or categories, from -1.
        targets: (n, classes) membership as 0 and 1, or (n, 1) a label whose order counts.
        ranked: Whether the label's order counts, as in a regression.

    Returns:
        NaN where fewer than ten rows are of each of two classes, or have a ranked label of two values or more.

    >>> rng = np.random.default_rng(7)
    >>> label = rng.integers(0, 2, 1000).astype(float)
    >>> leak, noise = label + rng.normal(size=1000) / 8, rng.normal(size=1000)
    >>> bins = lambda column: np.digitize(column, np.quantile(column, [0.25, 0.5, 0.75]))
    >>> round(measure_association(leak, bins(leak), label[:, None], ranked=False), 3)
    1.0
    >>> measure_association(noise, bins(noise), label[:, None], ranked=False) < 0.55
    True
    """
    half = len(targets) // 2
    tell = _correlation if ranked else _area
    found = [tell(rankdata(means), target) for means, target in _later_means(groups, targets, half)]
    if numbers is not None:
        for missing in (-np.inf, np.inf) if np.isnan(numbers).any() else (0.0,):
            ranks = rankdata(np.where(np.isnan(numbers), missing, numbers))
            ways = [tell(ranks, target) for target in targets.T]
            # A column that falls where the label rises tells it as well; a mean of the earlier half that does so is noise.
            found += [abs(way) if ranked else max(way, 1 - way) for way in ways]
    guess = 0.0 if ranked else 0.5
    return max(guess, float(np.nanmax(found))) if np.isfinite(found).any() else math.nan


def _later_means(groups: Ints, targets: Floats, half: int) -> Iterator[tuple[Floats, Floats]]:
    """Yield each target of the later half of the rows, behind its mean over the earlier rows of the same group."""
    numbers = groups - groups.min(initial=0)
    size = int(numbers.max(initial=0)) + 1
    counts = np.bincount(numbers[:half], minlength=size)
    for target in targets.T:
        overall = target[:half].mean() if half else math.nan
        sums = np.bincount(numbers[:half], weights=target[:half], minlength=size)
        means = np.divide(sums, counts, out=np.full(size, overall), where=counts > 0)
        yield means[numbers[half:]], target[half:]


def _area(ranks: Floats, member: Floats) -> float:
    """Return the area under the ROC curve; NaN where a class has too few rows."""
    positives = member.sum()
    negatives = len(member) - positives
    if min(positives, negatives) < _FEWEST:
        return math.nan
    return float((ranks @ member - positives * (positives + 1) / 2) / (positives * negatives))


def _correlation(ranks: Floats, label: Floats) -> float:
    """Return Spearman's rank correlation; NaN of too few rows or a label of one value, 0 where the ranks are one value."""
    if len(label) < _FEWEST or np.ptp(label) == 0:
        return math.nan
    return float(spearmanr(ranks, label).statistic) if np.ptp(ranks) else 0.0

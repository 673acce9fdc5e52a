"""Univariate association of one column with the label: an unusually strong one is likely a leak.

For a classification this is the univariate AUC: the area under the ROC curve with the column as the score, one class against the
rest, the highest of the classes; 0.5 means no association, 1 a perfect one, and a decreasing relation counts like an increasing
one. For a regression it is Spearman's absolute rank correlation. The column is ranked by its value, with missing values first
lowest and then highest, because being missing may itself reveal the class. It is also ranked by the label's mean per bin or
category, estimated on the earlier half of the rows and scored on the later half, so a column with many categories gains nothing by
chance.

Assumptions: rows are in order of time. Classes with fewer than ten rows are skipped, because their AUC is mostly noise. Each
column is measured alone: combinations of columns are not found.

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

_MIN_ROWS: Final = 10


def measure_association(numbers: Floats | None, groups: Ints, targets: Floats, *, ranked: bool) -> float:
    """Return the association of a column with the label: 0.5 to 1 for classes, 0 to 1 for a ranked label.

    Args:
        numbers: (n,) the column as numbers, NaN for missing; None for a column of categories.
        groups: (n,) its bin numbers or category codes, -1 for missing.
        targets: (n, classes) of 0 and 1, the membership per class, or (n, 1) a ranked label.
        ranked: Whether the label is ranked, as in a regression, and not a class.

    Returns:
        NaN if fewer than two classes have ten rows, or a ranked label has fewer than ten rows or a single value.

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
    measure = _correlate if ranked else _compute_area
    values = [measure(rankdata(means), target) for means, target in _estimate_means(groups, targets, half)]
    if numbers is not None:
        for missing in (-np.inf, np.inf) if np.isnan(numbers).any() else (0.0,):
            ranks = rankdata(np.where(np.isnan(numbers), missing, numbers))
            signed = [measure(ranks, target) for target in targets.T]
            # A decreasing relation counts as well. For the means of the earlier half it would be noise.
            values += [abs(value) if ranked else max(value, 1 - value) for value in signed]
    no_association = 0.0 if ranked else 0.5
    return max(no_association, float(np.nanmax(values))) if np.isfinite(values).any() else math.nan


def _estimate_means(groups: Ints, targets: Floats, half: int) -> Iterator[tuple[Floats, Floats]]:
    """Yield per target: the mean of its group over the earlier half, for each row of the later half, and the target there."""
    numbers = groups - groups.min(initial=0)
    size = int(numbers.max(initial=0)) + 1
    counts = np.bincount(numbers[:half], minlength=size)
    for target in targets.T:
        overall = target[:half].mean() if half else math.nan
        sums = np.bincount(numbers[:half], weights=target[:half], minlength=size)
        means = np.divide(sums, counts, out=np.full(size, overall), where=counts > 0)
        yield means[numbers[half:]], target[half:]


def _compute_area(ranks: Floats, member: Floats) -> float:
    """Return the area under the ROC curve; NaN if a class has too few rows."""
    positives = member.sum()
    negatives = len(member) - positives
    if min(positives, negatives) < _MIN_ROWS:
        return math.nan
    return float((ranks @ member - positives * (positives + 1) / 2) / (positives * negatives))


def _correlate(ranks: Floats, label: Floats) -> float:
    """Return Spearman's rank correlation; NaN with too few rows or a constant label, 0 if the ranks are constant."""
    if len(label) < _MIN_ROWS or np.ptp(label) == 0:
        return math.nan
    return float(spearmanr(ranks, label).statistic) if np.ptp(ranks) else 0.0

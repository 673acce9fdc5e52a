"""Differences between groups of rows, by Fairlearn's metrics or those of the scorecard.

With D = 1 if the probability of the positive class is at least a threshold, Y the label and G the group,

    demographic parity   max - min over groups g of P(D = 1 | G = g),
    equal opportunity    max - min over g of P(D = 1 | Y = 1, G = g),
    equalized odds       the larger of that and of max - min over g of P(D = 1 | Y = 0, G = g).

For any other metric, the difference is max - min of its values in the groups. `fairlearn.metrics.MetricFrame` computes the rates.
Fairlearn reports 0 for a rate that is not defined in a group, such as the true positive rate of a group without positives; this
module leaves such a group out. A largest difference is nonnegative and biased upwards by noise, so its interval is that of
`retrain.core.stats.biased_statistic`.

Assumptions: clusters are independent, rows within a cluster need not be; each group is large enough for a meaningful rate.

References: Hardt, Price and Srebro, Equality of Opportunity in Supervised Learning, NeurIPS 2016; Weerts et al., Fairlearn:
Assessing and Improving Fairness of AI Systems, JMLR 24 (2023).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from retrain.core.extras import needs_extra
from retrain.core.stats.biased_statistic import IntervalEstimate, bootstrap_biased_statistic
from retrain.core.stats.metric_names import metrics_for
from retrain.core.stats.metrics import METRICS, Resampler
from retrain.core.stats.metrics.base import Floats, Ints
from retrain.errors import DataError

__all__ = ["GroupDifference", "GroupValue", "Groups", "compute_group_values", "find_largest_difference", "split_groups"]

_RATES: Final[dict[str, tuple[str, Callable[[Floats], NDArray[np.bool_]]]]] = {
    "selection rate": ("selection_rate", lambda y: np.ones(len(y), dtype=bool)),
    "true positive rate": ("true_positive_rate", lambda y: y == 1),
    "false positive rate": ("false_positive_rate", lambda y: y == 0),
}
"""The name of Fairlearn's function, and a mask of the rows in its denominator; each is a share of D = 1."""
_RATES_BY_PARITY: Final = {
    "demographic_parity": ("selection rate",),
    "equal_opportunity": ("true positive rate",),
    "equalized_odds": ("true positive rate", "false positive rate"),
}


@dataclass(frozen=True)
class Groups:
    """Assignment of rows to groups.

    Attributes:
        names: The groups with enough rows, such as ``region=north``.
        rows: Rows per group.
        members: (n,) index of each row's group in `names`; -1 if the group has too few rows.
        small_groups: Number of groups with too few rows.
    """

    names: tuple[str, ...]
    rows: tuple[int, ...]
    members: Ints
    small_groups: int


@dataclass(frozen=True)
class GroupValue:
    """A metric's value in one group; NaN if it is not defined there."""

    name: str
    rows: int
    value: float


@dataclass(frozen=True)
class GroupDifference:
    """The largest difference between two groups.

    Attributes:
        quantity: What differs, such as ``true positive rate``.
        highest: The group with the highest value.
        lowest: The group with the lowest value.
        group_count: Number of groups with a value.
        size: The difference with its interval.
    """

    quantity: str
    highest: GroupValue
    lowest: GroupValue
    group_count: int
    size: IntervalEstimate


def split_groups(columns: dict[str, NDArray[Any]], min_rows: int) -> Groups:
    """Group rows by the combined values of the columns, in alphabetical order of the values.

    Args:
        columns: (n,) values per column name.
        min_rows: Groups with fewer rows are counted as small and left out.

    >>> place, plan = np.array(["n", "n", "s", "n"]), np.array([1, 1, 1, 2])
    >>> split_groups({"place": place, "plan": plan}, min_rows=2)
    Groups(names=('place=n, plan=1',), rows=(2,), members=array([ 0,  0, -1, -1]), small_groups=2)
    """
    texts = {name: values.astype(str) for name, values in columns.items()}
    codes = np.zeros(len(next(iter(texts.values()))), dtype=np.int64)
    for text in texts.values():
        values, code = np.unique(text, return_inverse=True)
        codes = np.unique(codes * max(len(values), 1) + code, return_inverse=True)[1]
    _, first, rows = np.unique(codes, return_index=True, return_counts=True)
    large = np.flatnonzero(rows >= min_rows)
    index_by_code = np.full(len(rows), -1, dtype=np.int64)
    index_by_code[large] = np.arange(len(large))
    names = tuple(", ".join(f"{name}={text[first[group]]}" for name, text in texts.items()) for group in large)
    return Groups(names, tuple(map(int, rows[large])), index_by_code[codes], len(rows) - len(large))


def compute_group_values(metric: str, groups: Groups, y: Floats, scores: Floats) -> list[GroupValue]:
    """Return the value of a scorecard metric in each group.

    Args:
        metric: The metric's name.
        groups: The groups of the n rows.
        y: (n,) class indices, or the labels of a regression.
        scores: (n, classes) probabilities, or (n,) predictions.

    Raises:
        DataError: A score is not finite, only one class occurs, or the metric belongs to another task.
    """
    _check(metric, y, scores)
    return [
        GroupValue(name, rows, METRICS[metric].value(y[groups.members == index], scores[groups.members == index]))
        for index, (name, rows) in enumerate(zip(groups.names, groups.rows, strict=True))
    ]


def find_largest_difference(
    metric: str,
    groups: Groups,
    y: Floats,
    scores: Floats,
    clusters: Ints,
    *,
    threshold: float,
    confidence: float,
    resamples: int,
    seed: int,
) -> GroupDifference:
    """Return the two groups that differ most, and by how much.

    Args:
        metric: ``demographic_parity``, ``equal_opportunity``, ``equalized_odds`` or a metric of the scorecard.
        groups: The groups of the n rows.
        y: (n,) class indices, or the labels of a regression.
        scores: (n, classes) probabilities, or (n,) predictions.
        clusters: (n,) the cluster number of each row, from 0.
        threshold: A row is predicted positive if its probability is at least this; a metric of the scorecard ignores it.
        confidence: Two-sided confidence level of the interval.
        resamples: Number of bootstrap resamples.
        seed: Seed of the bootstrap.

    Raises:
        DataError: A score is not finite, only one class occurs, the metric belongs to another task or is defined in fewer than
            two groups, or there are too few clusters.

    >>> rng = np.random.default_rng(7)
    >>> south = rng.uniform(size=4000) < 0.5
    >>> p = rng.uniform(size=4000) - 0.1 * south
    >>> y = (rng.uniform(size=4000) < p).astype(float)
    >>> groups = split_groups({"region": np.where(south, "south", "north")}, min_rows=200)
    >>> difference = find_largest_difference("demographic_parity", groups, y, np.column_stack([1 - p, p]), np.arange(4000),
    ...                                      threshold=0.5, confidence=0.95, resamples=500, seed=1)
    >>> size = difference.size
    >>> print(f"{difference.lowest.name} {size.value:.3f} [{size.low:.3f}, {size.high:.3f}]")
    region=south 0.073 [0.044, 0.104]
    """
    measures = _measure_all(metric, groups, y, scores, clusters, threshold)
    size = bootstrap_biased_statistic(
        lambda counts: np.max([measure.spread(counts) for measure in measures], axis=0),
        clusters,
        confidence=confidence,
        resamples=resamples,
        seed=seed,
    )
    worst = max(measures, key=lambda measure: measure.highest.value - measure.lowest.value)
    return GroupDifference(worst.quantity, worst.highest, worst.lowest, len(worst.values), size)


@dataclass(frozen=True)
class _Measure:
    """A quantity in the groups that define it, and a function from cluster counts to its (resamples, groups) values."""

    quantity: str
    values: Sequence[GroupValue]
    resample: Callable[[Ints], Floats]

    @property
    def highest(self) -> GroupValue:
        return max(self.values, key=lambda value: value.value)

    @property
    def lowest(self) -> GroupValue:
        return min(self.values, key=lambda value: value.value)

    def spread(self, counts: Ints) -> Floats:
        """Return (resamples,) largest differences between the groups that have rows in the resample."""
        values = self.resample(counts)
        return np.asarray(np.fmax.reduce(values, axis=1) - np.fmin.reduce(values, axis=1))


def _measure_all(
    metric: str, groups: Groups, y: Floats, scores: Floats, clusters: Ints, threshold: float
) -> list[_Measure]:
    """Return the rates of a parity, or the one metric of the scorecard, each with a value in at least two groups."""
    _check(metric, y, scores)
    if metric not in _RATES_BY_PARITY:
        measures = [_measure_metric(metric, groups, y, scores, clusters)]
    elif scores.shape[1] == 2:
        predicted = (scores[:, 1] >= threshold).astype(np.float64)
        measures = [_measure_rate(name, groups, y, predicted, clusters) for name in _RATES_BY_PARITY[metric]]
    else:
        raise DataError(f"{metric} needs two classes", got=str(scores.shape[1]), fix="Use a metric of the scorecard.")
    for measure in measures:
        if len(measure.values) < 2:
            raise DataError(
                f"the {measure.quantity} must be defined in at least two groups with enough rows",
                got=str(len(measure.values)),
                fix="Widen the holdout or lower min_group.",
            )
    return measures


def _measure_rate(name: str, groups: Groups, y: Floats, predicted: Floats, clusters: Ints) -> _Measure:
    """Measure a rate by Fairlearn in the groups with a nonzero denominator; `predicted` is (n,) of 0 and 1."""
    with needs_extra("fairness", "a fairness gate"):
        from fairlearn import metrics

    function, find_denominator = _RATES[name]
    in_denominator = find_denominator(y) & (groups.members >= 0)
    defined = np.unique(groups.members[in_denominator])
    in_defined_group = np.isin(groups.members, defined)
    columns, cluster = np.searchsorted(defined, groups.members[in_denominator]), clusters[in_denominator]
    numerators, denominators = (np.zeros((int(clusters.max()) + 1, len(defined))) for _ in range(2))
    np.add.at(numerators, (cluster, columns), predicted[in_denominator])
    np.add.at(denominators, (cluster, columns), 1.0)

    def resample(counts: Ints) -> Floats:
        rows = counts @ denominators
        return np.asarray(np.divide(counts @ numerators, rows, out=np.full(rows.shape, np.nan), where=rows > 0))

    if not len(defined):
        return _Measure(name, [], resample)
    # Fairlearn needs seconds for a million rows, so each distinct (group, label, prediction) goes in once, with its weight.
    weights = np.bincount((4 * groups.members + 2 * y + predicted)[in_defined_group].astype(np.int64))
    distinct = np.flatnonzero(weights)
    frame = metrics.MetricFrame(
        metrics=getattr(metrics, function),
        y_true=distinct // 2 % 2,
        y_pred=distinct % 2,
        sensitive_features=distinct // 4,
        sample_params={"sample_weight": weights[distinct]},
    )
    values = [GroupValue(groups.names[group], groups.rows[group], float(frame.by_group[group])) for group in defined]
    return _Measure(name, values, resample)


def _measure_metric(name: str, groups: Groups, y: Floats, scores: Floats, clusters: Ints) -> _Measure:
    """Measure a metric of the scorecard in the groups with a finite value."""
    values = compute_group_values(name, groups, y, scores)
    defined = [index for index, value in enumerate(values) if np.isfinite(value.value)]
    resamplers: list[tuple[int, Resampler]] = []
    for group in defined:
        members = groups.members == group
        width = int(clusters[members].max()) + 1
        resamplers.append((width, METRICS[name].resampler(y[members], scores[members], clusters[members])))

    def resample(counts: Ints) -> Floats:
        with np.errstate(invalid="ignore", divide="ignore"):  # a group without rows in the resample has no value
            return np.column_stack([resampler(counts[:, :width]) for width, resampler in resamplers])

    return _Measure(name, [values[group] for group in defined], resample)


def _check(metric: str, y: Floats, scores: Floats) -> None:
    task = "regression" if scores.ndim == 1 else "classification"
    if metric not in (*metrics_for(task), *(_RATES_BY_PARITY if task == "classification" else ())):
        raise DataError("the metric must belong to the task", got=metric, fix=f"Use a metric for {task}.")
    if not np.isfinite(scores).all():
        raise DataError("fairness needs finite scores", got="NaN or an infinity", fix="Fix the estimator.")
    if task == "classification" and len(np.unique(y)) < 2:
        raise DataError("fairness needs rows of two classes", got="fewer", fix="Widen the holdout.")

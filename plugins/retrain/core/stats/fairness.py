"""How differently a model treats groups of rows, by Fairlearn's metrics or those of the scorecard.

With D = 1 where the probability of the positive class is at or over a threshold, Y the label and G the group,

    demographic parity   max - min over groups g of P(D = 1 | G = g),
    equal opportunity    max - min over g of P(D = 1 | Y = 1, G = g),
    equalized odds       the larger of that and of max - min over g of P(D = 1 | Y = 0, G = g).

Any other metric is its value in each group, and max - min of that. Values of the three are `fairlearn.metrics.MetricFrame`'s.
Fairlearn takes a rate for 0 in a group where it is not defined, such as the true positives of a group without positives; here
such a group is left out. A largest difference is never below 0 and lifted by noise, so its interval is that of
`retrain.core.stats.biased_statistic`.

Assumptions: clusters are independent, rows within one need not be; a group is large enough for its rate to mean something.

References: Hardt, Price and Srebro, Equality of Opportunity in Supervised Learning, NeurIPS 2016; Weerts et al., Fairlearn:
Assessing and Improving Fairness of AI Systems, JMLR 24 (2023).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from fairlearn.metrics import MetricFrame, false_positive_rate, selection_rate, true_positive_rate
from numpy.typing import NDArray

from retrain.core.stats.biased_statistic import IntervalEstimate, bootstrap_biased_statistic
from retrain.core.stats.metric_names import METRICS_BY_TASK
from retrain.core.stats.metrics import METRICS, Resampler
from retrain.core.stats.metrics.base import Floats, Ints
from retrain.errors import DataError

__all__ = ["GroupDifference", "GroupValue", "Groups", "compute_group_values", "find_largest_difference", "split_groups"]

_RATES: Final[dict[str, tuple[Callable[..., float], Callable[[Floats], NDArray[np.bool_]]]]] = {
    "selection rate": (selection_rate, lambda y: np.ones(len(y), dtype=bool)),
    "true positive rate": (true_positive_rate, lambda y: y == 1),
    "false positive rate": (false_positive_rate, lambda y: y == 0),
}
"""By name: Fairlearn's function, and the rows of which it is the share of D = 1."""
_RATES_OF: Final = {
    "demographic_parity": ("selection rate",),
    "equal_opportunity": ("true positive rate",),
    "equalized_odds": ("true positive rate", "false positive rate"),
}


@dataclass(frozen=True)
class Groups:
    """The rows by group.

    Attributes:
        names: The groups with enough rows, such as ``region=north``.
        rows: How many rows each of them has.
        members: (n,) the index of a row's group in `names`; -1 where its group has too few rows.
        small: How many groups have too few rows.
    """

    names: tuple[str, ...]
    rows: tuple[int, ...]
    members: Ints
    small: int


@dataclass(frozen=True)
class GroupValue:
    """A number of one group; NaN where it is not defined there."""

    name: str
    rows: int
    value: float


@dataclass(frozen=True)
class GroupDifference:
    """The largest difference between two groups.

    Attributes:
        of: What differs, such as ``true positive rate``.
        judged: How many groups have a value.
    """

    of: str
    highest: GroupValue
    lowest: GroupValue
    judged: int
    size: IntervalEstimate


def split_groups(columns: dict[str, NDArray[Any]], min_rows: int) -> Groups:
    """Return the groups that the values of some columns make together, of equal rank, by name.

    >>> place, plan = np.array(["n", "n", "s", "n"]), np.array([1, 1, 1, 2])
    >>> split_groups({"place": place, "plan": plan}, min_rows=2)
    Groups(names=('place=n, plan=1',), rows=(2,), members=array([ 0,  0, -1, -1]), small=2)
    """
    texts = {name: values.astype(str) for name, values in columns.items()}
    codes = np.zeros(len(next(iter(texts.values()))), dtype=np.int64)
    for text in texts.values():
        values, code = np.unique(text, return_inverse=True)
        codes = np.unique(codes * max(len(values), 1) + code, return_inverse=True)[1]
    _, first, rows = np.unique(codes, return_index=True, return_counts=True)
    kept = np.flatnonzero(rows >= min_rows)
    place = np.full(len(rows), -1, dtype=np.int64)
    place[kept] = np.arange(len(kept))
    names = tuple(", ".join(f"{name}={text[first[group]]}" for name, text in texts.items()) for group in kept)
    return Groups(names, tuple(map(int, rows[kept])), place[codes], len(rows) - len(kept))


def compute_group_values(metric: str, groups: Groups, y: Floats, scores: Floats) -> list[GroupValue]:
    """Return a metric of the scorecard in each group.

    Args:
        y: (n,) labels as the metric reads them.
        scores: (n,) or (n, classes).

    Raises:
        DataError: A score is not finite, or the metric is of another task.
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
        y: (n,) labels as the metric reads them.
        scores: (n,) or (n, classes).
        clusters: (n,) the cluster of each row, from 0.
        threshold: The least probability of the positive class that is a yes; of no meaning to a metric of the scorecard.
        confidence: Two-sided level of the interval.

    Raises:
        DataError: A score is not finite, the metric is of another task, it is defined in fewer than two groups, or there are too
            few clusters.

    >>> rng = np.random.default_rng(7)
    >>> south = rng.uniform(size=4000) < 0.5
    >>> p = rng.uniform(size=4000) - 0.1 * south
    >>> y = (rng.uniform(size=4000) < p).astype(float)
    >>> groups = split_groups({"region": np.where(south, "south", "north")}, min_rows=200)
    >>> found = find_largest_difference("demographic_parity", groups, y, np.column_stack([1 - p, p]), np.arange(4000),
    ...                            threshold=0.5, confidence=0.95, resamples=500, seed=1)
    >>> print(f"{found.lowest.name} {found.size.value:.3f} [{found.size.low:.3f}, {found.size.high:.3f}]")
    region=south 0.073 [0.044, 0.104]
    """
    _check(metric, y, scores)
    if metric in _RATES_OF:
        if scores.shape[1] != 2:
            raise DataError(
                f"{metric} needs two classes", got=str(scores.shape[1]), fix="Use a metric of the scorecard."
            )
        said = (scores[:, 1] >= threshold).astype(np.float64)
        said = (scores[:, 1] >= threshold).astype(np.float64)
        measures = [_rate(name, groups, y, said, clusters) for name in _RATES_OF[metric]]
    else:
        measures = [_metric(metric, groups, y, scores, clusters)]
    for measure in measures:
        if len(measure.values) < 2:
            raise DataError(
                f"the {measure.of} must be defined in two groups of enough rows",
                got=str(len(measure.values)),
                fix="Widen the holdout or lower min_group.",
            )
    size = bootstrap_biased_statistic(
        lambda counts: np.max([measure.spread(counts) for measure in measures], axis=0),
        clusters,
        confidence=confidence,
        resamples=resamples,
        seed=seed,
    )
    worst = max(measures, key=lambda measure: measure.highest.value - measure.lowest.value)
    return GroupDifference(worst.of, worst.highest, worst.lowest, len(worst.values), size)


@dataclass(frozen=True)
class _Measure:
    """A number in each group where it is defined, and the same under bootstrap weights: counts to (resamples, groups)."""

    of: str
    values: Sequence[GroupValue]
    resampled: Callable[[Ints], Floats]

    @property
    def highest(self) -> GroupValue:
        return max(self.values, key=lambda value: value.value)

    @property
    def lowest(self) -> GroupValue:
        return min(self.values, key=lambda value: value.value)

    def spread(self, counts: Ints) -> Floats:
        """Return (resamples,) the largest difference between the groups that were drawn."""
        values = self.resampled(counts)
        return np.asarray(np.fmax.reduce(values, axis=1) - np.fmin.reduce(values, axis=1))


def _rate(name: str, groups: Groups, y: Floats, said: Floats, clusters: Ints) -> _Measure:
    """Measure a share of yes by Fairlearn, in the groups that have rows to take the share of."""
    function, rows_of = _RATES[name]
    counted = rows_of(y) & (groups.members >= 0)
    defined = np.unique(groups.members[counted])
    judged = np.isin(groups.members, defined)
    owner, cluster = np.searchsorted(defined, groups.members[counted]), clusters[counted]
    yes, every = (np.zeros((int(clusters.max()) + 1, len(defined))) for _ in range(2))
    np.add.at(yes, (cluster, owner), said[counted])
    np.add.at(every, (cluster, owner), 1.0)

    def resampled(counts: Ints) -> Floats:
        rows = counts @ every
        return np.asarray(np.divide(counts @ yes, rows, out=np.full(rows.shape, np.nan), where=rows > 0))

    if not len(defined):
        return _Measure(name, [], resampled)
    # Rows that are alike are told once with their number: Fairlearn takes seconds for a million.
    rows = np.bincount((4 * groups.members + 2 * y + said)[judged].astype(np.int64))
    alike = np.flatnonzero(rows)
    frame = MetricFrame(
        metrics=function,
        y_true=alike // 2 % 2,
        y_pred=alike % 2,
        sensitive_features=alike // 4,
        sample_params={"sample_weight": rows[alike]},
    )
    values = [GroupValue(groups.names[group], groups.rows[group], float(frame.by_group[group])) for group in defined]
    return _Measure(name, values, resampled)


def _metric(name: str, groups: Groups, y: Floats, scores: Floats, clusters: Ints) -> _Measure:
    """Measure a metric of the scorecard in the groups where it is a number."""
    values = compute_group_values(name, groups, y, scores)
    defined = [index for index, value in enumerate(values) if np.isfinite(value.value)]
    parts: list[tuple[int, Resampler]] = []
    for group in defined:
        mine = groups.members == group
        width = int(clusters[mine].max()) + 1
        parts.append((width, METRICS[name].resampler(y[mine], scores[mine], clusters[mine])))

    def resampled(counts: Ints) -> Floats:
        with np.errstate(invalid="ignore", divide="ignore"):  # a group that was not drawn has no value
            return np.column_stack([resample(counts[:, :width]) for width, resample in parts])

    return _Measure(name, [values[group] for group in defined], resampled)


def _check(metric: str, y: Floats, scores: Floats) -> None:
    task = "regression" if scores.ndim == 1 else "classification"
    if metric not in (*METRICS_BY_TASK[task], *(_RATES_OF if task == "classification" else ())):
        raise DataError("groups are compared by a metric of their task", got=metric, fix=f"Use one of a {task}.")
    if not np.isfinite(scores).all():
        raise DataError("fairness needs finite scores", got="NaN or an infinity", fix="Mend the estimator.")
    if task == "classification" and len(np.unique(y)) < 2:
        raise DataError("fairness needs rows of two classes", got="fewer", fix="Widen the holdout.")

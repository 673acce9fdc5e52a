"""Rates and metrics in groups of rows, on all rows and under bootstrap weights."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm

from retrain.core.extras import needs_extra
from retrain.core.stats.groups import (
    Groups,
    GroupValue,
    check_metric,
    compute_group_values,
    count_in_groups,
    list_needed_classes,
)
from retrain.core.stats.interval_names import MIN_CLUSTERS
from retrain.core.stats.metrics import METRICS
from retrain.core.stats.metrics.base import Floats, Ints, Resampler
from retrain.errors import DataError

__all__ = ["GroupMeasure", "measure_groups"]

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
class GroupMeasure:
    """One quantity in every judged group, and how to compute it under bootstrap weights.

    Attributes:
        quantity: What is measured, such as ``true positive rate``.
        values: Its value in each group.
        resample: Maps counts of clusters, shape (resamples, clusters), to (resamples, groups) values.
        trials: (groups,) number of clusters behind a rate; None for a metric that is not a rate.
    """

    quantity: str
    values: Sequence[GroupValue]
    resample: Callable[[Ints], Floats]
    trials: Ints | None = None

    @property
    def highest(self) -> GroupValue:
        """The first of the groups with the highest value."""
        return max(self.values, key=lambda value: value.value)

    @property
    def lowest(self) -> GroupValue:
        """The last of the groups with the lowest value: not `highest`, even if all values are equal."""
        return min(reversed(self.values), key=lambda value: value.value)

    def find_plausible_values(self, error_level: float) -> tuple[Floats, Floats]:
        """Return (groups,) the lowest and highest value that a rate of exactly 1 or 0 is compatible with; others unchanged."""
        values = np.array([value.value for value in self.values])
        if self.trials is None:
            return values, values
        squared = norm.isf(error_level) ** 2
        reach = squared / (self.trials + squared)
        return np.where(values == 1, 1 - reach, values), np.where(values == 0, reach, values)


def measure_groups(
    metric: str, groups: Groups, y: Floats, scores: Floats, clusters: Ints, threshold: float, min_class: int
) -> list[GroupMeasure]:
    """Return the rates of a parity, or the one metric of the scorecard, each with a value in at least two groups."""
    check_metric(metric, y, scores)
    quantities = _RATES_BY_PARITY.get(metric, (metric,))
    if metric in _RATES_BY_PARITY and scores.shape[1] != 2:
        raise DataError(f"{metric} needs two classes", got=str(scores.shape[1]), fix="Use a metric of the scorecard.")
    of_classes = [y == k for k in list_needed_classes(metric, scores)]
    all_rows = np.ones(len(y), dtype=bool)
    has_rows = (count_in_groups(groups, np.arange(len(y)), of_classes) >= min_class).all(axis=0)
    has_clusters = (count_in_groups(groups, clusters, [all_rows, *of_classes]) >= MIN_CLUSTERS).all(axis=0)
    judged = np.flatnonzero(has_rows & has_clusters)
    _require_two_groups(quantities[0], len(judged))
    if metric not in _RATES_BY_PARITY:
        return [_measure_metric(metric, judged, groups, y, scores, clusters)]
    predicted = (scores[:, 1] >= threshold).astype(np.float64)
    _check_predictions(metric, predicted, judged, groups, threshold, min_class)
    return [_measure_rate(name, judged, groups, y, predicted, clusters) for name in quantities]


def _require_two_groups(quantity: str, count: int) -> None:
    if count < 2:
        raise DataError(
            f"the {quantity} must be defined in at least two groups, each with enough rows in {MIN_CLUSTERS} clusters",
            got=str(count),
            fix="Widen the holdout, lower min_group or min_class, or cluster by a shorter period.",
        )


def _check_predictions(
    metric: str, predicted: Floats, judged: Ints, groups: Groups, threshold: float, min_class: int
) -> None:
    """Raise an error if (nearly) all rows of all groups are predicted alike, so that no difference could be seen."""
    rows = np.array(groups.rows)[judged]
    positive = np.bincount(groups.members + 1, weights=predicted, minlength=len(groups.names) + 1)[1:][judged]
    for count, who in ((positive.max(), "nobody"), ((rows - positive).max(), "everybody")):
        if count < min_class:
            raise DataError(
                f"{metric} needs {min_class} rows of a group on either side of the threshold of {threshold:g}",
                got=f"(nearly) {who} predicted positive in every group",
                fix="Use another threshold, or compare roc_auc, log_loss or brier, which need none.",
            )


def _measure_rate(
    name: str, judged: Ints, groups: Groups, y: Floats, predicted: Floats, clusters: Ints
) -> GroupMeasure:
    """Measure a rate by Fairlearn in the judged groups; `predicted` is (n,) of 0 and 1."""
    with needs_extra("fairness", "a fairness gate"):
        from fairlearn import metrics

    function, find_denominator = _RATES[name]
    in_judged_group = np.isin(groups.members, judged)
    in_denominator = find_denominator(y) & in_judged_group
    columns, cluster = np.searchsorted(judged, groups.members[in_denominator]), clusters[in_denominator]
    numerators, denominators = (np.zeros((int(clusters.max()) + 1, len(judged))) for _ in range(2))
    np.add.at(numerators, (cluster, columns), predicted[in_denominator])
    np.add.at(denominators, (cluster, columns), 1.0)

    def resample(counts: Ints) -> Floats:
        rows = counts @ denominators
        return np.asarray(np.divide(counts @ numerators, rows, out=np.full(rows.shape, np.nan), where=rows > 0))

    # Fairlearn needs seconds for a million rows, so each distinct (group, label, prediction) goes in once, with its weight.
    weights = np.bincount((4 * groups.members + 2 * y + predicted)[in_judged_group].astype(np.int64))
    distinct = np.flatnonzero(weights)
    frame = metrics.MetricFrame(
        metrics=getattr(metrics, function),
        y_true=distinct // 2 % 2,
        y_pred=distinct % 2,
        sensitive_features=distinct // 4,
        sample_params={"sample_weight": weights[distinct]},
    )
    values = [GroupValue(groups.names[group], groups.rows[group], float(frame.by_group[group])) for group in judged]
    return GroupMeasure(name, values, resample, np.count_nonzero(denominators, axis=0))


def _measure_metric(name: str, judged: Ints, groups: Groups, y: Floats, scores: Floats, clusters: Ints) -> GroupMeasure:
    """Measure a metric of the scorecard in the judged groups with a finite value."""
    values = compute_group_values(name, groups, y, scores)
    defined = [group for group in judged if math.isfinite(values[group].value)]
    _require_two_groups(name, len(defined))
    resamplers: list[tuple[int, Resampler]] = []
    for group in defined:
        members = groups.members == group
        width = int(clusters[members].max()) + 1
        resamplers.append((width, METRICS[name].resampler(y[members], scores[members], clusters[members])))

    def resample(counts: Ints) -> Floats:
        with np.errstate(invalid="ignore", divide="ignore"):  # a group without rows in the resample has no value
            return np.column_stack([resampler(counts[:, :width]) for width, resampler in resamplers])

    return GroupMeasure(name, [values[group] for group in defined], resample)

"""Groups of rows with equal values in some columns, and the value of a metric in each."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from retrain.core.stats.metric_names import PARITIES, metrics_for
from retrain.core.stats.metrics import METRICS
from retrain.core.stats.metrics.base import Floats, Ints
from retrain.errors import DataError

__all__ = [
    "GroupValue",
    "Groups",
    "check_metric",
    "compute_group_values",
    "count_in_groups",
    "list_needed_classes",
    "split_groups",
]

_POSITIVE_ONLY: Final = frozenset({"equal_opportunity", "f1"})
_EVERY_CLASS: Final = frozenset({"equalized_odds", "roc_auc", "balanced_accuracy"})


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


def compute_group_values(
    metric: str, groups: Groups, y: Floats, scores: Floats, *, min_class: int = 1
) -> list[GroupValue]:
    """Return the value of a scorecard metric in each group; NaN for a group with too few rows of a class.

    Args:
        metric: The metric's name.
        groups: The groups of the n rows.
        y: (n,) class indices, or the labels of a regression.
        scores: (n, classes) probabilities, or (n,) predictions.
        min_class: Fewest rows of each class that the metric rests on.

    Raises:
        DataError: A score is not finite, only one class occurs, or the metric belongs to another task.
    """
    check_metric(metric, y, scores)
    enough = (
        count_in_groups(groups, np.arange(len(y)), [y == k for k in list_needed_classes(metric, scores)]) >= min_class
    )

    def value_of(index: int) -> float:
        members = groups.members == index
        return METRICS[metric].value(y[members], scores[members]) if enough[:, index].all() else math.nan

    return [
        GroupValue(name, rows, value_of(index))
        for index, (name, rows) in enumerate(zip(groups.names, groups.rows, strict=True))
    ]


def list_needed_classes(metric: str, scores: Floats) -> Sequence[int]:
    """Return the classes whose rows a metric averages over, each by itself."""
    class_count = 0 if scores.ndim == 1 else scores.shape[1]
    if metric in _POSITIVE_ONLY and class_count == 2:
        return [1]
    return range(class_count if metric in _POSITIVE_ONLY | _EVERY_CLASS else 0)


def count_in_groups(groups: Groups, units: Ints, masks: Sequence[NDArray[np.bool_]]) -> Ints:
    """Return (masks, groups) the numbers of distinct units, such as clusters, among the rows of a mask in a group."""
    counts = np.zeros((len(masks), len(groups.names)), dtype=np.int64)
    width = int(units.max(initial=0)) + 1
    for row, mask in enumerate(masks):
        chosen = mask & (groups.members >= 0)
        pairs = np.unique(groups.members[chosen] * width + units[chosen])
        counts[row] = np.bincount(pairs // width, minlength=len(groups.names))
    return counts


def check_metric(metric: str, y: Floats, scores: Floats) -> None:
    """Raise an error if a metric cannot be computed from these labels and scores."""
    task = "regression" if scores.ndim == 1 else "classification"
    if metric not in (*metrics_for(task), *(PARITIES if task == "classification" else ())):
        raise DataError("the metric must belong to the task", got=metric, fix=f"Use a metric for {task}.")
    if not np.isfinite(scores).all():
        raise DataError("fairness needs finite scores", got="NaN or an infinity", fix="Fix the estimator.")
    if task == "classification" and len(np.unique(y)) < 2:
        raise DataError("fairness needs rows of two classes", got="fewer", fix="Widen the holdout.")

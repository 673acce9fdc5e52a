"""Folds in time order: fit on the past, score on the rows that follow."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.model_selection import TimeSeriesSplit

from retrain.errors import DataError

__all__ = ["Fold", "split_by_time"]


@dataclass(frozen=True)
class Fold:
    """One fold of a time-ordered split.

    Attributes:
        fit: (n,) mask of the rows to fit on.
        score: (n,) mask of the rows to score; no row is in both.
    """

    fit: NDArray[np.bool_]
    score: NDArray[np.bool_]


def split_by_time(times: NDArray[Any], folds: int, label_delay: timedelta) -> list[Fold]:
    """Return expanding folds, the oldest first.

    scikit-learn's `TimeSeriesSplit` chooses the row at which each scored range begins. The cut is that row's event time, so rows
    with equal event times stay together. A fold fits on the rows whose labels were known at the cut, as a retrain at that
    instant would.

    Args:
        times: (n,) datetime64, the event time of each row, in any order.
        folds: Number of folds.
        label_delay: Time from an event until its label is known.

    Raises:
        DataError: A fold has no rows to fit on or no rows to score.
    """
    ordered = np.sort(times)
    try:
        splits = list(TimeSeriesSplit(n_splits=folds).split(ordered))
    except ValueError:  # fewer rows than folds
        raise _too_short(folds, 1) from None
    cuts = [ordered[scored[0]] for _, scored in splits]
    delay = np.timedelta64(label_delay)
    result = []
    for number, cut in enumerate(cuts, start=1):
        before = times < cuts[number] if number < len(cuts) else True
        fold = Fold(times < cut - delay, (times >= cut) & before)
        if not (fold.fit.any() and fold.score.any()):
            raise _too_short(folds, number)
        result.append(fold)
    return result


def _too_short(folds: int, number: int) -> DataError:
    return DataError(
        f"the training range must have rows to fit and to score in each of {folds} folds",
        got=f"none in fold {number}",
        fix="Lower train.search.folds, or widen data.window.train.",
    )

"""Folds in the order of time: fit on the past, score on what came after it."""

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
    """Which rows are fitted and which are scored, each (n,) of booleans; no row is both."""

    fit: NDArray[np.bool_]
    score: NDArray[np.bool_]


def split_by_time(times: NDArray[Any], folds: int, label_delay: timedelta) -> list[Fold]:
    """Cut rows into expanding folds, the oldest first.

    scikit-learn's `TimeSeriesSplit` says at which row each scored range begins. The cut is that row's instant, so that rows of
    one instant stay together. Fitted is what a retrain at that instant could know: rows whose labels were known by then.

    Args:
        times: (n,) datetime64, the event time of each row, in any order.
        folds: How many.
        label_delay: How long after the event its label is known.

    Raises:
        DataError: A fold has no rows to fit or none to score.
    """
    ordered = np.sort(times)
    try:
        splits = list(TimeSeriesSplit(n_splits=folds).split(ordered))
    except ValueError:  # fewer rows than folds
        raise _too_short(folds, 1) from None
    cuts = [ordered[scored[0]] for _, scored in splits]
    delay = np.timedelta64(label_delay)
    found = []
    for number, cut in enumerate(cuts, start=1):
        before = times < cuts[number] if number < len(cuts) else True
        fold = Fold(times < cut - delay, (times >= cut) & before)
        if not (fold.fit.any() and fold.score.any()):
            raise _too_short(folds, number)
        found.append(fold)
    return found


def _too_short(folds: int, number: int) -> DataError:
    return DataError(
        f"the training range must have rows to fit and to score in each of {folds} folds",
        got=f"none in fold {number}",
        fix="Lower train.search.folds, or widen data.window.train.",
    )

"""The per-row scores of challenger and opponent on the same holdout rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import NDArray

from retrain.core.stats.metrics.base import Floats, Ints
from retrain.errors import DataError, TrainingError

__all__ = ["Opponent", "Scores", "align_classes", "check_scores"]

Opponent = Literal["champion", "baseline"]

_SUM_TOLERANCE: Final = 1e-4
"""Rounding of probabilities in single precision, over many classes."""
_EXACT: Final = 1e-12
"""Rounding of probabilities in double precision."""
_PERIODS: Final = {"hour": "h", "day": "D", "month": "M"}


@dataclass(frozen=True)
class Scores:
    """Scores on n holdout rows.

    Attributes:
        y: (n,) class indices, or the label of a regression.
        challenger: (n, classes) probabilities, or (n,) predictions.
        opponent: Like `challenger`; None if there is nothing to compare with.
        event_time: (n,) datetime64, UTC.
        columns: Columns to slice or cluster by, each (n,).
        baseline: Prediction of a dummy fitted on the training rows, the same on every row: (classes,) shares, or (1,) a number.
    """

    y: Floats
    challenger: Floats
    opponent: Floats | None
    event_time: NDArray[np.datetime64]
    columns: dict[str, NDArray[Any]] = field(default_factory=dict)
    baseline: Floats | None = None

    def __post_init__(self) -> None:
        lengths = {len(self.y), len(self.challenger), len(self.event_time), *map(len, self.columns.values())}
        if self.opponent is not None:
            lengths.add(len(self.opponent))
        if len(lengths) != 1:
            raise ValueError("all parts of the scores must have the same number of rows")

    def on(self, mask: NDArray[np.bool_]) -> Scores:
        """Return the scores on some of the rows; `mask` is (n,)."""
        opponent = None if self.opponent is None else self.opponent[mask]
        columns = {name: values[mask] for name, values in self.columns.items()}
        return Scores(self.y[mask], self.challenger[mask], opponent, self.event_time[mask], columns, self.baseline)

    def clusters(self, by: str | None) -> Ints:
        """Return (n,) cluster numbers from 0: a column's values, a calendar period, or each row on its own.

        Raises:
            DataError: `by` is neither a stored column nor a period.
        """
        if by is None:
            return np.arange(len(self.y))
        if by in self.columns:
            keys: NDArray[Any] = self.columns[by]
        elif by in _PERIODS:
            keys = self.event_time.astype(f"datetime64[{_PERIODS[by]}]")
        elif by == "week":
            keys = (self.event_time.astype("datetime64[D]").astype(np.int64) + 3) // 7
        else:
            raise DataError(
                "cluster_by must be hour, day, week, month or a column of the data",
                got=repr(by),
                fix=f"Use one of: {', '.join([*_PERIODS, 'week', *self.columns])}.",
            )
        if keys.dtype == object:
            keys = keys.astype(str)  # a missing value has no order among texts
        return np.unique(keys, return_inverse=True)[1].astype(np.int64)

    def in_time_order(self, by: str | None) -> bool:
        """Return whether the numbers that `clusters` gives rise with time: true of a calendar period only."""
        return by not in self.columns and by in {*_PERIODS, "week"}

    def of_baseline(self) -> Floats:
        """Return the scores of the dummy, shaped like `challenger`.

        Raises:
            DataError: No baseline was stored.
        """
        if self.baseline is None:
            raise DataError("the scores must hold what a dummy says", got="none", fix="Clear the task evaluate.")
        said = self.baseline if self.challenger.ndim == 2 else self.baseline[0]
        return np.array(np.broadcast_to(said, self.challenger.shape))

    def of_rule(self, column: str) -> Floats:
        """Return the scores of a simple rule, shaped like `challenger`.

        Args:
            column: Holds the rule's prediction: the probability of the positive class, or the number of a regression.

        Raises:
            DataError: The column is missing or does not hold such predictions, or there are not two classes.
        """
        must = f"the rule {column} must be a finite number on every row"
        if column not in self.columns:
            raise DataError(must, got="no such column", fix="Select it in the query.")
        try:
            said: Floats = np.asarray(self.columns[column], dtype=np.float64)
        except (TypeError, ValueError):
            raise DataError(must, got="other values", fix="Cast it in the query.") from None
        if not np.isfinite(said).all():
            raise DataError(must, got="a missing value or an infinity", fix="Fill it in the query.")
        if self.challenger.ndim == 1:
            return said
        must = f"the rule {column} must be the probability of the positive class of two"
        if self.challenger.shape[1] != 2:
            raise DataError(must, got=f"{self.challenger.shape[1]} classes", fix="Leave the rule out.")
        if len(said) and (said.min() < 0 or said.max() > 1):
            raise DataError(must, got="numbers outside 0 to 1", fix="Scale it in the query.")
        return np.column_stack([1 - said, said])


def align_classes(scores: Floats, classes: Sequence[Any], union: Sequence[Any]) -> Floats:
    """Return (n, union) probabilities; a class that the model never saw has probability 0."""
    position = {value: index for index, value in enumerate(union)}
    aligned = np.zeros((len(scores), len(union)))
    aligned[:, [position[value] for value in classes]] = scores
    return aligned


def check_scores(scores: Any, rows: int, classes: Sequence[Any] | None) -> Floats:
    """Return what an estimator said as (rows, classes) probabilities or (rows,) predictions.

    Predictions in one column of their own, of shape (rows, 1), are taken for (rows,). Probabilities in single precision are
    scaled so that they add up to 1 in double precision, too.

    Args:
        scores: What `predict_proba` or `predict` returned.
        rows: Number of rows that were scored.
        classes: The classes of the model; None for a regression.

    Raises:
        TrainingError: The shape is another, a score is not a finite number, or probabilities are outside of 0 to 1 or do not add up
            to 1.
    """
    try:
        numbers: Floats = np.asarray(scores, dtype=np.float64)
    except (TypeError, ValueError):
        raise _make_scores_error("be numbers", "other values") from None
    if classes is None and numbers.shape == (rows, 1):
        numbers = numbers[:, 0]
    wanted = (rows,) if classes is None else (rows, len(classes))
    if numbers.shape != wanted:
        raise _make_scores_error(f"have the shape {wanted}", str(numbers.shape))
    if not np.isfinite(numbers).all():
        raise _make_scores_error("be finite", "NaN or an infinity")
    if classes is not None and rows:
        if numbers.min() < 0 or numbers.max() > 1 + _SUM_TOLERANCE:
            raise _make_scores_error("be probabilities from 0 to 1", "a number outside of them")
        sums = numbers.sum(axis=1, keepdims=True)
        if np.abs(sums - 1).max() > _SUM_TOLERANCE:
            raise _make_scores_error("add up to 1 over the classes of a row", "another sum")
        if np.abs(sums - 1).max() > _EXACT:
            numbers = numbers / sums
    return numbers


def _make_scores_error(must: str, got: str) -> TrainingError:
    return TrainingError(f"scores must {must}", got=got, fix="Fix the estimator.")

"""The per-row scores of challenger and opponent on the same holdout rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import NDArray

from retrain.core.metrics.base import Floats, Ints
from retrain.errors import DataError

__all__ = ["Opponent", "Scores", "align_classes"]

Opponent = Literal["champion", "baseline"]

_PERIODS: Final = {"hour": "h", "day": "D", "month": "M"}


@dataclass(frozen=True)
class Scores:
    """Scores on n holdout rows.

    Attributes:
        y: (n,) class indices, or the label of a regression.
        challenger: (n, classes) probabilities, or (n,) predictions.
        opponent: Like `challenger`; None where there is nothing to compare with.
        event_time: (n,) datetime64, UTC.
        columns: Columns to slice or cluster by, each (n,).
    """

    y: Floats
    challenger: Floats
    opponent: Floats | None
    event_time: NDArray[np.datetime64]
    columns: dict[str, NDArray[Any]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        lengths = {len(self.y), len(self.challenger), len(self.event_time), *map(len, self.columns.values())}
        if self.opponent is not None:
            lengths.add(len(self.opponent))
        if len(lengths) != 1:
            raise ValueError("all parts of the scores must have the same number of rows")

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


def align_classes(scores: Floats, classes: Sequence[Any], union: Sequence[Any]) -> Floats:
    """Return (n, union) probabilities; a class that the model never saw has probability 0."""
    position = {value: index for index, value in enumerate(union)}
    aligned = np.zeros((len(scores), len(union)))
    aligned[:, [position[value] for value in classes]] = scores
    return aligned

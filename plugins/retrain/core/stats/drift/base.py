"""What a window looks like, column by column, without any row value."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

__all__ = ["ColumnProfile", "Profile"]


@dataclass(frozen=True)
class ColumnProfile:
    """One column of the training range beside the same column of the holdout.

    Attributes:
        column: Its name.
        distance: The Jensen-Shannon distance between the two ranges, 0 to 1; NaN where one has no rows.
        luck: How far luck alone reaches in so many rows: in 99 of 100 quiet windows no column lies further.
        missing_train: Share of the training rows without a value.
        missing_holdout: Share of the holdout rows without a value.
        unseen: Share of the holdout rows with a category that no training row has; 0 for a column of numbers.
        strength: How well the column alone tells the label on training rows, 0 to 1; NaN for the label itself.
        late: Rows of the window with an instant after as-of.
    """

    column: str
    distance: float
    luck: float
    missing_train: float
    missing_holdout: float
    unseen: float
    strength: float
    late: int


@dataclass(frozen=True)
class Profile:
    """The features and the label of one window.

    Attributes:
        features: In the order of the snapshot.
        label: The label, whose `strength` is not measured.
        train_rows: Rows of the training range.
        holdout_rows: Rows of the holdout.
        sampled: How many training rows, drawn with a fixed seed, the strengths rest on.
        duplicates: Holdout rows that equal a training row in every feature and the label.
    """

    features: tuple[ColumnProfile, ...]
    label: ColumnProfile
    train_rows: int
    holdout_rows: int
    sampled: int
    duplicates: int

    @classmethod
    def from_json(cls, document: dict[str, Any]) -> Profile:
        """Read the fields as plain JSON; null is NaN."""
        features = tuple(_column(item) for item in document["features"])
        return cls(**document | {"features": features, "label": _column(document["label"])})


def _column(document: dict[str, Any]) -> ColumnProfile:
    numbers: dict[str, Any] = {name: math.nan if value is None else value for name, value in document.items()}
    return ColumnProfile(**numbers)

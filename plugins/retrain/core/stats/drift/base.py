"""The profile of a window, column by column, without any row value."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any, Final

__all__ = ["ColumnProfile", "Profile"]

_STORED_NAMES: Final = {"noise_floor": "luck", "label_association": "strength"}
"""Names of fields in stored scorecards, whose digests must not change."""
_FIELDS_BY_STORED_NAME: Final = {stored: field for field, stored in _STORED_NAMES.items()}


@dataclass(frozen=True)
class ColumnProfile:
    """One column of the training range compared with the same column of the holdout.

    Attributes:
        column: The name.
        distance: The Jensen-Shannon distance between the two ranges, 0 to 1; NaN if one of them has no rows.
        noise_floor: The noise floor of the distance: in 99 of 100 windows without drift no column lies further.
        missing_train: Share of the training rows without a value.
        missing_holdout: Share of the holdout rows without a value.
        unseen: Share of the holdout rows with a category that no training row has; 0 for a column of numbers.
        label_association: How well the column alone predicts the label on training rows, 0 to 1: the univariate AUC for
            classes, the absolute rank correlation for a regression; NaN for the label itself.
        late: Number of rows of the window with an instant after as-of.
    """

    column: str
    distance: float
    noise_floor: float
    missing_train: float
    missing_holdout: float
    unseen: float
    label_association: float
    late: int


@dataclass(frozen=True)
class Profile:
    """The profile of one window.

    Attributes:
        features: In the order of the snapshot.
        label: The label, without a `label_association`.
        train_rows: Rows of the training range.
        holdout_rows: Rows of the holdout.
        sampled: Number of training rows, drawn with a fixed seed, that the associations are measured on.
        duplicates: Number of holdout rows that equal a training row in every feature and the label.
    """

    features: tuple[ColumnProfile, ...]
    label: ColumnProfile
    train_rows: int
    holdout_rows: int
    sampled: int
    duplicates: int

    def to_json(self) -> dict[str, Any]:
        """Return the profile under its stored names; NaN stays NaN."""
        return asdict(self) | {
            "features": [_write_column(column) for column in self.features],
            "label": _write_column(self.label),
        }

    @classmethod
    def from_json(cls, document: dict[str, Any]) -> Profile:
        """Return the profile from its stored JSON; null stands for NaN."""
        features = tuple(_read_column(item) for item in document["features"])
        return cls(**document | {"features": features, "label": _read_column(document["label"])})


def _write_column(column: ColumnProfile) -> dict[str, Any]:
    return {_STORED_NAMES.get(name, name): value for name, value in asdict(column).items()}


def _read_column(document: dict[str, Any]) -> ColumnProfile:
    fields: dict[str, Any] = {
        _FIELDS_BY_STORED_NAME.get(name, name): math.nan if value is None else value for name, value in document.items()
    }
    return ColumnProfile(**fields)

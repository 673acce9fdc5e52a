"""The profile of a window, column by column, without any row value."""

from __future__ import annotations

from dataclasses import dataclass, field

from retrain.core.codec import STORED_NAME, JsonDataclass

__all__ = ["ColumnProfile", "Profile"]


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
    noise_floor: float = field(metadata={STORED_NAME: "luck"})
    missing_train: float
    missing_holdout: float
    unseen: float
    label_association: float = field(metadata={STORED_NAME: "strength"})
    late: int


@dataclass(frozen=True)
class Profile(JsonDataclass):
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

"""Which holdout rows the model was shown in training, label and all."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from retrain.core.stats.drift.columns import MISSING, Values, encode_categories, to_floats
from retrain.core.stats.metrics.base import Ints

__all__ = ["count_duplicates"]


def count_duplicates(columns: Iterable[tuple[Values, Values]], train_rows: int, holdout_rows: int) -> int:
    """Return how many holdout rows equal some training row in every column; two missing values are equal.

    Exact, without hashing: column by column only rows that still have a partner on the other side are kept, which are soon few.

    Args:
        columns: The training and the holdout values of each column.
        train_rows: Rows of the training side.
        holdout_rows: Rows of the holdout side.

    >>> first = np.array([1.0, 2.0, np.nan]), np.array([2.0, 2.0, np.nan])
    >>> second = np.array(["a", "b", None], dtype=object), np.array(["b", "a", None], dtype=object)
    >>> count_duplicates([first, second], 3, 3)
    2
    """
    left, right = np.arange(train_rows), np.arange(holdout_rows)
    left_keys, right_keys = np.zeros(train_rows, dtype=np.int64), np.zeros(holdout_rows, dtype=np.int64)
    for train, holdout in columns:
        if not (len(left) and len(right)):
            return 0
        left_codes, right_codes = _number_alike(train[left], holdout[right])
        width = int(max(left_codes.max(), right_codes.max())) + 1 - MISSING
        keys = np.concatenate([left_keys * width + left_codes - MISSING, right_keys * width + right_codes - MISSING])
        numbers = np.unique(keys, return_inverse=True)[1]  # small again, so that the next product cannot overflow
        left_keys, right_keys = numbers[: len(left)], numbers[len(left) :]
        in_left, in_right = (
            np.bincount(side, minlength=int(numbers.max()) + 1) > 0 for side in (left_keys, right_keys)
        )
        both = in_left & in_right
        left, left_keys = left[both[left_keys]], left_keys[both[left_keys]]
        right, right_keys = right[both[right_keys]], right_keys[both[right_keys]]
    return len(right)


def _number_alike(train: Values, holdout: Values) -> tuple[Ints, Ints]:
    """Return both columns as numbers from -1, the same for the same value."""
    first, second = to_floats(train), to_floats(holdout)
    if first is None or second is None:
        return encode_categories(train, holdout)
    together = np.concatenate([first, second])
    codes = np.where(np.isnan(together), MISSING, np.unique(together, return_inverse=True)[1]).astype(np.int64)
    return codes[: len(first)], codes[len(first) :]

"""Holdout rows that also occur among the training rows, label included."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from retrain.core.stats.drift.columns import MISSING, Values, encode_categories, to_floats
from retrain.core.stats.metrics.base import Ints

__all__ = ["count_duplicates"]


def count_duplicates(columns: Iterable[tuple[Values, Values]], train_rows: int, holdout_rows: int) -> int:
    """Return the number of holdout rows that equal some training row in every column; two missing values are equal.

    The count is exact, without hashing. Each column drops the rows without a match on the other side, so few rows remain soon.

    Args:
        columns: The (train_rows,) training values and (holdout_rows,) holdout values of each column.
        train_rows: Rows of the training range.
        holdout_rows: Rows of the holdout.

    >>> first = np.array([1.0, 2.0, np.nan]), np.array([2.0, 2.0, np.nan])
    >>> second = np.array(["a", "b", None], dtype=object), np.array(["b", "a", None], dtype=object)
    >>> count_duplicates([first, second], 3, 3)
    2
    """
    train_index, holdout_index = np.arange(train_rows), np.arange(holdout_rows)
    train_keys, holdout_keys = np.zeros(train_rows, dtype=np.int64), np.zeros(holdout_rows, dtype=np.int64)
    for train, holdout in columns:
        if not (len(train_index) and len(holdout_index)):
            return 0
        train_codes, holdout_codes = _encode_together(train[train_index], holdout[holdout_index])
        width = int(max(train_codes.max(), holdout_codes.max())) + 1 - MISSING
        keys = np.concatenate(
            [train_keys * width + train_codes - MISSING, holdout_keys * width + holdout_codes - MISSING]
        )
        numbers = np.unique(keys, return_inverse=True)[1]  # renumbered from 0, so the next product cannot overflow
        train_keys, holdout_keys = numbers[: len(train_index)], numbers[len(train_index) :]
        in_train, in_holdout = (
            np.bincount(side, minlength=int(numbers.max()) + 1) > 0 for side in (train_keys, holdout_keys)
        )
        in_both = in_train & in_holdout
        train_index, train_keys = train_index[in_both[train_keys]], train_keys[in_both[train_keys]]
        holdout_index, holdout_keys = holdout_index[in_both[holdout_keys]], holdout_keys[in_both[holdout_keys]]
    return len(holdout_index)


def _encode_together(train: Values, holdout: Values) -> tuple[Ints, Ints]:
    """Return both columns as codes from -1 (missing), equal for equal values."""
    first, second = to_floats(train), to_floats(holdout)
    if first is None or second is None:
        return encode_categories(train, holdout)
    values = np.concatenate([first, second])
    codes = np.where(np.isnan(values), MISSING, np.unique(values, return_inverse=True)[1]).astype(np.int64)
    return codes[: len(first)], codes[len(first) :]

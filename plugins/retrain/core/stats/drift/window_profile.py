"""The profile of one window from its columns."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Final

import numpy as np

from retrain.core.stats.drift.association import measure_association
from retrain.core.stats.drift.base import ColumnProfile, Profile
from retrain.core.stats.drift.columns import MISSING, Values, bin_by_quantiles, encode_categories, to_floats
from retrain.core.stats.drift.distance import choose_cell_count, measure_distance
from retrain.core.stats.drift.duplicates import count_duplicates
from retrain.core.stats.metrics.base import Floats

__all__ = ["profile_window"]

_BINS: Final = 20
_SAMPLED: Final = 100_000
_CLASSES: Final = 20
_SEED: Final = 0


def profile_window(
    train: Mapping[str, Values], holdout: Mapping[str, Values], *, label: str, ranked: bool, as_of: np.datetime64
) -> Profile:
    """Return what the two ranges of a window look like.

    Distances, missing and unseen values, instants after as-of and duplicates are of all rows. How well a column alone tells
    the label is measured on at most 100,000 training rows, drawn with a fixed seed, and for at most the 20 most frequent classes.

    Args:
        train: The features and the label by name, each (n,), rows in order of time.
        holdout: The same columns, each (m,).
        label: Which of the columns is the label.
        ranked: Whether the order of the label counts, as in a regression.
        as_of: Until when things are known, in UTC.
    """
    rows, others = len(train[label]), len(holdout[label])
    sample = np.arange(rows)
    if rows > _SAMPLED:
        sample = np.sort(np.random.default_rng(_SEED).choice(rows, _SAMPLED, replace=False))
    targets = _targets(train[label][sample], ranked=ranked)

    def column(name: str) -> ColumnProfile:
        numbers = to_floats(train[name]), to_floats(holdout[name])
        if numbers[0] is None or numbers[1] is None or (name == label and not ranked):
            first, second = encode_categories(train[name], holdout[name])
            values, groups, unseen = None, first[sample], _share(~np.isin(second, first) & (second != MISSING))
        else:
            first, second = bin_by_quantiles(numbers[0], numbers[1], min(_BINS, choose_cell_count(rows, others)))
            values, unseen = numbers[0][sample], 0.0
            groups, _ = bin_by_quantiles(values, values[:0], _BINS)
        strength = math.nan if name == label else measure_association(values, groups, targets, ranked=ranked)
        late = sum(_after(side[name], as_of) for side in (train, holdout))
        missing = _share(first == MISSING), _share(second == MISSING)
        return ColumnProfile(name, *measure_distance(first, second, len(train)), *missing, unseen, strength, late)

    return Profile(
        features=tuple(column(name) for name in train if name != label),
        label=column(label),
        train_rows=rows,
        holdout_rows=others,
        sampled=len(sample),
        duplicates=count_duplicates(((train[name], holdout[name]) for name in train), rows, others),
    )


def _targets(label: Values, *, ranked: bool) -> Floats:
    """Return (n, 1) the label, or (n, classes) membership; of two classes one says it all."""
    if ranked:
        return label.reshape(-1, 1).astype(np.float64)
    codes, _ = encode_categories(label, label[:0])
    counts = np.bincount(codes - MISSING)[1:]
    classes = np.argsort(-counts, kind="stable")[: 1 if len(counts) <= 2 else _CLASSES]
    return np.equal.outer(codes, classes).astype(np.float64)


def _after(values: Values, as_of: np.datetime64) -> int:
    return int((values > as_of).sum()) if values.dtype.kind == "M" else 0


def _share(where: Values) -> float:
    return float(where.mean()) if len(where) else math.nan

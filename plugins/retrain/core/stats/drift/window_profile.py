"""Computation of a window's profile from its columns."""

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
from retrain.core.stats.metrics.base import Floats, Ints

__all__ = ["profile_window"]

_MAX_BINS: Final = 20
_MAX_SAMPLE: Final = 100_000
_MAX_CLASSES: Final = 20
_SEED: Final = 0


def profile_window(
    train: Mapping[str, Values],
    holdout: Mapping[str, Values],
    *,
    label: str,
    ranked: bool,
    as_of: np.datetime64,
    times: tuple[Values, Values] | None = None,
) -> Profile:
    """Return the profile of a window.

    Distances, missing and unseen values, instants after as-of and duplicates are measured on all rows. The association of a
    column with the label is measured on at most 100,000 training rows, drawn with a fixed seed, and for at most the 20 most
    frequent classes.

    Args:
        train: The features and the label by name, each (n,), rows in order of time.
        holdout: The same columns, each (m,).
        label: The name of the label column.
        ranked: Whether the label is ranked, as in a regression, and not a class.
        as_of: The as-of of the retrain, in UTC.
        times: (n,) and (m,) event times as datetime64 in UTC: rows of one day share its luck in the noise floor. None if rows are
            independent.
    """
    days = None if times is None else (_number_days(times[0]), _number_days(times[1]))
    train_rows, holdout_rows = len(train[label]), len(holdout[label])
    sample = np.arange(train_rows)
    if train_rows > _MAX_SAMPLE:
        sample = np.sort(np.random.default_rng(_SEED).choice(train_rows, _MAX_SAMPLE, replace=False))
    targets = _make_targets(train[label][sample], ranked=ranked)

    def profile_column(name: str) -> ColumnProfile:
        numbers = to_floats(train[name]), to_floats(holdout[name])
        if numbers[0] is None or numbers[1] is None or (name == label and not ranked):
            first, second = encode_categories(train[name], holdout[name])
            values, groups, unseen = None, first[sample], _share(~np.isin(second, first) & (second != MISSING))
        else:
            first, second = bin_by_quantiles(
                numbers[0], numbers[1], min(_MAX_BINS, choose_cell_count(train_rows, holdout_rows))
            )
            values, unseen = numbers[0][sample], 0.0
            groups, _ = bin_by_quantiles(values, values[:0], _MAX_BINS)
        association = math.nan if name == label else measure_association(values, groups, targets, ranked=ranked)
        late = sum(_count_after(side[name], as_of) for side in (train, holdout))
        missing = _share(first == MISSING), _share(second == MISSING)
        drift = measure_distance(first, second, len(train), days=days)
        return ColumnProfile(name, *drift, *missing, unseen, association, late)

    return Profile(
        features=tuple(profile_column(name) for name in train if name != label),
        label=profile_column(label),
        train_rows=train_rows,
        holdout_rows=holdout_rows,
        sampled=len(sample),
        duplicates=count_duplicates(((train[name], holdout[name]) for name in train), train_rows, holdout_rows),
    )


def _make_targets(label: Values, *, ranked: bool) -> Floats:
    """Return (n, 1) the ranked label, or (n, classes) of 0 and 1; two classes need only one column."""
    if ranked:
        return label.reshape(-1, 1).astype(np.float64)
    codes, _ = encode_categories(label, label[:0])
    counts = np.bincount(codes - MISSING)[1:]
    classes = np.argsort(-counts, kind="stable")[: 1 if len(counts) <= 2 else _MAX_CLASSES]
    return np.equal.outer(codes, classes).astype(np.float64)


def _number_days(times: Values) -> Ints:
    return np.unique(times.astype("datetime64[D]"), return_inverse=True)[1]


def _count_after(values: Values, as_of: np.datetime64) -> int:
    return int((values > as_of).sum()) if values.dtype.kind == "M" else 0


def _share(mask: Values) -> float:
    return float(mask.mean()) if len(mask) else math.nan

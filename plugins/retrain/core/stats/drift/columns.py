"""Columns as arithmetic wants them: numbers with NaN, or numbered categories."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from retrain.core.stats.metrics.base import Floats, Ints

__all__ = ["MISSING", "Values", "bin_by_quantiles", "encode_categories", "to_floats"]

Values = NDArray[Any]
"""(n,) a column: numbers, datetime64, or objects with None for a missing value."""

MISSING: Final = -1
"""The number of a missing value among categories and bins."""


def to_floats(values: Values) -> Floats | None:
    """Return (n,) floats with NaN for missing, instants as microseconds since 1970; None for a column of categories."""
    if values.dtype.kind in "biuf":
        return values.astype(np.float64)
    if values.dtype.kind in "mM":
        counts = values.astype(f"{values.dtype.kind}8[us]").astype(np.int64).astype(np.float64)
        return np.where(np.isnat(values), np.nan, counts)
    return None


def encode_categories(first: Values, second: Values) -> tuple[Ints, Ints]:
    """Return both columns as category numbers, the same for the same text, in order of appearance."""
    known: dict[str, int] = {}

    def number(values: Values) -> Ints:
        things, numbers = values.astype(object), to_floats(values)
        if numbers is not None:
            things[np.isnan(numbers)] = None
        found = (MISSING if thing is None else known.setdefault(str(thing), len(known)) for thing in things)
        return np.fromiter(found, dtype=np.int64, count=len(values))

    return number(first), number(second)


def bin_by_quantiles(first: Floats, second: Floats, bins: int) -> tuple[Ints, Ints]:
    """Return both columns as bin numbers, the bins holding about equal shares of `first`."""
    present = first[~np.isnan(first)]
    shares = np.linspace(0, 1, bins + 1)[1:-1]
    # Without interpolation, so that an infinity is a value like any other.
    edges = np.unique(np.quantile(present, shares, method="inverted_cdf")) if len(present) else np.empty(0)

    def number(values: Floats) -> Ints:
        return np.where(np.isnan(values), MISSING, np.searchsorted(edges, values, side="left")).astype(np.int64)

    return number(first), number(second)

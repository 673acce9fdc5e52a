"""Columns as numbers with NaN, or as encoded categories."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from retrain.core.stats.metrics.base import Floats, Ints

__all__ = ["MISSING", "Values", "bin_by_quantiles", "encode_categories", "to_floats"]

Values = NDArray[Any]
"""(n,) a column: numbers, datetime64, or objects with None for a missing value."""

MISSING: Final = -1
"""Code of a missing value among categories and bins."""


def to_floats(values: Values) -> Floats | None:
    """Return (n,) floats with NaN for missing values; instants become microseconds since 1970. None for categories."""
    if values.dtype.kind in "biuf":
        return values.astype(np.float64)
    if values.dtype.kind in "mM":
        counts = values.astype(f"{values.dtype.kind}8[us]").astype(np.int64).astype(np.float64)
        return np.where(np.isnat(values), np.nan, counts)
    return None


def encode_categories(first: Values, second: Values) -> tuple[Ints, Ints]:
    """Return both columns as category codes, equal for equal texts, numbered from 0 in order of appearance."""
    codes: dict[str, int] = {}

    def encode(values: Values) -> Ints:
        objects, numbers = values.astype(object), to_floats(values)
        if numbers is not None:
            objects[np.isnan(numbers)] = None
        encoded = (MISSING if value is None else codes.setdefault(str(value), len(codes)) for value in objects)
        return np.fromiter(encoded, dtype=np.int64, count=len(values))

    return encode(first), encode(second)


def bin_by_quantiles(first: Floats, second: Floats, bins: int) -> tuple[Ints, Ints]:
    """Return both columns as bin numbers, from 0; each bin holds about the same share of `first`."""
    present = first[~np.isnan(first)]
    shares = np.linspace(0, 1, bins + 1)[1:-1]
    # Quantiles without interpolation, because interpolating towards an infinity gives NaN.
    edges = np.unique(np.quantile(present, shares, method="inverted_cdf")) if len(present) else np.empty(0)

    def assign_bins(values: Floats) -> Ints:
        return np.where(np.isnan(values), MISSING, np.searchsorted(edges, values, side="left")).astype(np.int64)

    return assign_bins(first), assign_bins(second)

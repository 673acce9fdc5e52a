"""Which interval a paired gain gets, and the cases that no interval fits."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Final

import numpy as np

from retrain.core.stats.interval_names import IntervalMethod, IntervalName
from retrain.core.stats.intervals.base import Gain, PairedScores
from retrain.core.stats.intervals.bca import bca
from retrain.core.stats.intervals.delong import clusters_by_class, delong
from retrain.core.stats.intervals.jackknife import jackknife
from retrain.core.stats.intervals.percentile import percentile
from retrain.core.stats.metrics import METRICS
from retrain.errors import DataError

__all__ = ["choose_method", "paired_gain"]

_FEW_CLUSTERS: Final = 64
_ROUNDING: Final = 64 * float(np.finfo(np.float64).eps)


def choose_method(pairs: PairedScores) -> IntervalMethod:
    """Return the method for `auto`: the jackknife, but DeLong for the area under a binary ROC curve of many clusters.

    Neither draws anything at random, and their errors keep to small levels where few clusters make the bootstraps run narrow.
    The jackknife's variance errs upwards (Efron and Stein), DeLong's a little downwards with few clusters; with many they are
    one, and DeLong is the faster by far (docs/explanation/gate.md has the figures).

    Raises:
        DataError: The area under a binary ROC curve rests on too few clusters of either class.
    """
    binary = pairs.scores.ndim == 2 and pairs.scores.shape[1] == 2
    if pairs.metric is not METRICS["roc_auc"] or not binary:
        return "jackknife"
    clusters_by_class(pairs)
    return "jackknife" if pairs.count <= _FEW_CLUSTERS else "delong"


def paired_gain(
    pairs: PairedScores, *, level: float, method: IntervalName = "auto", resamples: int = 2000, seed: int = 0
) -> Gain:
    """Return the gain of one set of scores over the other with an interval.

    Equal scores have a gain of 0 and no width. A gain that is not 0 and yet the same in every cluster has no interval: luck
    cannot be judged by clusters that do not differ.

    Args:
        level: One-sided error level of either bound.
        method: How to make it; `auto` chooses.
        resamples: Of a bootstrap, at the least.
        seed: Of a bootstrap.

    Raises:
        DataError: The method does not fit the scores, or the gain does not vary.
    """
    match choose_method(pairs) if method == "auto" else method:
        case "delong":
            if pairs.metric is not METRICS["roc_auc"]:
                raise DataError("DeLong's interval is of roc_auc", got="another metric", fix="Use `method: auto`.")
            gain = delong(pairs, level=level)
        case "jackknife":
            gain = jackknife(pairs, level=level)
        case "percentile":
            gain = percentile(pairs, level=level, resamples=resamples, seed=seed)
        case _:
            gain = bca(pairs, level=level, resamples=resamples, seed=seed)
    return _checked(gain, pairs)


def _checked(gain: Gain, pairs: PairedScores) -> Gain:
    if not math.isfinite(gain.value) or not gain.error <= _ROUNDING * _size(pairs):
        return gain
    if abs(gain.value) > _ROUNDING * _size(pairs):
        raise DataError(
            "a gain must differ between clusters to tell it from luck",
            got=f"{gain.value:+g} in every one",
            fix="Look at the scores: two models hardly ever differ by the same in all of them.",
        )
    return replace(gain, value=0.0, low=0.0, high=0.0, error=0.0)


def _size(pairs: PairedScores) -> float:
    """Return how large the metric itself is, for what is a rounding error of it."""
    return max(abs(pairs.metric.value(pairs.y, side)) for side in (pairs.scores, pairs.other))

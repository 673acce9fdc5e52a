"""Choice of the interval method for a paired gain, and the cases that no method covers."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Final

import numpy as np

from retrain.core.stats.interval_names import IntervalMethod, IntervalName
from retrain.core.stats.intervals.base import Gain, PairedScores
from retrain.core.stats.intervals.bca import bca
from retrain.core.stats.intervals.delong import count_clusters_by_class, delong, find_fewest_by_class
from retrain.core.stats.intervals.dependence import join_dependent_clusters
from retrain.core.stats.intervals.jackknife import jackknife
from retrain.core.stats.intervals.percentile import percentile
from retrain.core.stats.metrics import METRICS
from retrain.errors import DataError

__all__ = ["NoVariationError", "choose_method", "estimate_paired_gain"]

_FEW_CLUSTERS: Final = 64
_ROUNDING: Final = 64 * float(np.finfo(np.float64).eps)


def choose_method(pairs: PairedScores) -> IntervalMethod:
    """Return the method for `auto`: DeLong for the area under a binary ROC curve with many clusters, else the jackknife.

    Both are deterministic and keep small error levels with few clusters, when bootstrap intervals are too narrow. The
    jackknife's variance is biased upwards (Efron and Stein), DeLong's slightly downwards with few clusters. With many clusters
    they agree, and DeLong is much faster (the explanation of the gates has the figures).

    Raises:
        DataError: For the area under a binary ROC curve, too few clusters have rows of one of the classes.
    """
    binary = pairs.challenger.ndim == 2 and pairs.challenger.shape[1] == 2
    if pairs.metric is not METRICS["roc_auc"] or not binary:
        return "jackknife"
    count_clusters_by_class(pairs, find_fewest_by_class(pairs))
    return "jackknife" if pairs.cluster_count <= _FEW_CLUSTERS else "delong"


class NoVariationError(DataError):
    """A gain is the same in every cluster, and not 0.

    Attributes:
        gain: The gain with an interval of width 0.
    """

    def __init__(self, gain: Gain) -> None:
        super().__init__(
            "a gain must vary between clusters to have a standard error",
            got=f"{gain.value:+g} in every cluster",
            fix="Look for a copied model or a leak of the label, or judge by a metric that differs from row to row, such as "
            "log_loss or mae.",
        )
        self.gain = replace(gain, low=gain.value, high=gain.value, standard_error=0.0)

    def __reduce__(self) -> tuple[object, ...]:
        return NoVariationError, (self.gain,)


def estimate_paired_gain(
    pairs: PairedScores, *, level: float, method: IntervalName = "auto", resamples: int = 2000, seed: int = 0
) -> Gain:
    """Return the gain of one set of scores over the other with an interval.

    Calendar periods that depend on the periods before are joined to blocks first (see `dependence`), and the method takes the
    blocks for clusters. Equal scores have a gain of 0 and an interval of width 0. A gain that is not 0 but equal in every cluster
    has no interval: without variation between clusters there is no standard error, and a width of 0 would claim more than so few
    clusters show.

    Args:
        pairs: The two sets of scores.
        level: One-sided error level of each bound.
        method: The interval method; `auto` chooses one by `choose_method`.
        resamples: Smallest number of bootstrap resamples.
        seed: Seed of a bootstrap.

    Raises:
        DataError: The method does not fit the scores or has too few blocks, or the gain does not vary between clusters.
    """
    joined = join_dependent_clusters(pairs)
    gain = _estimate(joined.pairs, level, method, resamples, seed)
    return replace(gain, clusters=pairs.cluster_count, autocorrelation=joined.autocorrelation, blocks=joined.blocks)


def _estimate(pairs: PairedScores, level: float, method: IntervalName, resamples: int, seed: int) -> Gain:
    match choose_method(pairs) if method == "auto" else method:
        case "delong":
            if pairs.metric is not METRICS["roc_auc"]:
                raise DataError(
                    "DeLong's interval needs the metric roc_auc", got="another metric", fix="Use `method: auto`."
                )
            gain = delong(pairs, level=level)
        case "jackknife":
            gain = jackknife(pairs, level=level)
        case "percentile":
            gain = percentile(pairs, level=level, resamples=resamples, seed=seed)
        case _:
            gain = bca(pairs, level=level, resamples=resamples, seed=seed)
    return _check_variation(gain, pairs)


def _check_variation(gain: Gain, pairs: PairedScores) -> Gain:
    if not math.isfinite(gain.value) or not gain.standard_error <= _ROUNDING * _find_magnitude(pairs):
        return gain
    if abs(gain.value) > _ROUNDING * _find_magnitude(pairs):
        raise NoVariationError(gain)
    return replace(gain, value=0.0, low=0.0, high=0.0, standard_error=0.0)


def _find_magnitude(pairs: PairedScores) -> float:
    """Return the larger absolute value of the metric of both sides, the scale of its rounding error."""
    return max(abs(pairs.metric.value(pairs.y, side)) for side in (pairs.challenger, pairs.opponent))

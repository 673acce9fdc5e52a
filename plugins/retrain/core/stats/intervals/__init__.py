"""Intervals of the paired gain of one set of scores over another on the same rows, one method per file, all clustered.

Importing this package imports numpy and scipy; `retrain.core.stats.interval_names` has only the names.
"""

from retrain.core.stats.interval_names import MIN_BLOCKS, MIN_CLUSTERS
from retrain.core.stats.intervals.base import POWER, Gain, PairedScores
from retrain.core.stats.intervals.choice import NoVariationError, choose_method, estimate_paired_gain

__all__ = [
    "MIN_BLOCKS",
    "MIN_CLUSTERS",
    "POWER",
    "Gain",
    "NoVariationError",
    "PairedScores",
    "choose_method",
    "estimate_paired_gain",
]

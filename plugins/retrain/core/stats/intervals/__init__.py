"""Intervals of the paired gain of one set of scores over another on the same rows: one method a file, clusters in all of them.

Importing this package imports numpy and scipy; the names alone are in `retrain.core.stats.interval_names`.
"""

from retrain.core.stats.intervals.base import FEWEST_CLUSTERS, POWER, Gain, Pairs
from retrain.core.stats.intervals.choice import chosen_method, paired_gain

__all__ = ["FEWEST_CLUSTERS", "POWER", "Gain", "Pairs", "chosen_method", "paired_gain"]

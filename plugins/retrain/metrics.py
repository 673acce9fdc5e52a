"""Metrics: what a package needs to offer one."""

from retrain.core.stats.metrics import AdditiveMetric, InstalledMetric, Metric, Resampler

__all__ = ["AdditiveMetric", "InstalledMetric", "Metric", "Resampler"]

"""The metrics of a scorecard: a value from scikit-learn, and the same value under bootstrap weights.

Importing this package imports numpy and scikit-learn; the names alone are in `retrain.core.metric_names`.
"""

from retrain.core.metrics.base import Metric, Resampler
from retrain.core.metrics.classification import CLASSIFICATION
from retrain.core.metrics.regression import REGRESSION

METRICS: dict[str, Metric] = CLASSIFICATION | REGRESSION

__all__ = ["METRICS", "Metric", "Resampler"]

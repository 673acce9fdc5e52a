"""The metrics of a scorecard: a value from scikit-learn, and the same value under bootstrap weights.

Importing this package imports numpy and scikit-learn; `retrain.core.stats.metric_names` has only the names.
"""

from retrain.core.stats.metrics.base import Metric, Resampler
from retrain.core.stats.metrics.classification import CLASSIFICATION
from retrain.core.stats.metrics.regression import REGRESSION

METRICS: dict[str, Metric] = CLASSIFICATION | REGRESSION

__all__ = ["METRICS", "Metric", "Resampler"]

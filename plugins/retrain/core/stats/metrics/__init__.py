"""The metrics of a scorecard: a value from scikit-learn, and the same value under bootstrap weights.

Importing this package imports numpy and scikit-learn; `retrain.core.stats.metric_names` has only the names.
"""

from collections.abc import Mapping

from retrain.core.extensions import Extended, ExtensionPoint
from retrain.core.stats.metrics.base import AdditiveMetric, Metric, Resampler
from retrain.core.stats.metrics.classification import CLASSIFICATION
from retrain.core.stats.metrics.installed import InstalledMetric, load_metric
from retrain.core.stats.metrics.regression import REGRESSION

METRICS: Mapping[str, Metric] = Extended(CLASSIFICATION | REGRESSION, ExtensionPoint.METRICS, load_metric)

__all__ = ["METRICS", "AdditiveMetric", "InstalledMetric", "Metric", "Resampler"]

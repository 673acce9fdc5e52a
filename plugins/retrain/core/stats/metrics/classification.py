"""Metrics for binary and multiclass classification; with more than two classes, one-versus-rest and macro averages."""

from __future__ import annotations

import numpy as np
from sklearn.metrics import (
    accuracy_score,
    average_precision_score,
    balanced_accuracy_score,
    f1_score,
    log_loss,
    roc_auc_score,
)

from retrain.core.stats.metrics.area_under_roc import auc_resampler
from retrain.core.stats.metrics.base import AdditiveMetric, Floats, Ints, Metric, Resampler
from retrain.core.stats.metrics.ranking import RankingMetric, compute_average_precision, make_recall_at

__all__ = ["CLASSIFICATION"]

_TINY = np.finfo(np.float64).eps


class RocAuc:
    """Area under the ROC curve: how often a positive row scores higher than a negative row, ties counting half.

    With more than two classes, the mean of the areas of each class against the others, over the classes that have rows: an area
    needs rows of the class and rows of another.
    """

    def value(self, y: Floats, scores: Floats) -> float:
        """Return the area; NaN if all rows are of one class."""
        areas = [roc_auc_score(y == k, scores[:, k]) for k in _classes_with_area(y, scores)]
        return float(np.mean(areas)) if areas else float("nan")

    def resampler(self, y: Floats, scores: Floats, clusters: Ints) -> Resampler:
        """Return a resampler of the mean area over the classes that have rows; two classes have a single area."""
        areas = [auc_resampler(y == k, scores[:, k], clusters) for k in _classes_with_area(y, scores)]
        if not areas:
            return lambda counts: np.full(len(counts), np.nan)
        return lambda counts: np.mean([area(counts) for area in areas], axis=0)


def _classes_with_area(y: Floats, scores: Floats) -> list[int]:
    classes = [1] if scores.shape[1] == 2 else range(scores.shape[1])
    return [k for k in classes if 0 < np.count_nonzero(y == k) < len(y)]


def _probability_of_true_class(y: Floats, scores: Floats) -> Floats:
    return np.asarray(scores[np.arange(len(y)), y.astype(int)])


def _accuracy_terms(y: Floats, scores: Floats) -> Floats:
    return np.column_stack([np.ones(len(y)), scores.argmax(axis=1) == y])


def _log_loss_terms(y: Floats, scores: Floats) -> Floats:
    return np.column_stack([np.ones(len(y)), -np.log(np.clip(_probability_of_true_class(y, scores), _TINY, 1 - _TINY))])


def _brier_terms(y: Floats, scores: Floats) -> Floats:
    distance = np.sum((scores - np.eye(scores.shape[1])[y.astype(int)]) ** 2, axis=1)
    return np.column_stack([np.ones(len(y)), distance / (2 if scores.shape[1] == 2 else 1)])


def _confusion_terms(y: Floats, scores: Floats) -> Floats:
    """Return (n, 3 * classes) of 0 and 1: the row is of the class, is predicted as it, is both."""
    identity = np.eye(scores.shape[1])
    actual, predicted = identity[y.astype(int)], identity[scores.argmax(axis=1)]
    return np.hstack([actual, predicted, actual * predicted])


def _macro_recall(sums: Floats) -> Floats:
    actual, _, both = np.split(sums, 3, axis=1)
    recalls = np.divide(both, actual, out=np.full_like(both, np.nan), where=actual > 0)
    return np.asarray(np.nanmean(recalls, axis=1))


def _f1(sums: Floats) -> Floats:
    actual, predicted, both = np.split(sums, 3, axis=1)
    total = actual + predicted
    f1_by_class = np.divide(2 * both, total, out=np.zeros_like(both), where=total > 0)
    return np.asarray(f1_by_class[:, 1] if f1_by_class.shape[1] == 2 else f1_by_class.mean(axis=1))


def _mean(sums: Floats) -> Floats:
    return np.asarray(sums[:, 1] / sums[:, 0])


def _sklearn_f1(y: Floats, scores: Floats) -> float:
    labels = np.arange(scores.shape[1])
    average = "binary" if len(labels) == 2 else "macro"
    return float(f1_score(y, scores.argmax(axis=1), labels=labels, average=average, zero_division=0.0))


CLASSIFICATION: dict[str, Metric] = {
    "accuracy": AdditiveMetric(lambda y, s: accuracy_score(y, s.argmax(axis=1)), _accuracy_terms, _mean),
    "average_precision": RankingMetric(compute_average_precision, average_precision_score),
    "balanced_accuracy": AdditiveMetric(
        lambda y, s: balanced_accuracy_score(y, s.argmax(axis=1)), _confusion_terms, _macro_recall
    ),
    "brier": AdditiveMetric(lambda y, s: float(_brier_terms(y, s)[:, 1].mean()), _brier_terms, _mean),
    "f1": AdditiveMetric(_sklearn_f1, _confusion_terms, _f1),
    "log_loss": AdditiveMetric(lambda y, s: log_loss(y, s, labels=np.arange(s.shape[1])), _log_loss_terms, _mean),
    "recall_at_1pct": RankingMetric(make_recall_at(0.01)),
    "recall_at_5pct": RankingMetric(make_recall_at(0.05)),
    "recall_at_10pct": RankingMetric(make_recall_at(0.10)),
    "roc_auc": RocAuc(),
}

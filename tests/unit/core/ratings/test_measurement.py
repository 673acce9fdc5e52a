from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from retrain.core.ratings import Measurement, VersionScore, join_clusters, measure_version
from retrain.core.stats.metrics import METRICS

NOW = datetime(2024, 6, 1, tzinfo=UTC)


def test_a_version_is_measured_with_and_without_each_cluster() -> None:
    random = np.random.default_rng(5)
    y = (np.arange(60) % 2).astype(float)
    positive = random.uniform(size=60)
    scores, clusters = np.column_stack([1 - positive, positive]), np.arange(60) // 10
    value, without = measure_version(METRICS["roc_auc"], y, scores, clusters)
    assert value == pytest.approx(roc_auc_score(y, positive))
    assert without == pytest.approx([roc_auc_score(y[clusters != c], positive[clusters != c]) for c in range(6)])


def test_pseudo_values_of_a_mean_are_its_clusters() -> None:
    days = np.array([[1.0, 2.0], [3.0, 1.0], [5.0, 0.0]])
    without = (days.sum(axis=0) - days) / 2
    scores = tuple(VersionScore(j, NOW, float(days[:, j].mean()), tuple(map(float, without[:, j]))) for j in range(2))
    measurement = Measurement("mae", "day", NOW, 1, NOW - timedelta(days=3), NOW, 3, ordered=True, scores=scores)
    assert measurement.pseudo_values() == pytest.approx(days)
    assert Measurement.from_json(measurement.to_json()) == measurement


def test_many_clusters_become_64_in_time_order_or_in_turn() -> None:
    many, few = np.repeat(np.arange(200), 2), np.arange(30)
    in_order = join_clusters(many, ordered=True)
    assert (np.diff(in_order) >= 0).all()
    assert len(np.unique(in_order)) == 64
    assert (join_clusters(many, ordered=False) == many % 64).all()
    assert join_clusters(few, ordered=True) is few


def test_a_measurement_without_versions_has_no_clusters() -> None:
    empty = Measurement("mae", None, NOW, 1, NOW - timedelta(days=3), NOW, 0, ordered=False, scores=())
    assert empty.clusters == 0

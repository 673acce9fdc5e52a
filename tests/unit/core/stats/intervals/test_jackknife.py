from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import t

from retrain.core.stats.intervals.base import PairedScores
from retrain.core.stats.intervals.jackknife import MAX_GROUPS, jackknife
from retrain.core.stats.metrics import METRICS
from retrain.core.stats.metrics.base import Ints
from retrain.testing import make_scores


def pairs_over(clusters: Ints, metric: str = "mae") -> PairedScores:
    scores = make_scores(len(clusters), task="regression")
    assert scores.opponent is not None
    return PairedScores(
        METRICS[metric], scores.y, scores.challenger, scores.opponent, clusters, greater_is_better=False
    )


def test_of_a_mean_it_is_the_t_interval_of_the_clusters() -> None:
    pairs = pairs_over(np.arange(400) // 20)
    better = (np.abs(pairs.y - pairs.opponent) - np.abs(pairs.y - pairs.challenger)).reshape(20, 20).mean(axis=1)
    low, high = t.interval(0.9, 19, loc=better.mean(), scale=better.std(ddof=1) / np.sqrt(20))
    gain = jackknife(pairs, level=0.05)
    assert (gain.low, gain.value, gain.high) == pytest.approx((low, better.mean(), high))


def test_it_leaves_out_one_cluster_at_a_time() -> None:
    pairs = pairs_over(np.random.default_rng(7).integers(0, 12, 300), "rmse")

    def without(cluster: int) -> float:
        rows = pairs.clusters != cluster
        first, second = (
            METRICS["rmse"].value(pairs.y[rows], side[rows]) for side in (pairs.challenger, pairs.opponent)
        )
        return second - first

    left = np.array([without(cluster) for cluster in range(12)])
    assert jackknife(pairs, level=0.05).standard_error == pytest.approx(
        np.sqrt(11 / 12 * np.sum((left - left.mean()) ** 2))
    )


def test_very_many_clusters_are_left_out_in_groups() -> None:
    alone = jackknife(pairs_over(np.arange(20_000)), level=0.025)
    assert (alone.clusters, alone.degrees_of_freedom) == (20_000, MAX_GROUPS - 1)
    pairs = pairs_over(np.arange(20_000))
    better = np.abs(pairs.y - pairs.opponent) - np.abs(pairs.y - pairs.challenger)
    assert alone.standard_error == pytest.approx(better.std(ddof=1) / np.sqrt(20_000), rel=0.1)

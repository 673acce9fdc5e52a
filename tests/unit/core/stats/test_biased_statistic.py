from __future__ import annotations

import numpy as np
import pytest

from retrain.core.stats.biased_statistic import IntervalEstimate, limit_biased_statistic, resample_clusters
from retrain.core.stats.metrics.base import Floats, Ints, Resampler
from retrain.errors import DataError


def distance(values: Floats, clusters: Ints, of: str) -> Resampler:
    """Return the max or the sum of the column means' distances from 0, under counts of clusters."""
    sums = np.zeros((int(clusters.max()) + 1, values.shape[1]))
    np.add.at(sums, clusters, values)
    rows = np.bincount(clusters)
    return lambda counts: getattr(np.abs(counts @ sums), of)(axis=1) / (counts @ rows)


def estimate(statistic: Resampler, clusters: Ints, seed: int = 1) -> IntervalEstimate:
    value, resampled_values = resample_clusters(statistic, clusters, resamples=300, seed=seed)
    return limit_biased_statistic(float(value), resampled_values, confidence=0.9)


def limits(values: Floats, clusters: Ints, seed: int = 1, of: str = "max") -> tuple[float, float, float]:
    found = estimate(distance(values, clusters, of), clusters, seed)
    return found.low, found.value, found.high


def test_the_value_is_the_plain_one_and_lies_within() -> None:
    values = np.random.default_rng(7).normal(0.2, 1, size=(200, 3))
    low, value, high = limits(values, np.arange(200))
    assert value == pytest.approx(np.abs(values.mean(axis=0)).max())
    assert 0 <= low < value < high
    assert limits(values, np.arange(200)) == (low, value, high)
    assert limits(values, np.arange(200), seed=2) != (low, value, high)


@pytest.mark.parametrize(("of", "most_low"), [("sum", 0.08), ("max", 0.14)])
def test_each_limit_misses_the_truth_on_its_side_about_as_often_as_stated(of: str, most_low: float) -> None:
    random, worlds, true = np.random.default_rng(7), 300, np.array([0.3, -0.3, 0.25])
    truth = np.abs(true).max() if of == "max" else np.abs(true).sum()
    below = above = 0
    for seed in range(worlds):
        values = random.normal(true, 1, size=(150, 3))
        low, _, high = limits(values, np.arange(150), seed, of)
        below += high < truth
        above += low > truth
    assert below / worlds < 0.08  # 5 % stated, with a standard error of 1.3 %
    assert above / worlds < most_low


def test_luck_that_rows_share_widens_the_interval() -> None:
    random = np.random.default_rng(7)
    days = np.repeat(random.normal(size=(20, 2)), 30, axis=0) + random.normal(size=(600, 2)) * 0.1
    low, _, high = limits(days, np.arange(600) // 30)
    alone_low, _, alone_high = limits(days, np.arange(600))
    assert high - low > 2 * (alone_high - alone_low)


@pytest.mark.parametrize(("rows", "clusters"), [(0, 0), (7, 7), (70, 7)])
def test_too_few_clusters_are_an_error(rows: int, clusters: int) -> None:
    owner = np.arange(rows) % max(clusters, 1)
    with pytest.raises(DataError, match=rf"at least 8 clusters; got {clusters}\."):
        estimate(lambda counts: counts.sum(axis=1), owner)


def test_several_statistics_share_their_resamples() -> None:
    values = np.random.default_rng(7).normal(size=(50, 2))
    clusters = np.arange(50)
    together = resample_clusters(lambda counts: counts @ values, clusters, resamples=40, seed=3)
    assert [part.shape for part in together] == [(2,), (40, 2)]
    first = values[:, 0]
    alone = resample_clusters(lambda counts: counts @ first, clusters, resamples=40, seed=3)
    assert np.allclose(together[0][0], alone[0])
    assert np.allclose(together[1][:, 0], alone[1])

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from scipy.signal import lfilter

from retrain.core.stats.intervals import MIN_BLOCKS, Gain, PairedScores, estimate_paired_gain
from retrain.core.stats.intervals.dependence import estimate_autocorrelation, join_dependent_clusters
from retrain.core.stats.intervals.jackknife import MAX_GROUPS, jackknife
from retrain.core.stats.metrics import METRICS
from retrain.core.stats.metrics.base import Floats


def pairs_of(gains: Floats, *, ordered: bool = True) -> PairedScores:
    """Return a regression of one row a period, in which the challenger's loss is 10 and the opponent's is higher by `gains`."""
    y = np.zeros(len(gains))
    return PairedScores(
        METRICS["mae"], y, y + 10, y + 10 + gains, np.arange(len(gains)), greater_is_better=False, ordered=ordered
    )


def draw_series(random: np.random.Generator, length: int, autocorrelation: float) -> Floats:
    """Return a stationary AR(1) series of mean 0."""
    return np.asarray(lfilter([1], [1, -autocorrelation], random.normal(size=length + 100))[100:])


def gain_of(pairs: PairedScores, **changes: Any) -> Gain:
    return estimate_paired_gain(pairs, **({"level": 0.025} | changes))


def share_missed(days: int, autocorrelation: float, *, ordered: bool) -> float:
    """Return how often one bound of the interval misses a gain of 0."""
    random, missed, runs = np.random.default_rng(7), 0, 300
    for _ in range(runs):
        gain = gain_of(pairs_of(draw_series(random, days, autocorrelation), ordered=ordered))
        missed += (gain.low > 0) + (gain.high < 0)
    return missed / (2 * runs)


@pytest.mark.parametrize(("autocorrelation", "most"), [(0.0, 0.04), (0.6, 0.065)])
def test_a_bound_errs_about_as_often_as_its_level_says_though_days_hang_together(
    autocorrelation: float, most: float
) -> None:
    assert share_missed(28, autocorrelation, ordered=True) <= most


def test_days_that_hang_together_are_no_clusters_of_their_own() -> None:
    assert share_missed(28, 0.6, ordered=False) > 0.12


def test_the_autocorrelation_is_right_on_average_also_of_few_values() -> None:
    random = np.random.default_rng(7)
    for true in (0.0, 0.3, 0.6):
        found = [estimate_autocorrelation(draw_series(random, 28, true)) for _ in range(2_000)]
        assert np.mean(found) == pytest.approx(true, abs=0.03)
    assert estimate_autocorrelation(np.linspace(0, 1, 200) ** 3) == 0.99  # a trend: the correction would exceed 1


def test_leaving_out_a_block_gives_the_interval() -> None:
    series = np.repeat([0.1, 0.3, 0.2, 0.5], 7) + np.random.default_rng(7).normal(size=28) * 0.02
    gain = gain_of(pairs_of(series))
    blocks = replace(pairs_of(series), clusters=np.arange(28) // 7)
    expected = jackknife(blocks, level=0.025)
    assert (gain.low, gain.value, gain.high) == pytest.approx((expected.low, expected.value, expected.high))
    assert (gain.clusters, gain.blocks, gain.degrees_of_freedom) == (28, MIN_BLOCKS, MIN_BLOCKS - 1)
    assert gain.autocorrelation == pytest.approx(estimate_autocorrelation(series))


def test_weak_dependence_leaves_more_blocks_than_strong_and_none_leaves_all_clusters() -> None:
    series = {true: draw_series(np.random.default_rng(7), 250, true) for true in (-0.5, 0.2, 0.5)}
    opposed, weak, strong = (join_dependent_clusters(pairs_of(values)) for values in series.values())
    assert opposed.blocks is None
    assert opposed.pairs.cluster_count == 250
    assert opposed.autocorrelation is not None
    assert opposed.autocorrelation < 0
    assert weak.blocks is not None
    assert strong.blocks is not None
    assert 250 > weak.blocks > strong.blocks >= MIN_BLOCKS
    assert weak.pairs.cluster_count == weak.blocks


def test_as_few_clusters_as_blocks_are_never_joined() -> None:
    joined = join_dependent_clusters(pairs_of(np.array([0.1, 0.2, 0.4, 0.5])))
    assert joined.blocks is None
    assert joined.autocorrelation is not None


def test_very_many_periods_are_merged_with_their_neighbours() -> None:
    random = np.random.default_rng(7)
    hours = np.repeat(draw_series(random, 40, 0.6), 24) + random.normal(size=960) * 0.1
    gain = gain_of(pairs_of(hours))
    assert (gain.clusters, gain.blocks) == (960, MIN_BLOCKS)
    independent = gain_of(pairs_of(np.random.default_rng(8).normal(size=960)))
    assert (independent.blocks, independent.degrees_of_freedom) == (None, MAX_GROUPS - 1)


def test_clusters_without_an_order_are_left_as_they_are() -> None:
    pairs = pairs_of(np.repeat([0.1, 0.3, 0.2, 0.5], 7), ordered=False)
    joined = join_dependent_clusters(pairs)
    assert joined.pairs is pairs
    assert (gain_of(pairs).autocorrelation, gain_of(pairs).blocks) == (None, None)


def test_equal_models_have_no_autocorrelation() -> None:
    gain = gain_of(pairs_of(np.zeros(28)))
    assert (gain.value, gain.low, gain.high, gain.autocorrelation, gain.blocks) == (0, 0, 0, None, None)


def test_a_bootstrap_resamples_the_blocks() -> None:
    series = draw_series(np.random.default_rng(7), 250, 0.3)
    blocks = join_dependent_clusters(pairs_of(series)).pairs
    assert blocks.cluster_count < 250
    for method in ("percentile", "bca"):
        changes = {"method": method, "resamples": 999, "seed": 3}
        joined, expected = gain_of(pairs_of(series), **changes), gain_of(replace(blocks, ordered=False), **changes)
        assert (joined.low, joined.high) == (expected.low, expected.high)

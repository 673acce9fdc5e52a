from __future__ import annotations

import copy
from dataclasses import astuple, replace
from typing import Any

import numpy as np
import pytest
from scipy.stats import binomtest, bootstrap
from tests.require import require

from retrain.core.evaluation.scores import Scores
from retrain.core.stats.intervals import (
    MIN_BLOCKS,
    MIN_CLUSTERS,
    Gain,
    NoVariationError,
    PairedScores,
    choose_method,
    estimate_paired_gain,
)
from retrain.core.stats.intervals.base import make_t_interval
from retrain.core.stats.intervals.delong import delong
from retrain.core.stats.metrics import METRICS
from retrain.errors import DataError
from retrain.testing import make_scores

METHODS = ["delong", "jackknife", "percentile", "bca"]


def pairs_of(
    scores: Scores, metric: str = "mae", clusters: str | None = None, *, greater: bool = False
) -> PairedScores:
    assert require(scores.opponent) is not None
    owner = scores.clusters(clusters)
    return PairedScores(
        METRICS[metric], scores.y, scores.challenger, require(scores.opponent), owner, greater_is_better=greater
    )


def auc_of(scores: Scores, clusters: str | None = "day") -> PairedScores:
    return pairs_of(scores, "roc_auc", clusters, greater=True)


def gain_of(pairs: PairedScores, **changes: Any) -> Gain:
    return estimate_paired_gain(pairs, **({"level": 0.025, "resamples": 999, "seed": 3} | changes))


def test_auto_is_the_jackknife_but_delong_for_two_classes_in_many_clusters() -> None:
    assert choose_method(auc_of(make_scores())) == gain_of(auc_of(make_scores())).method == "jackknife"
    alone = auc_of(make_scores(), None)
    assert choose_method(alone) == gain_of(alone).method == "delong"
    three = pairs_of(make_scores(classes=3), "roc_auc", "day", greater=True)
    assert choose_method(three) == gain_of(three).method == "jackknife"
    assert gain_of(pairs_of(make_scores(), "log_loss", "day")).method == "jackknife"
    assert gain_of(pairs_of(make_scores(task="regression"), clusters="day")).method == "jackknife"


def test_the_percentile_interval_is_that_of_scipy_on_paired_rows() -> None:
    scores = make_scores(300, task="regression")
    better = np.abs(scores.y - require(scores.opponent)) - np.abs(scores.y - scores.challenger)
    gain = gain_of(pairs_of(scores), method="percentile", resamples=4000)
    expected = bootstrap(
        (better,), np.mean, n_resamples=4000, method="percentile", rng=np.random.default_rng(3)
    ).confidence_interval
    assert gain.value == pytest.approx(better.mean())
    assert (gain.low, gain.high) == pytest.approx((expected.low, expected.high), rel=1e-9)
    assert gain.clusters == 300


def test_the_bca_interval_is_that_of_scipy_on_paired_rows() -> None:
    scores = make_scores(120, task="regression")
    better = (scores.y - require(scores.opponent)) ** 2 - (
        scores.y - scores.challenger
    ) ** 2  # skewed, so that BCa has work to do
    gain = gain_of(pairs_of(scores, "mse"), method="bca", resamples=4000)
    expected = bootstrap(
        (better,), np.mean, n_resamples=4000, method="BCa", rng=np.random.default_rng(3)
    ).confidence_interval
    assert (gain.low, gain.high) == pytest.approx((expected.low, expected.high), rel=1e-9)
    plain = gain_of(pairs_of(scores, "mse"), method="percentile", resamples=4000)
    assert gain.low != pytest.approx(plain.low, rel=1e-3)


def test_bca_leaves_out_whole_clusters_at_a_time() -> None:
    scores = make_scores(400, task="regression")
    better = (scores.y - require(scores.opponent)) ** 2 - (scores.y - scores.challenger) ** 2
    days = better.reshape(20, 20).mean(axis=1)
    gain = gain_of(pairs_of(scores, "mse", "day"), method="bca", resamples=4000)
    expected = bootstrap(
        (days,), np.mean, n_resamples=4000, method="BCa", rng=np.random.default_rng(3)
    ).confidence_interval
    assert (gain.low, gain.high) == pytest.approx((expected.low, expected.high), rel=1e-9)


@pytest.mark.parametrize("method", METHODS)
def test_luck_that_a_day_shares_widens_every_interval(method: str) -> None:
    random = np.random.default_rng(7)
    day = np.arange(1200) // 60
    y = (random.random(1200) < 0.5).astype(float)
    skill = 1 + random.normal(size=(2, 20))[:, day]
    said = 1 / (1 + np.exp(-(skill - 1) - random.normal(size=(2, 1200)) - y))
    challenger, opponent = (np.column_stack([1 - p, p]) for p in np.where(y == 1, said, 1 - said) * 0.5 + said * 0.5)
    scores = Scores(y, challenger, opponent, np.datetime64("2024-01-01", "us") + day * np.timedelta64(1, "D"))
    alone, together = (gain_of(auc_of(scores, by), method=method) for by in (None, "day"))
    assert together.value == pytest.approx(alone.value)
    assert together.high - together.low > 1.5 * (alone.high - alone.low)


@pytest.mark.parametrize("method", METHODS)
def test_a_positive_gain_is_an_improvement_whatever_the_side(method: str) -> None:
    scores = make_scores()
    gain = gain_of(auc_of(scores), method=method)
    assert 0 < gain.low < gain.value < gain.high
    assert gain.value == pytest.approx(
        METRICS["roc_auc"].value(scores.y, scores.challenger)
        - METRICS["roc_auc"].value(scores.y, require(scores.opponent))
    )
    pairs = auc_of(scores)
    swapped = replace(pairs, challenger=pairs.opponent, opponent=pairs.challenger)
    assert gain_of(swapped, method=method).value == pytest.approx(-gain.value)
    assert gain_of(pairs_of(scores, "log_loss", "day")).low > 0


@pytest.mark.parametrize("method", METHODS)
def test_the_methods_agree_on_enough_rows_and_clusters(method: str) -> None:
    pairs = auc_of(make_scores(1200, challenger=0.5, opponent=0.45), None)
    gain, reference = gain_of(pairs, method=method, resamples=4000), gain_of(pairs, method="delong")
    assert gain.standard_error == pytest.approx(reference.standard_error, rel=0.1)
    assert (gain.low, gain.high) == pytest.approx((reference.low, reference.high), abs=0.25 * reference.standard_error)


@pytest.mark.parametrize("method", ["delong", "jackknife"])
def test_a_closed_form_knows_no_seed_and_a_bootstrap_does(method: str) -> None:
    pairs = auc_of(make_scores())
    assert astuple(gain_of(pairs, method=method, seed=4)) == astuple(gain_of(pairs, method=method))
    assert gain_of(pairs, method="percentile") == gain_of(pairs, method="percentile")
    assert gain_of(pairs, method="percentile", seed=4).low != gain_of(pairs, method="percentile").low


@pytest.mark.parametrize("method", METHODS)
def test_a_smaller_level_asks_for_a_wider_interval(method: str) -> None:
    pairs = auc_of(make_scores())
    narrow, wide = gain_of(pairs, method=method, level=0.1), gain_of(pairs, method=method, level=0.005)
    assert wide.low < narrow.low < narrow.high < wide.high
    assert (wide.level, wide.method) == (0.005, method)


@pytest.mark.parametrize("method", ["percentile", "bca"])
def test_a_small_level_takes_the_resamples_that_its_quantiles_need(method: str) -> None:
    pairs = auc_of(make_scores())
    assert gain_of(pairs, method=method, level=0.001, resamples=200) == gain_of(
        pairs, method=method, level=0.001, resamples=10_000
    )


def test_a_bound_errs_as_often_as_its_level_says_though_days_share_luck_and_are_few() -> None:
    random = np.random.default_rng(7)
    day, missed = np.repeat(np.arange(20), 15), {0.05: 0, 0.01: 0}
    for _ in range(1_500):
        y = (random.random(300) < 0.4).astype(float)
        signal, sides = random.normal(size=300), []
        for skill in 1 + random.normal(size=(2, 20)):
            positive = 1 / (1 + np.exp(-skill[day] * y - signal - 0.5 * random.normal(size=300)))
            sides.append(np.column_stack([1 - positive, positive]))
        gain = delong(PairedScores(METRICS["roc_auc"], y, sides[0], sides[1], day, greater_is_better=True), level=0.05)
        for level in missed:
            bound = make_t_interval(gain.value, gain.standard_error, gain.degrees_of_freedom, level, 20, "delong")
            missed[level] += (bound.low > 0) + (bound.high < 0)
    for level, count in missed.items():
        assert binomtest(count, 3_000, level).pvalue > 0.001, (level, count)


@pytest.mark.parametrize("rows", [0, 20 * (MIN_CLUSTERS - 1)])
def test_too_few_clusters_are_an_error(rows: int) -> None:
    with pytest.raises(DataError, match=f"at least {MIN_CLUSTERS} clusters; got {rows // 20}. Widen the holdout"):
        auc_of(make_scores(rows))
    assert gain_of(auc_of(make_scores(20 * MIN_CLUSTERS))).clusters == MIN_CLUSTERS


def test_periods_need_half_as_many_clusters_and_a_bootstrap_as_many_as_ever() -> None:
    few = replace(auc_of(make_scores(20 * MIN_CLUSTERS)), ordered=True)
    weeks = replace(few, clusters=few.clusters // 2)
    gain = gain_of(weeks)
    assert (gain.clusters, gain.degrees_of_freedom) == (MIN_BLOCKS, MIN_BLOCKS - 1)
    assert gain_of(weeks, method="delong").degrees_of_freedom == MIN_BLOCKS - 1
    with pytest.raises(DataError, match=f"at least {MIN_BLOCKS} clusters; got {MIN_BLOCKS - 1}"):
        replace(weeks, clusters=np.minimum(weeks.clusters, MIN_BLOCKS - 2))
    for method in ("percentile", "bca"):
        with pytest.raises(
            DataError,
            match=rf"a bootstrap .* at least {MIN_CLUSTERS} clusters, or blocks.*; got 4\. Use `method: auto`",
        ):
            gain_of(weeks, method=method)
    one_sided = replace(weeks, y=np.where(weeks.clusters == 0, 0.0, weeks.y))
    with pytest.raises(DataError, match="4 clusters with each class; got 3 with the positive class and 4"):
        gain_of(one_sided)


@pytest.mark.parametrize("side", ["challenger", "opponent"])
@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_scores_that_are_not_finite_are_an_error(side: str, value: float) -> None:
    scores = make_scores()
    getattr(scores, side)[3] = value
    with pytest.raises(DataError, match="needs finite scores"):
        auc_of(scores)


@pytest.mark.parametrize("method", METHODS)
def test_equal_scores_have_no_gain_and_no_width(method: str) -> None:
    pairs = auc_of(make_scores())
    gain = gain_of(replace(pairs, opponent=pairs.challenger.copy()), method=method)
    assert (gain.value, gain.low, gain.high, gain.standard_error) == (0, 0, 0, 0)


@pytest.mark.parametrize("method", ["jackknife", "percentile", "bca"])
def test_a_gain_that_is_the_same_in_every_cluster_has_no_standard_error(method: str) -> None:
    y = np.arange(160.0)
    pairs = PairedScores(METRICS["mae"], y, y + 0.25, y + 0.5, np.arange(160) // 10, greater_is_better=False)
    with pytest.raises(NoVariationError, match=r"must vary between clusters.*got \+0.25 in every cluster") as caught:
        gain_of(pairs, method=method)
    again = copy.copy(caught.value)  # as pickling restores it
    assert (str(again), again.gain) == (str(caught.value), caught.value.gain)
    assert (again.gain.low, again.gain.high) == (0.25, 0.25)


@pytest.mark.parametrize("method", ["jackknife", "percentile", "bca"])
def test_a_class_in_one_cluster_alone_leaves_no_finite_interval(method: str) -> None:
    rare = replace(make_scores(200), y=(np.arange(200) == 3).astype(float))
    gain = gain_of(auc_of(rare), method=method)
    assert not np.isfinite([gain.low, gain.high]).any()


def test_auto_wants_either_class_in_enough_clusters_whatever_it_chooses() -> None:
    rare = replace(make_scores(), y=np.isin(np.arange(400), [3, 25, 47, 69]).astype(float))
    for clusters, others in (("day", 20), (None, 396)):
        with pytest.raises(DataError, match=f"each class; got 4 with the positive class and {others} with the other"):
            gain_of(auc_of(rare, clusters))


def test_a_method_that_does_not_fit_says_so() -> None:
    with pytest.raises(DataError, match="DeLong's interval needs the metric roc_auc"):
        gain_of(pairs_of(make_scores(), "log_loss", "day"), method="delong")
    with pytest.raises(DataError, match="needs scores of two classes"):
        gain_of(auc_of(make_scores(classes=3)), method="delong")
    many = make_scores(2_001, task="regression")
    with pytest.raises(DataError, match="at most 2000 clusters; got 2001"):
        gain_of(pairs_of(many), method="bca")

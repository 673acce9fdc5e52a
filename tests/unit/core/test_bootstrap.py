from __future__ import annotations

from dataclasses import astuple
from typing import Any

import numpy as np
import pytest
from scipy.stats import bootstrap
from tests.builders import make_scores

from retrain.core.bootstrap import FEWEST_CLUSTERS, Gain, paired_gain
from retrain.core.metrics import METRICS
from retrain.core.scores import Scores
from retrain.errors import DataError


def gain_of(scores: Scores, metric: str = "mae", clusters: Any = None, **changes: Any) -> Gain:
    keywords = {"greater_is_better": False, "confidence": 0.95, "resamples": 999, "seed": 3} | changes
    owner = scores.clusters(None) if clusters is None else clusters
    return paired_gain(METRICS[metric], scores.y, scores.challenger, scores.opponent, owner, **keywords)


def test_the_interval_is_that_of_scipy_on_paired_rows() -> None:
    scores = make_scores(300, task="regression")
    better = np.abs(scores.y - scores.opponent) - np.abs(scores.y - scores.challenger)
    gain = gain_of(scores, resamples=4000)
    expected = bootstrap(
        (better,), np.mean, n_resamples=4000, method="percentile", rng=np.random.default_rng(3)
    ).confidence_interval
    assert gain.value == pytest.approx(better.mean())
    assert (gain.low, gain.high) == pytest.approx((expected.low, expected.high), rel=1e-9)
    assert gain.clusters == 300


def test_luck_that_a_day_shares_widens_the_interval() -> None:
    random = np.random.default_rng(7)
    day = np.arange(1200) // 60
    y = random.normal(size=1200)
    challenger = y + random.normal(size=1200)
    opponent = challenger + random.normal(size=20)[day]
    scores = Scores(y, challenger, opponent, np.datetime64("2024-01-01", "us") + day * np.timedelta64(1, "D"))
    alone, together = gain_of(scores, "mse"), gain_of(scores, "mse", scores.clusters("day"))
    assert together.value == pytest.approx(alone.value)
    assert together.high - together.low > 2 * (alone.high - alone.low)


@pytest.mark.parametrize(("metric", "greater"), [("roc_auc", True), ("log_loss", False)])
def test_a_positive_gain_is_an_improvement_whatever_the_metric(metric: str, greater: bool) -> None:
    scores = make_scores()
    gain = gain_of(scores, metric, scores.clusters("day"), greater_is_better=greater)
    assert 0 < gain.low < gain.value < gain.high
    swapped = Scores(scores.y, scores.opponent, scores.challenger, scores.event_time)
    assert gain_of(swapped, metric, scores.clusters("day"), greater_is_better=greater).value == pytest.approx(
        -gain.value
    )


def test_the_same_seed_gives_the_same_numbers_and_another_one_others() -> None:
    scores = make_scores(task="regression")
    assert astuple(gain_of(scores)) == astuple(gain_of(scores))
    assert gain_of(scores, seed=4).low != gain_of(scores).low


def test_more_confidence_asks_for_a_wider_interval() -> None:
    scores = make_scores(task="regression")
    narrow, wide = gain_of(scores, confidence=0.8), gain_of(scores, confidence=0.99)
    assert wide.low < narrow.low < narrow.high < wide.high


@pytest.mark.parametrize("rows", [0, 20 * (FEWEST_CLUSTERS - 1)])
def test_too_few_clusters_are_an_error(rows: int) -> None:
    scores = make_scores(rows, task="regression")
    with pytest.raises(DataError, match=f"at least {FEWEST_CLUSTERS} clusters; got {rows // 20}. Widen the holdout"):
        gain_of(scores, clusters=scores.clusters("day"))
    enough = make_scores(20 * FEWEST_CLUSTERS, task="regression")
    assert gain_of(enough, clusters=enough.clusters("day")).clusters == FEWEST_CLUSTERS


@pytest.mark.parametrize("side", ["challenger", "opponent"])
@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_scores_that_are_not_finite_are_an_error(side: str, value: float) -> None:
    scores = make_scores()
    getattr(scores, side)[3] = value
    with pytest.raises(DataError, match="needs finite scores"):
        gain_of(scores, "roc_auc", scores.clusters("day"), greater_is_better=True)


@pytest.mark.filterwarnings("ignore:The BCa confidence interval")
def test_a_resample_without_a_class_leaves_no_finite_interval() -> None:
    scores = make_scores(200)
    rare = Scores(
        (np.arange(200) == 3).astype(float), scores.challenger, scores.opponent, scores.event_time, scores.columns
    )
    gain = gain_of(rare, "roc_auc", rare.clusters("day"), greater_is_better=True)
    assert np.isfinite(gain.value)
    assert not np.isfinite([gain.low, gain.high]).any()

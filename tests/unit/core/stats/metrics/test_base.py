from __future__ import annotations

import warnings
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from retrain.core.evaluation.scores import Scores
from retrain.core.stats.metric_names import (
    CLASSIFICATION_METRICS,
    GREATER_IS_BETTER,
    METRICS_BY_TASK,
    REGRESSION_METRICS,
)
from retrain.core.stats.metrics import METRICS
from retrain.testing import make_scores


def positive(scores: Scores) -> Scores:
    return replace(scores, y=np.exp(scores.y), challenger=np.exp(scores.challenger))


CASES = [
    *((name, make_scores(120, classes=2, challenger=0.0)) for name in CLASSIFICATION_METRICS),
    *((name, make_scores(120, classes=4, challenger=0.0)) for name in CLASSIFICATION_METRICS),
    *((name, positive(make_scores(120, task="regression", challenger=0.5))) for name in REGRESSION_METRICS),
]
every_metric = pytest.mark.parametrize(
    ("name", "scores"),
    CASES,
    ids=[f"{name}-{scores.challenger.ndim}d-{scores.challenger.shape[-1]}" for name, scores in CASES],
)


def test_every_metric_has_a_name_a_direction_and_an_arithmetic() -> None:
    assert set(METRICS) == set(GREATER_IS_BETTER) == {name for names in METRICS_BY_TASK.values() for name in names}


@every_metric
def test_every_row_drawn_once_gives_the_value(name: str, scores: Scores) -> None:
    for clusters in (scores.clusters("day"), scores.clusters(None)):
        counts = np.ones((2, int(clusters.max()) + 1), dtype=np.int64)
        found = METRICS[name].resampler(scores.y, scores.challenger, clusters)(counts)
        np.testing.assert_allclose(found, METRICS[name].value(scores.y, scores.challenger), rtol=1e-10)


@every_metric
@given(seed=st.integers(0, 2**32 - 1))
def test_a_cluster_drawn_twice_counts_like_its_rows_repeated(name: str, scores: Scores, seed: int) -> None:
    clusters = scores.clusters("day")
    counts = np.random.default_rng(seed).integers(0, 4, size=(1, int(clusters.max()) + 1))
    rows = np.repeat(np.arange(len(scores.y)), counts[0][clusters])
    if len(np.unique(scores.y[rows])) < (scores.challenger.shape[1] if scores.challenger.ndim == 2 else 2):
        return  # the metric of a class without rows is not defined
    found = METRICS[name].resampler(scores.y, scores.challenger, clusters)(counts)
    np.testing.assert_allclose(found, METRICS[name].value(scores.y[rows], scores.challenger[rows]), rtol=1e-9)


@every_metric
def test_no_rows_give_nan_and_no_zero(name: str, scores: Scores) -> None:
    assert np.isnan(METRICS[name].value(scores.y[:0], scores.challenger[:0]))


@every_metric
def test_greater_is_better_tells_the_direction(name: str, scores: Scores) -> None:
    truth = scores.y
    if scores.challenger.ndim == 2:
        classes = scores.challenger.shape[1]
        truth = np.eye(classes)[scores.y.astype(int)] * 0.96 + 0.04 / classes
    best, real = (METRICS[name].value(scores.y, side) for side in (truth, scores.challenger))
    assert (best > real) is GREATER_IS_BETTER[name]


@pytest.mark.parametrize("name", ["roc_auc", "r2"])
def test_a_metric_of_one_class_or_one_value_is_not_a_finite_number(name: str) -> None:
    y = np.ones(40)
    scores = np.full((40, 2), 0.5) if name == "roc_auc" else np.linspace(0, 1, 40)
    clusters = np.arange(40) // 4
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = METRICS[name].resampler(y, scores, clusters)(np.ones((1, 10), dtype=np.int64))
    assert not np.isfinite(found).any()

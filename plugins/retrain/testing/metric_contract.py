"""The contract of `InstalledMetric` as a suite."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Final

import numpy as np

from retrain.core.evaluation.scores import Scores
from retrain.core.stats.metrics import InstalledMetric
from retrain.testing.evidence import make_scores
from retrain.testing.promises import check_promises, must_hold

__all__ = ["METRIC_PROMISES", "check_metric"]

_ROWS: Final = 4_000
_CLUSTERS: Final = 20


def check_metric(metric: InstalledMetric) -> None:
    """Check that a metric keeps every promise; run each one alone with `METRIC_PROMISES`.

    Raises:
        AssertionError: It breaks a promise.
    """
    check_promises(METRIC_PROMISES, metric)


def gives_a_number(metric: InstalledMetric) -> None:
    """The value of finite scores is a finite number, the same when asked again."""
    scores = _scores(metric)
    value = metric.value(scores.y, scores.challenger)
    must_hold(bool(np.isfinite(value)), "the metric of finite scores must be finite")
    must_hold(metric.value(scores.y, scores.challenger) == value, "the metric must be the same when asked again")


def prefers_better_scores(metric: InstalledMetric) -> None:
    """Scores that know more about the labels are better, in the direction that the metric declares."""
    weak, strong = (_scores(metric, skill) for skill in (0.1, 0.9))
    gain = metric.value(strong.y, strong.challenger) - metric.value(weak.y, weak.challenger)
    must_hold((gain > 0) is metric.greater_is_better, "better scores must have a better value: check greater_is_better")


def resamples_to_its_value(metric: InstalledMetric) -> None:
    """With each cluster drawn once, the resampler gives the value."""
    scores = _scores(metric)
    clusters = np.arange(len(scores.y)) % _CLUSTERS
    found = metric.resampler(scores.y, scores.challenger, clusters)(np.ones((1, _CLUSTERS), dtype=np.int64))
    same = np.allclose(found, metric.value(scores.y, scores.challenger), rtol=1e-9)
    must_hold(found.shape == (1,) and same, "with each cluster drawn once, the resampler must give the value")


def resamples_by_drawing_rows(metric: InstalledMetric) -> None:
    """The resampler gives the value of the rows as they are drawn."""
    scores = _scores(metric)
    clusters = np.arange(len(scores.y)) % _CLUSTERS
    counts = np.random.default_rng(1).multinomial(_CLUSTERS, np.full(_CLUSTERS, 1 / _CLUSTERS))
    rows = np.repeat(np.arange(len(scores.y)), counts[clusters])
    found = metric.resampler(scores.y, scores.challenger, clusters)(counts[None, :])
    same = np.allclose(found, metric.value(scores.y[rows], scores.challenger[rows]), rtol=1e-9)
    must_hold(same, "the resampler must give the value of the rows as they are drawn")


METRIC_PROMISES: Final[tuple[Callable[[InstalledMetric], None], ...]] = (
    gives_a_number,
    prefers_better_scores,
    resamples_to_its_value,
    resamples_by_drawing_rows,
)
"""Each takes a metric; each raises AssertionError if the promise is broken."""


def _scores(metric: InstalledMetric, skill: float = 0.6) -> Scores:
    """Return scores that every metric tells apart.

    Labels and predictions of a regression are positive, as a deviance needs them; of a classification one row in eleven is
    positive, so that a weak model does not fill the top of its ranking with positive rows.
    """
    scores = make_scores(rows=_ROWS, task=metric.task, challenger=skill)
    if metric.task == "regression":
        return replace(scores, y=np.exp(scores.y), challenger=np.exp(scores.challenger))
    positive = scores.y == 1
    kept = ~positive | (np.cumsum(positive) % 10 == 0)
    return Scores(scores.y[kept], scores.challenger[kept], None, scores.event_time[kept])

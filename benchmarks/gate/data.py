"""Rows of two models, their comparison, and the pool that simulations run in."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from typing import Any

import numpy as np
from scipy.stats import binomtest
from threadpoolctl import threadpool_limits

from retrain.core.stats.intervals import Gain, PairedScores, choose_method
from retrain.core.stats.intervals.delong import delong
from retrain.core.stats.intervals.dependence import join_dependent_clusters
from retrain.core.stats.intervals.jackknife import jackknife
from retrain.core.stats.metrics import METRICS

BUDGET, DAYS, PER_DAY = 0.05, 28, 20
BASE_RATE = 0.3
DAY_SKILL = {"independent rows": 0.0, "rows that share a day's luck": 0.5}
"""The standard deviation of a model's skill from day to day; its mean is 1."""
Track = Callable[..., Iterator[Any]]
"""Shows how far a simulation is: it yields what it is given."""


def map_tasks(work: Callable[[Any], Any], tasks: Sequence[Any], track: Track, chunksize: int) -> Iterator[Any]:
    """Yield the result of each task, in order; two processes with one thread each do them."""
    # One thread: two processes share two cores, and the order of floating-point sums stays the same.
    with ProcessPoolExecutor(2, initializer=threadpool_limits, initargs=(1,)) as pool:
        yield from track(pool.map(work, tasks, chunksize=chunksize), len(tasks))


def two_models(
    random: np.random.Generator, rows: int, day: np.ndarray, *, day_skill: float, extra: float = 0.0
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return labels and the probabilities of challenger and champion: the same signal, each with independent noise.

    Args:
        random: The source of randomness.
        rows: Number of rows.
        day: (rows,) the day of each row.
        day_skill: Standard deviation of a model's skill from day to day.
        extra: Additional skill of the challenger.
    """
    y = (random.random(rows) < BASE_RATE).astype(float)
    signal, sides = random.normal(size=rows), []
    for skill in (1 + extra, 1.0):
        by_day = skill + day_skill * random.normal(size=int(day[-1]) + 1)
        score = by_day[day] * y + signal + 0.5 * random.normal(size=rows)
        positive = 1 / (1 + np.exp(-score))
        sides.append(np.column_stack([1 - positive, positive]))
    return y, sides[0], sides[1]


def compare(y: np.ndarray, first: np.ndarray, second: np.ndarray, clusters: np.ndarray) -> PairedScores:
    return PairedScores(METRICS["roc_auc"], y, first, second, clusters, greater_is_better=True)


def compute_gain(pairs: PairedScores) -> Gain:
    """Return the gain by the method that `auto` chooses, without the checks that synthetic data always passes."""
    joined = join_dependent_clusters(pairs).pairs
    return (jackknife if choose_method(joined) == "jackknife" else delong)(joined, level=0.025)


def format_share(hits: int, trials: int) -> str:
    interval = binomtest(hits, trials).proportion_ci()
    return f"{hits / trials:.1%} [{interval.low:.1%}, {interval.high:.1%}]"

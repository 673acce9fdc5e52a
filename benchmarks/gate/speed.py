"""The seconds of intervals, and of what a rating needs."""

from __future__ import annotations

import platform
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
from scipy.stats import bootstrap
from sklearn.metrics import roc_auc_score
from threadpoolctl import threadpool_limits

from gate.data import DAYS, compare, two_models
from retrain.core.ratings import MOST_VERSIONS, Measurement, Rating, VersionScore, measure_version
from retrain.core.stats.intervals import estimate_paired_gain
from retrain.core.stats.metrics import METRICS

STEP_GOAL = 0.05
"""Seconds."""


def measure_speed(rows: int, resamples: int) -> str:
    random = np.random.default_rng(2027)
    day = np.arange(rows) * DAYS // rows
    y, challenger, champion = two_models(random, rows, day, day_skill=0.3)
    pairs = compare(y, challenger, champion, day)
    members = [np.flatnonzero(day == one) for one in range(DAYS)]

    def naive(drawn: np.ndarray) -> float:
        taken = np.concatenate([members[one] for one in drawn])
        return float(roc_auc_score(y[taken], challenger[taken, 1]) - roc_auc_score(y[taken], champion[taken, 1]))

    few = 5
    plain = seconds(
        lambda: bootstrap((np.arange(DAYS),), naive, n_resamples=few, vectorized=False, method="percentile")
    )
    scipy_seconds = plain / (few + 1) * resamples  # one more pass, over the rows themselves
    one_pass = seconds(lambda: roc_auc_score(y, challenger[:, 1]))
    ours = seconds(lambda: estimate_paired_gain(replace(pairs), level=0.025, method="percentile", resamples=resamples))
    of_delong = seconds(lambda: estimate_paired_gain(replace(pairs), level=0.025, method="delong"))
    of_jackknife = seconds(lambda: estimate_paired_gain(replace(pairs), level=0.025, method="jackknife"))
    return "\n".join(
        [
            f"{platform.machine()}, one thread, {rows:,} rows in {DAYS} clusters, the gain in roc_auc of two models:",
            "",
            "| | seconds | times one pass |",
            "|---|---:|---:|",
            f"| one area of one model, `roc_auc_score` | {one_pass:.2f} | 1 |",
            f"| DeLong's interval | {of_delong:.2f} | {of_delong / one_pass:.1f} |",
            f"| the jackknife's | {of_jackknife:.2f} | {of_jackknife / one_pass:.1f} |",
            f"| {resamples:,} clustered resamples | {ours:.2f} | {ours / one_pass:.1f} |",
            f"| as many by `scipy.stats.bootstrap` on rows, from {few} | {scipy_seconds:,.0f} | {scipy_seconds / one_pass:,.0f} |",
            "",
            f"`scipy.stats.bootstrap` on rows took {plain:.1f} s for {few} resamples; extrapolated from them it takes "
            f"{scipy_seconds / ours:,.0f} times as long as ours.",
        ]
    )


def seconds(work: Callable[[], object]) -> float:
    """Return the processor's seconds in one thread, which do not depend on what else the machine does."""
    with threadpool_limits(1):
        start = time.process_time()
        work()
        return time.process_time() - start


def measure_rating_speed(rows: int) -> str:
    """Return a table of what a rating costs a retrain beside the scoring of the versions."""
    random, period, count = np.random.default_rng(2030), timedelta(days=30), MOST_VERSIONS
    start, steps = datetime(2024, 1, 1, tzinfo=UTC), []
    rating = Rating(greater_is_better=True, period=period)
    for window in range(count + 12):
        versions = range(max(0, window + 1 - count), window + 1)
        as_of = start + window * period
        scores = tuple(
            VersionScore(version, start + version * period, float(days.mean()), tuple((days.sum() - days) / (DAYS - 1)))
            for version, days in zip(versions, random.normal(size=(len(versions), DAYS)), strict=True)
        )
        measurement = Measurement("roc_auc", "day", as_of, window, as_of - period, as_of, rows, True, scores)
        steps.append(seconds(lambda taken=measurement: rating.observe(taken)))
    day = np.arange(rows) * DAYS // rows
    y, probabilities, _ = two_models(random, rows, day, day_skill=0.3)
    measuring = seconds(lambda: [measure_version(METRICS["roc_auc"], y, probabilities, day) for _ in range(count)])
    step = float(np.median(steps[count:]))
    return "\n".join(
        [
            f"{platform.machine()}, one thread, {count} versions, {DAYS} days:",
            "",
            "| | milliseconds |",
            "|---|---:|",
            f"| one window of the rating (median of {len(steps) - count}; the goal of at most {STEP_GOAL * 1e3:.0f} is "
            f"{'met' if step <= STEP_GOAL else 'not met'}) | {step * 1e3:.1f} |",
            f"| `roc_auc` of all versions on {rows:,} fresh rows, and without each day | {measuring * 1e3:,.0f} |",
        ]
    )

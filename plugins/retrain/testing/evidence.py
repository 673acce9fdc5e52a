"""Synthetic scores of a challenger and its opponent, measurements of a window and a model, and the evidence from them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from retrain.core.evaluation.measuring import VersionScores, measure_scores
from retrain.core.evaluation.resource_usage import Latency, ResourceUsage
from retrain.core.evaluation.scorecard import Scorecard, score_slices, value_of
from retrain.core.evaluation.scores import Opponent, Scores
from retrain.core.ledger.entries import Pointer
from retrain.core.policy.evidence import Evidence
from retrain.core.ratings import Measurement
from retrain.core.stats.drift import ColumnProfile, Profile
from retrain.core.stats.metrics.base import Floats

__all__ = ["make_column", "make_evidence", "make_profile", "make_resource_usage", "make_scores"]

_METRICS: Final = {
    "classification": ("roc_auc", "log_loss", "brier", "accuracy"),
    "regression": ("mae", "rmse", "r2"),
}
_CHAMPION: Final = Pointer("churn", "production", 3, "d" * 64, 3, datetime(2024, 6, 1, tzinfo=UTC), "k" * 64)


def make_scores(
    rows: int = 400,
    *,
    task: str = "classification",
    classes: int = 2,
    challenger: float = 0.8,
    opponent: float | None = 0.3,
    seed: int = 7,
    rows_per_day: int = 20,
    columns: Mapping[str, Any] | None = None,
) -> Scores:
    """Return scores of `rows` rows from 1 June 2024 on, with a column ``place`` and a baseline that predicts the average.

    Args:
        rows: Number of rows.
        task: ``classification`` or ``regression``.
        classes: Number of classes of a classification.
        challenger: Skill of the challenger, from 0 (random) to 1 (perfect for a regression).
        opponent: Skill of the opponent; None for no opponent.
        seed: Seed of labels and scores.
        rows_per_day: Number of rows per day; they share one event time.
        columns: More columns of the data by name, each (rows,).
    """
    random = np.random.default_rng(seed)
    time = np.datetime64("2024-06-01", "us") + np.arange(rows) // rows_per_day * np.timedelta64(1, "D")
    place = np.array(["north", "south"], dtype=object)[np.arange(rows) % 2]
    if task == "regression":
        y = random.normal(size=rows)
        baseline = np.zeros(1)

        def predict(skill: float) -> Floats:
            return np.asarray(skill * y + (1 - skill) * random.normal(size=rows))
    else:
        y = (np.arange(rows) % classes).astype(float)
        random.shuffle(y)
        baseline = np.full(classes, 1 / classes)

        def predict(skill: float) -> Floats:
            weights = random.gamma(1.0, size=(rows, classes)) + 3 * skill * (y[:, None] == np.arange(classes))
            return np.asarray(weights / weights.sum(axis=1, keepdims=True))

    challenger_scores, opponent_scores = predict(challenger), None if opponent is None else predict(opponent)
    all_columns = {"place": place} | {name: _as_stored(values) for name, values in (columns or {}).items()}
    return Scores(y, challenger_scores, opponent_scores, time, all_columns, baseline)


def _as_stored(values: Any) -> NDArray[Any]:
    """Return a column in the form that a score store returns: texts as objects."""
    array = np.asarray(values)
    return array.astype(object) if array.dtype.kind == "U" else array


def make_column(name: str, **changes: Any) -> ColumnProfile:
    """Return the profile of a column without drift or leakage.

    Args:
        name: The column's name.
        changes: Fields of `ColumnProfile` to change.
    """
    column = ColumnProfile(
        name,
        distance=0.03,
        noise_floor=0.05,
        missing_train=0.01,
        missing_holdout=0.02,
        unseen=0.0,
        label_association=0.7,
        late=0,
    )
    return replace(column, **changes)


def make_profile(*features: ColumnProfile, **changes: Any) -> Profile:
    """Return the profile of a window without drift or leakage.

    Args:
        features: Profiles of the features; two by default.
        changes: Fields of `Profile` to change.
    """
    label = make_column("label", label_association=math.nan)
    profile = Profile(
        features or (make_column("signal"), make_column("other", label_association=0.5)), label, 900, 400, 900, 0
    )
    return replace(profile, **changes)


def make_resource_usage(**changes: Any) -> ResourceUsage:
    """Return the resource usage of a small model; `changes` are fields of `ResourceUsage`."""
    latencies = (Latency(1, 300, 0.002, 0.004), Latency(1000, 300, 0.005, 0.009))
    return replace(ResourceUsage(latencies, size=2_000_000, memory=30_000_000.0), **changes)


def make_evidence(
    scores: Scores,
    *,
    metrics: Sequence[str] | None = None,
    slices: Sequence[str] = ("place",),
    opponent: Opponent = "champion",
    rated_by: Sequence[tuple[str, str | None]] = (),
    **changes: Any,
) -> Evidence:
    """Return the evidence for `scores`: a scorecard with their metrics, overall and per slice.

    Args:
        scores: The scores of both models.
        metrics: Names of the metrics; common ones of the task by default.
        slices: Columns whose values are the slices.
        opponent: The kind of opponent, if there is one.
        rated_by: (metric, clusters) by which both models are measured for a gate that reads a rating.
        changes: Fields of `Scorecard` to change.
    """
    names = _METRICS["regression" if scores.challenger.ndim == 1 else "classification"] if metrics is None else metrics
    card = Scorecard(
        key="0123456789abcdef" * 4,
        model=_CHAMPION.model,
        timeline=_CHAMPION.timeline,
        rows=len(scores.y),
        opponent=None if scores.opponent is None else opponent,
        why_no_opponent="the champion is lost" if scores.opponent is None else "",
        champion=_CHAMPION,
        challenger_metrics=value_of(names, scores.y, scores.challenger),
        opponent_metrics=value_of(names, scores.y, scores.opponent),
        scores="5" * 64,
        slices=tuple(score_slices(names, slices, scores)),
        profile=make_profile(train_rows=len(scores.y), holdout_rows=len(scores.y)),
        resource_usage=make_resource_usage(),
        measurements=tuple(_measure(scores, metric, by) for metric, by in rated_by),
    )
    return Evidence(replace(card, **changes), scores)


def _measure(scores: Scores, metric: str, cluster_by: str | None) -> Measurement:
    as_of = _CHAMPION.as_of + timedelta(days=30)
    sides = [
        VersionScores(_CHAMPION.version + 1, as_of, replace(scores, opponent=scores.challenger)),
        VersionScores(_CHAMPION.version, _CHAMPION.as_of, scores),
    ]
    return measure_scores(metric, cluster_by, as_of, (_CHAMPION.as_of, as_of), sides, {})

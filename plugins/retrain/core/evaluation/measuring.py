"""Measure versions by their scores on the same rows, for the rating of all versions."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from retrain.core.evaluation.scores import Scores
from retrain.core.ratings import Measurement, VersionScore, join_clusters, measure_version
from retrain.core.stats.metrics import METRICS

__all__ = ["VersionScores", "measure_scores"]


@dataclass(frozen=True)
class VersionScores:
    """One version's scores on the fresh rows, as the opponent of `scores`.

    Attributes:
        as_of: The as-of of the retrain that made the version.
    """

    version: int
    as_of: datetime
    scores: Scores


def measure_scores(
    metric: str,
    cluster_by: str | None,
    as_of: datetime,
    span: tuple[datetime, datetime],
    sides: Sequence[VersionScores],
    unscored: Mapping[int, str],
    *,
    champion: int | None = None,
) -> Measurement:
    """Return the measurement of some versions on the same rows.

    Args:
        span: Start and end of the fresh rows.
        sides: The scores of each version, the challenger's first.
        unscored: Why other versions could not be scored.
        champion: The version of the champion, which stays however far it is from the others.
    """
    first = sides[0].scores
    ordered = first.in_time_order(cluster_by)
    measured, problems = [], dict(unscored)
    if len(first.y):
        clusters = join_clusters(first.clusters(cluster_by), ordered=ordered)
        for side in sides:
            opponent = side.scores.opponent
            if opponent is None:  # of evidence that was made up without one
                continue
            value, without = measure_version(METRICS[metric], side.scores.y, opponent, clusters)
            if all(map(math.isfinite, (value, *without))):
                measured.append(VersionScore(side.version, side.as_of, value, without))
            else:
                problems[side.version] = (
                    f"{metric} is not defined on the fresh rows, or not without one of their clusters"
                )
    measurement = Measurement(
        metric,
        cluster_by,
        as_of,
        sides[0].version,
        *span,
        len(first.y),
        ordered,
        tuple(sorted(measured, key=lambda score: score.version)),
        tuple(sorted(problems.items())),
    )
    return measurement.without_strays({sides[0].version, *([] if champion is None else [champion])})

"""What one retrain measured of every rated version: its metric on the window's fresh rows, and without each cluster of them."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

import numpy as np

from retrain.core.codec import JsonDataclass
from retrain.core.stats.metrics import Metric
from retrain.core.stats.metrics.base import Floats, Ints

__all__ = [
    "FEWEST_CLUSTERS",
    "MOST_VERSIONS",
    "MOST_WINDOWS",
    "Measurement",
    "VersionScore",
    "join_clusters",
    "measure_version",
]

MOST_VERSIONS: Final = 24
"""How many of the last versions a retrain measures, beside the champion and its challenger."""
MOST_WINDOWS: Final = 48
"""How many of the last windows a rating rests on."""
FEWEST_CLUSTERS: Final = 4
"""With fewer clusters a window says nothing of its own luck."""
_FAR: Final = 30
_FEWEST_TO_STRAY: Final = 4
_MOST_CLUSTERS: Final = 64
"""More clusters are merged in turn into this many: the covariance of 24 versions needs no more, and the ledger holds each."""


@dataclass(frozen=True)
class VersionScore:
    """The metric of one version on the fresh rows.

    Attributes:
        version: Its number in the registry.
        as_of: The as-of of the retrain that made it.
        value: The metric over all fresh rows, in its own units.
        without: The metric without each cluster in turn, in the order of the clusters.
    """

    version: int
    as_of: datetime
    value: float
    without: tuple[float, ...]


@dataclass(frozen=True)
class Measurement(JsonDataclass):
    """All rated versions on the same fresh rows: those that no earlier retrain of the timeline has measured.

    Attributes:
        metric: The metric's name.
        cluster_by: What clusters the rows: a calendar period, a column, or None for rows on their own.
        as_of: The as-of of the retrain that measured.
        challenger: The version that this retrain made.
        start: Start of the fresh rows, inclusive.
        end: Their end, exclusive.
        rows: How many rows were scored.
        ordered: Whether the clusters are in the order of time, so that neighbours may depend on each other.
        scores: One per version that could be scored, by number.
        unscored: (version, why) of those that could not.
    """

    metric: str
    cluster_by: str | None
    as_of: datetime
    challenger: int
    start: datetime
    end: datetime
    rows: int
    ordered: bool
    scores: tuple[VersionScore, ...]
    unscored: tuple[tuple[int, str], ...] = ()

    @property
    def clusters(self) -> int:
        """Number of clusters."""
        return len(self.scores[0].without) if self.scores else 0

    @property
    def rated_by(self) -> tuple[str, str | None]:
        """The metric and the clusters of the rating that this window belongs to."""
        return self.metric, self.cluster_by

    @property
    def tells(self) -> bool:
        """Whether the window can tell versions apart: it has two of them, and enough clusters."""
        return len(self.scores) > 1 and self.clusters >= FEWEST_CLUSTERS

    def without_strays(self, kept: Collection[int]) -> Measurement:
        """Return the measurement without versions that are far from all others; their luck would drown every difference.

        A version is far if its pseudo-values are 30 times as far from the median version as those of the median version that
        differs from it at all.

        Args:
            kept: Versions that stay, however far they are: champion and challenger.
        """
        if len(self.scores) < _FEWEST_TO_STRAY:
            return self
        pseudo_values = self.pseudo_values()
        middle = np.median(pseudo_values, axis=1, keepdims=True)
        distances = np.sqrt(np.mean((pseudo_values - middle) ** 2, axis=0))
        if not distances.any():
            return self
        limit = _FAR * np.median(distances[distances > 0])
        far = {
            score.version
            for score, distance in zip(self.scores, distances, strict=True)
            if distance > limit and score.version not in kept
        }
        reasons = [(version, f"its {self.metric} is far from that of all other versions") for version in far]
        scores = tuple(score for score in self.scores if score.version not in far)
        return replace(self, scores=scores, unscored=tuple(sorted([*self.unscored, *reasons])))

    def pseudo_values(self) -> Floats:
        """Return (clusters, versions) jackknife pseudo-values: ``G m - (G - 1) m(-i)`` of G clusters, whose mean is about m."""
        values = np.array([score.value for score in self.scores])
        without = np.array([score.without for score in self.scores]).T
        return np.asarray(self.clusters * values - (self.clusters - 1) * without)


def join_clusters(clusters: Ints, *, ordered: bool) -> Ints:
    """Return (n,) cluster numbers of at most 64 clusters: neighbours are joined if they are ordered by time, else in turn."""
    count = int(clusters.max()) + 1
    if count <= _MOST_CLUSTERS:
        return clusters
    return clusters * _MOST_CLUSTERS // count if ordered else clusters % _MOST_CLUSTERS


def measure_version(metric: Metric, y: Floats, scores: Floats, clusters: Ints) -> tuple[float, tuple[float, ...]]:
    """Return a metric over all rows, and without each cluster in turn.

    Args:
        metric: The metric.
        y: (n,) class indices, or the labels of a regression.
        scores: (n, classes) probabilities, or (n,) predictions.
        clusters: (n,) the cluster number of each row, from 0, without gaps.
    """
    count = int(clusters.max()) + 1
    draws = np.vstack([np.ones((1, count), dtype=np.int64), 1 - np.eye(count, dtype=np.int64)])
    value, *without = metric.resampler(y, scores, clusters)(draws)
    return float(value), tuple(map(float, without))

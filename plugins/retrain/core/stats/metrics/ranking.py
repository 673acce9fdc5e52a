"""Metrics of the order in which a model puts the rows: average precision, and recall in a top share of the rows.

Both depend only on the thresholds between which positive rows lie. With the thresholds at the distinct scores of positive rows,
three counts per threshold and cluster give every resample: positive rows at it, all rows at it, and all rows from it up to the
next one. They are kept as sparse matrices, so a resample is a sparse product and a cumulative sum.

Several classes are taken one against the rest, and the mean is over the classes that the rows hold.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from retrain.core.stats.metrics.base import Floats, Ints, Resampler

__all__ = ["RankingMetric", "compute_average_precision", "make_recall_at"]

_CELLS_PER_BATCH: Final = 2_000_000


class RankedCounts(NamedTuple):
    """Counts by threshold, the highest first; each is (thresholds, resamples).

    Attributes:
        positives: Positive rows at the threshold.
        tied: Rows at the threshold.
        through: Rows at or above the threshold.
        rows: (resamples,) all rows.
    """

    positives: Floats
    tied: Floats
    through: Floats
    rows: Floats


@dataclass(frozen=True)
class RankingMetric:
    """A metric of the order of the scores of two classes; for more, the mean over the classes that have rows.

    Attributes:
        finish: Maps counts to (resamples,) values; it is called with at least one positive and one negative row.
        point: The library's function from (n,) labels and scores of one class, if it has one, which computes `value`.
    """

    finish: Callable[[RankedCounts], Floats]
    point: Callable[[NDArray[np.bool_], Floats], float] | None = None

    def value(self, y: Floats, scores: Floats) -> float:
        """Return the metric over all rows; NaN if they are of one class."""
        if len(np.unique(y)) < 2:
            return float("nan")
        if self.point is None:
            one_cluster = np.zeros(len(y), dtype=np.int64)
            return float(self.resampler(y, scores, one_cluster)(np.ones((1, 1), dtype=np.int64))[0])
        return float(np.mean([self.point(y == k, scores[:, k]) for k in _ranked_classes(y, scores)]))

    def resampler(self, y: Floats, scores: Floats, clusters: Ints) -> Resampler:
        """Return a resampler of the metric; NaN for counts that leave rows of one class."""
        classes = _ranked_classes(y, scores)
        by_class = [_rank_rows(y == k, scores[:, k], clusters, self.finish) for k in classes]
        return lambda counts: _mean_of_defined(np.array([values(counts) for values in by_class]), len(counts))


def _ranked_classes(y: Floats, scores: Floats) -> list[int]:
    """Return the classes with rows whose scores are ranked: of two only the second, the positive one."""
    ranked = [1] if scores.shape[1] == 2 else range(scores.shape[1])
    return [k for k in ranked if (y == k).any()]


def _mean_of_defined(values: Floats, resamples: int) -> Floats:
    defined = np.isfinite(values)
    total = np.where(defined, values, 0.0).sum(axis=0)
    count = defined.sum(axis=0)
    return np.asarray(np.divide(total, count, out=np.full(resamples, np.nan), where=count > 0))


def _rank_rows(
    positive: NDArray[np.bool_], scores: Floats, clusters: Ints, finish: Callable[[RankedCounts], Floats]
) -> Resampler:
    thresholds = np.unique(-scores[positive])
    segments = np.searchsorted(thresholds, -scores)
    shape = len(thresholds), int(clusters.max()) + 1

    def count(rows: NDArray[np.bool_]) -> csr_matrix:
        return csr_matrix((np.ones(rows.sum()), (segments[rows], clusters[rows])), shape=shape)

    within = segments < len(thresholds)
    tied = within.copy()
    tied[within] = thresholds[segments[within]] == -scores[within]
    positives_by_cluster, tied_by_cluster, all_by_cluster = count(positive), count(tied), count(within)
    rows_by_cluster = np.bincount(clusters, minlength=shape[1])
    per_batch = max(1, _CELLS_PER_BATCH // max(1, shape[0]))

    def compute(counts: Ints) -> Floats:
        drawn = counts.T.astype(np.float64)
        positives = positives_by_cluster @ drawn
        rows = counts @ rows_by_cluster.astype(np.float64)
        through = np.cumsum(all_by_cluster @ drawn, axis=0)
        total = positives.sum(axis=0)
        values = np.full(len(counts), np.nan)
        defined = (total > 0) & (total < rows)
        tied_rows = tied_by_cluster @ drawn
        values[defined] = finish(
            RankedCounts(positives[:, defined], tied_rows[:, defined], through[:, defined], rows[defined])
        )
        return values

    return lambda counts: np.concatenate(
        [compute(counts[start : start + per_batch]) for start in range(0, len(counts), per_batch)]
    )


def compute_average_precision(counts: RankedCounts) -> Floats:
    """Return the mean over positive rows of the precision at their score: sum of (rise of recall) * precision."""
    found = np.cumsum(counts.positives, axis=0)
    precision = np.divide(found, counts.through, out=np.zeros_like(found), where=counts.through > 0)
    return np.asarray(np.sum(counts.positives * precision, axis=0) / found[-1])


def make_recall_at(share: float) -> Callable[[RankedCounts], Floats]:
    """Return a function from counts to the share of all positive rows that are among the top `share` of the rows.

    Rows with equal scores at the edge of that share count in proportion, so the value does not depend on the order of the rows.
    Without one cluster the edge moves by a few rows, so the jackknife takes their labels for the rate of positive rows at the edge.
    If clusters are small, that tends to overstate the error.
    """

    def compute_recall(counts: RankedCounts) -> Floats:
        room = share * counts.rows - (counts.through - counts.tied)
        taken = np.divide(room, counts.tied, out=np.zeros_like(room), where=counts.tied > 0).clip(0, 1)
        return np.asarray(np.sum(counts.positives * taken, axis=0) / counts.positives.sum(axis=0))

    return compute_recall

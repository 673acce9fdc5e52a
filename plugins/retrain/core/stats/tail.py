"""How much more often one model errs badly than another on the same rows.

The loss of a row is |label - prediction| for a regression, and 1 minus the probability of the true class for a classification. The
squared error and the log loss rise with these, so a limit on them is a limit here: an error above 3 is a squared error above 9.

With b rows of n where only the challenger's loss is above the limit, and c where only the opponent's is, the increase is
v = (b - c) / n. It is the gain of a paired metric, so its standard error s takes whole clusters. Bad rows are rare, and a bound of
``v + t * s`` is too low with few of them: 0 without any, although a model that errs badly on one row in 500 shows no such row
among 500 in 37 of 100 holdouts. So the standard error of a bound is that at the bound, if the rows between are all bad
for one side: a score interval, as Wilson's for one share. It solves ``(x - v) ** 2 = t ** 2 * (s ** 2 + D * |x - v| / n)``,

    bounds = v -+ (w + sqrt(w ** 2 + (t * s) ** 2)),    w = D * t ** 2 / (2 * n),

with the design effect D of clusters, at least 1, ``s ** 2 * n ** 2 / (b + c)``. Without any bad row the upper bound is about
3.84 / n at 95 %: the rule of three for two-sided intervals.

Assumptions: clusters are independent, rows within one need not be; bad rows that no holdout row shows come one at a time.

References: Wilson, Probable Inference, JASA 22 (1927) 209-212; for pairs: Tango, Equivalence Test and Confidence Interval for the
Difference in Proportions for the Paired-Sample Design, Statistics in Medicine 17 (1998) 891-908.

>>> y = np.zeros(1000)
>>> good, bad = y + 0.1, np.where(np.arange(1000) < 20, 9.0, 0.1)
>>> found = estimate_tail_increase(y, bad, good, np.arange(1000), limit=3.0, level=0.025)
>>> found.challenger, found.opponent, round(found.low, 3), round(found.high, 3)
(0.02, 0.0, 0.009, 0.031)
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy.special import stdtrit

from retrain.core.stats.intervals import PairedScores, estimate_paired_gain
from retrain.core.stats.metrics.base import AdditiveMetric, Floats, Ints
from retrain.errors import DataError

__all__ = ["TailIncrease", "compute_losses", "estimate_tail_increase"]


@dataclass(frozen=True)
class TailIncrease:
    """The shares of rows with a loss above a limit, and their difference with its interval.

    Attributes:
        limit: The limit, in the units of the loss.
        challenger: Share of the challenger, 0 to 1.
        opponent: Share of the opponent.
        low: Lower bound of ``challenger - opponent``.
        high: Upper bound.
        t: Student's t of the bounds.
    """

    limit: float
    challenger: float
    opponent: float
    low: float
    high: float
    t: float

    @property
    def value(self) -> float:
        """The increase of the share: positive if the challenger errs badly on more rows."""
        return self.challenger - self.opponent

    def rows_to_exclude(self, increase: float) -> int:
        """Return how many rows, none of them bad, show that the true increase is below a given one."""
        return math.ceil(self.t**2 / increase)


def compute_losses(y: Floats, scores: Floats) -> Floats:
    """Return (n,) losses: absolute errors, or 1 minus the probability of the true class."""
    if scores.ndim == 1:
        return np.asarray(np.abs(y - scores))
    return np.asarray(1 - scores[np.arange(len(y)), y.astype(int)])


def estimate_tail_increase(
    y: Floats,
    challenger: Floats,
    opponent: Floats,
    clusters: Ints,
    *,
    level: float,
    limit: float | None = None,
    quantile: float = 0.99,
) -> TailIncrease:
    """Return by how much the challenger's share of bad rows exceeds the opponent's, with its interval.

    Args:
        y: (n,) class indices, or the labels of a regression.
        challenger: (n, classes) probabilities, or (n,) predictions.
        opponent: Like `challenger`.
        clusters: (n,) the cluster number of each row, from 0.
        level: One-sided error level of each bound.
        limit: Losses above it are bad; None for a quantile of the opponent's losses on these rows.
        quantile: Which quantile.

    Raises:
        DataError: There are too few clusters, a score is not finite, no loss can be above the limit, or the difference is not 0 and
            equal in every cluster.
    """
    if limit is None:
        limit = float(np.quantile(compute_losses(y, opponent), quantile)) if len(y) else math.inf
    elif challenger.ndim == 2 and limit >= 1:
        raise DataError(
            "the limit of a classification's loss must be below 1", got=f"{limit:g}", fix="A loss is 1 - probability."
        )
    share = _make_share_above(limit)
    # A greater share counts as better here, so that the gain is the increase.
    pairs = PairedScores(share, y, challenger, opponent, clusters, greater_is_better=True)
    gain = estimate_paired_gain(pairs, level=level, method="jackknife")
    rows = len(y)
    above_challenger, above_opponent = (compute_losses(y, side) > limit for side in (challenger, opponent))
    differing = int(np.count_nonzero(above_challenger != above_opponent))
    design_effect = max(1.0, gain.standard_error**2 * rows**2 / max(differing, 1))
    t = -float(stdtrit(gain.degrees_of_freedom, level))
    shift = design_effect * t**2 / (2 * rows)
    half_width = shift + math.hypot(shift, t * gain.standard_error)
    return TailIncrease(
        limit,
        float(above_challenger.mean()),
        float(above_opponent.mean()),
        gain.value - half_width,
        gain.value + half_width,
        t,
    )


def _make_share_above(limit: float) -> AdditiveMetric:
    def terms(y: Floats, scores: Floats) -> Floats:
        return np.column_stack([np.ones(len(y)), compute_losses(y, scores) > limit])

    return AdditiveMetric(
        lambda y, scores: float(np.mean(compute_losses(y, scores) > limit)), terms, lambda sums: sums[:, 1] / sums[:, 0]
    )

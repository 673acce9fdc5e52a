"""How much a challenger's predictions differ from the champion's, as counts of rows and never as values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from retrain.core.evaluation.scores import Scores
from retrain.core.stats.metrics.base import Floats

__all__ = ["Bucket", "Flips", "PredictionChange", "prediction_change"]

_EDGES: Final = (0.01, 0.05, 0.1, 0.2, 0.5)


@dataclass(frozen=True)
class Bucket:
    """How many rows change by ``[low, high)``; the last one has no upper end."""

    low: float
    high: float | None
    rows: int


@dataclass(frozen=True)
class Flips:
    """How many rows get another likeliest class.

    Attributes:
        fixed: Rows of these for which the challenger is right and the opponent was wrong.
        broken: Rows of these for which the opponent was right and the challenger is wrong. With two classes every flip is one of
            the two.
    """

    rows: int
    fixed: int
    broken: int


@dataclass(frozen=True)
class PredictionChange:
    """How the predictions on the holdout change.

    Attributes:
        rows: All rows of the holdout.
        buckets: The rows by how far the prediction moves: the largest change of a class's probability, or the change of a
            regression's prediction in standard deviations of the label.
        flips: None for a regression.
    """

    rows: int
    buckets: tuple[Bucket, ...]
    flips: Flips | None


def prediction_change(scores: Scores) -> PredictionChange | None:
    """Return how the challenger's predictions differ from the opponent's; None if there is no opponent."""
    challenger, opponent = scores.challenger, scores.opponent
    if opponent is None:
        return None
    gaps = np.abs(challenger - opponent)
    if challenger.ndim == 1:
        spread = float(scores.y.std())
        return PredictionChange(len(gaps), _buckets(gaps / spread if spread > 0 else gaps), None)
    challenger_class, opponent_class = challenger.argmax(axis=1), opponent.argmax(axis=1)
    flipped = challenger_class != opponent_class
    flips = Flips(
        int(flipped.sum()),
        int((flipped & (challenger_class == scores.y)).sum()),
        int((flipped & (opponent_class == scores.y)).sum()),
    )
    return PredictionChange(len(gaps), _buckets(gaps.max(axis=1)), flips)


def _buckets(gaps: Floats) -> tuple[Bucket, ...]:
    counts = np.bincount(np.digitize(gaps, _EDGES), minlength=len(_EDGES) + 1)
    lows, highs = (0.0, *_EDGES), (*_EDGES, None)
    return tuple(Bucket(low, high, int(rows)) for low, high, rows in zip(lows, highs, counts, strict=True))

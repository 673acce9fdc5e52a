"""What was measured: metrics, slices, and how often what was predicted came true."""

from __future__ import annotations

from functools import lru_cache
from typing import Final, Literal

import numpy as np

from retrain.core.metric_names import GREATER_IS_BETTER
from retrain.core.metrics.base import Floats
from retrain.core.scorecard import Scorecard
from retrain.hooks import StoreHook
from retrain.ui.reads.views import finite
from retrain.ui.schemas.retrain import CalibrationBin, MetricPair, ReliabilityCurve, ScorecardView, SliceView

__all__ = ["reliability", "reliability_bins", "scorecard_view"]

_BINS: Final = 10


def scorecard_view(scorecard: Scorecard, digest: str, curves: list[ReliabilityCurve]) -> ScorecardView:
    """Return a scorecard with its reliability curves."""
    return ScorecardView(
        digest=digest,
        rows=scorecard.rows,
        cut=scorecard.cut,
        why_no_opponent=scorecard.why_no_opponent,
        metrics=_pairs(scorecard.challenger_metrics, scorecard.opponent_metrics),
        slices=[
            SliceView(
                column=item.column,
                value=item.value,
                rows=item.rows,
                metrics=_pairs(item.challenger, item.opponent),
            )
            for item in scorecard.slices
        ],
        calibration=curves,
    )


@lru_cache(maxsize=256)
def reliability(digest: str) -> tuple[ReliabilityCurve, ...]:
    """Return the reliability curves of a scorecard's stored scores; none for a regression.

    Kept, because the scores of a digest never change and a holdout may have a million rows.

    Raises:
        RetrainError: The store does not answer, has no such scores, or has altered ones.
    """
    scores = StoreHook().evidence().evidence(digest).scores
    if scores.challenger.ndim == 1:
        return ()
    sides: list[tuple[Literal["challenger", "opponent"], Floats | None]] = [
        ("challenger", scores.challenger),
        ("opponent", scores.opponent),
    ]
    return tuple(
        ReliabilityCurve(side=side, bins=reliability_bins(scores.y, given))
        for side, given in sides
        if given is not None
    )


def reliability_bins(y: Floats, scores: Floats) -> list[CalibrationBin]:
    """Return what was predicted beside what came true, in bins of equally many rows.

    Args:
        y: (n,) class indices.
        scores: (n, classes) probabilities. Of two classes the second is looked at, of more the one that was predicted.
    """
    if scores.shape[1] == 2:
        predicted, happened = scores[:, 1], y == 1
    else:
        predicted, happened = scores.max(axis=1), scores.argmax(axis=1) == y
    # Equal predictions share a bin, so there may be fewer than ten.
    edges = np.unique(np.quantile(predicted, np.linspace(0, 1, _BINS + 1)[1:-1]))
    bins = np.searchsorted(edges, predicted, side="right")
    return [
        CalibrationBin(
            rows=int(inside.sum()),
            predicted=float(predicted[inside].mean()),
            observed=float(happened[inside].mean()),
        )
        for inside in (bins == number for number in np.unique(bins))
    ]


def _pairs(challenger: dict[str, float], opponent: dict[str, float]) -> list[MetricPair]:
    return [
        MetricPair(
            name=name,
            greater_is_better=GREATER_IS_BETTER.get(name, True),
            challenger=finite(value),
            opponent=finite(opponent.get(name)),
        )
        for name, value in challenger.items()
    ]

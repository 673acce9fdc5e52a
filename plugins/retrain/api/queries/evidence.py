"""The measurements: metrics, slices and reliability curves."""

from __future__ import annotations

from functools import lru_cache
from typing import Literal

from retrain.api.schemas.retrain import CalibrationBin, MetricPair, ReliabilityCurve, ScorecardView, SliceView
from retrain.core.codec import finite_or_none
from retrain.core.evaluation.scorecard import Scorecard
from retrain.core.stats.metric_names import GREATER_IS_BETTER
from retrain.core.stats.metrics.base import Floats
from retrain.core.stats.reliability import compute_reliability
from retrain.hooks import StoreHook

__all__ = ["reliability", "scorecard_view"]


def scorecard_view(scorecard: Scorecard, digest: str, curves: list[ReliabilityCurve]) -> ScorecardView:
    """Return a scorecard with its reliability curves."""
    return ScorecardView(
        digest=digest,
        rows=scorecard.rows,
        dropped_rows=scorecard.dropped_rows,
        opponent_problem=scorecard.why_no_opponent,
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
    return tuple(_curve(side, scores.y, given) for side, given in sides if given is not None)


def _curve(side: Literal["challenger", "opponent"], y: Floats, scores: Floats) -> ReliabilityCurve:
    bins = compute_reliability(y, scores).bins
    return ReliabilityCurve(
        side=side,
        bins=[CalibrationBin(rows=item.rows, predicted=item.predicted, observed=item.observed) for item in bins],
    )


def _pairs(challenger: dict[str, float], opponent: dict[str, float]) -> list[MetricPair]:
    return [
        MetricPair(
            name=name,
            greater_is_better=GREATER_IS_BETTER.get(name, True),
            challenger=finite_or_none(value),
            opponent=finite_or_none(opponent.get(name)),
        )
        for name, value in challenger.items()
    ]

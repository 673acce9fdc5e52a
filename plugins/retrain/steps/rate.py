"""Rate all versions of a timeline by what its retrains measured."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from types import MappingProxyType
from typing import Final

from retrain.core.evaluation.scorecard import Scorecard
from retrain.core.ports import Ledger
from retrain.core.ratings import RatingSummary, summarize_rating

__all__ = ["rate_timeline"]

_NOBODY: Final[Mapping[datetime, int]] = MappingProxyType({})


def rate_timeline(
    scorecard: Scorecard, primary: str, champion: int, ledger: Ledger, *, champions: Mapping[datetime, int] = _NOBODY
) -> RatingSummary | None:
    """Return how the versions of a timeline are rated after a retrain, over the windows that its own gates had.

    None if the retrain measured no versions, because no gate has them rated, or if the champion is not among them.

    Args:
        scorecard: The retrain's.
        primary: Its primary metric.
        champion: The version to compare with.
        champions: The champion at each as-of; the summary's history has no other windows.

    Raises:
        IntegrityError: An earlier scorecard was altered.
    """
    own = scorecard.measurements
    if not own:
        return None
    past = ledger.measurements(scorecard.model, scorecard.timeline, own[0].as_of)
    return summarize_rating([*past, *own], primary=primary, champion=champion, champions=champions)

"""The rating of all versions, which is kept because a filter over a year of windows takes half a second."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import datetime
from functools import lru_cache

import numpy as np

from retrain.api.dependencies import open_ledger
from retrain.api.schemas.decisions import Interval
from retrain.api.schemas.ratings import Ageing, RatedVersionView, RatedWindowView, Ratings
from retrain.core.policy.decision import Decision
from retrain.core.policy.gates.rated import describe_ageing
from retrain.core.ratings import RatingSummary
from retrain.errors import OutageError, RetrainError
from retrain.steps import rate_timeline

__all__ = ["read_ratings"]

log = logging.getLogger(__name__)


def read_ratings(decisions: Sequence[Decision], champion: int | None) -> Ratings | None:
    """Return the rating after the last retrain that was evaluated, against the champion of now.

    None if that retrain measured no versions or the champion is not rated, and with a warning in the log if the ledger holds
    nothing that could be rated: the page shows the rest.

    Args:
        decisions: The last ones of a timeline, in the order in which they were stored.
        champion: Its version.
    """
    evaluated = sorted((each for each in decisions if each.scorecard), key=lambda each: each.as_of)
    if champion is None or not evaluated:
        return None
    champions = tuple((each.as_of, each.champion_version) for each in evaluated)
    scorecards = tuple(each.scorecard for each in evaluated)
    try:
        summary = _rate(scorecards, evaluated[-1].metric, champion, champions)
    except OutageError:
        raise
    except (RetrainError, np.linalg.LinAlgError) as error:
        log.warning("The versions of %s could not be rated: %s", evaluated[-1].model, error)
        return None
    return _view(summary) if summary else None


@lru_cache(maxsize=512)
def _rate(
    scorecards: tuple[str, ...], primary: str, champion: int, champions: tuple[tuple[datetime, int | None], ...]
) -> RatingSummary | None:
    """Return the rating after the last of some scorecards, whose digests say what it rests on."""
    ledger = open_ledger()
    last = ledger.overview.scorecard(scorecards[-1])
    if last is None:
        return None
    known = {as_of: version for as_of, version in champions if version is not None}
    return rate_timeline(last, primary, champion, ledger, champions=known)


def _view(summary: RatingSummary) -> Ratings:
    return Ratings(
        metric=summary.metric,
        as_of=summary.as_of,
        windows=summary.windows,
        champion=summary.champion,
        challenger=summary.challenger,
        versions=[
            RatedVersionView(
                version=each.version,
                as_of=each.as_of,
                gain=each.gain,
                interval=_interval(each.interval),
                chance_best=each.chance_best,
            )
            for each in summary.versions
        ],
        ageing=Ageing(
            loss=summary.ageing.mean,
            interval=_interval(summary.ageing.interval()),
            words=describe_ageing(summary.ageing),
        ),
        history=[
            RatedWindowView(
                as_of=each.as_of,
                challenger=each.challenger,
                champion=each.champion,
                gain=each.gain,
                interval=_interval(each.interval),
            )
            for each in summary.history
        ],
    )


def _interval(low_high: tuple[float, float]) -> Interval:
    return Interval(low=low_high[0], high=low_high[1])

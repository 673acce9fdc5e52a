"""What pages, tables and pictures tell of a rating."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from retrain.core.ratings.expected_gain import ExpectedGain
from retrain.core.ratings.measurement import Measurement
from retrain.core.ratings.rating import RatedVersion, order_windows, start_rating
from retrain.core.stats.metric_names import GREATER_IS_BETTER

__all__ = ["RatedWindow", "RatingSummary", "summarize_rating"]

_MONTH: Final = timedelta(days=30)


@dataclass(frozen=True)
class RatedWindow:
    """How the challenger of one window stood right after it.

    Attributes:
        as_of: The as-of of the window's retrain.
        challenger: The version that it made.
        champion: The champion at the time.
        gain: The expected gain of the one over the other.
        interval: The bounds that the true gain is below, and above, with a probability of 2.5 % each.
    """

    as_of: datetime
    challenger: int
    champion: int
    gain: float
    interval: tuple[float, float]


@dataclass(frozen=True)
class RatingSummary:
    """All rated versions after some windows.

    Attributes:
        metric: The metric that they are rated by; gains are in its units, and positive is better.
        as_of: The as-of of the last window.
        windows: How many windows the rating rests on.
        champion: The version that all are compared with.
        challenger: The version that the last window's retrain made.
        versions: The rated versions, the oldest as-of first.
        ageing: What a version loses in 30 days.
        history: The challenger of each window against the champion at the time, the oldest first.
    """

    metric: str
    as_of: datetime
    windows: int
    champion: int
    challenger: int
    versions: tuple[RatedVersion, ...]
    ageing: ExpectedGain
    history: tuple[RatedWindow, ...]


def summarize_rating(
    measurements: Sequence[Measurement], *, primary: str, champion: int, champions: Mapping[datetime, int]
) -> RatingSummary | None:
    """Return how versions are rated after some windows; None if the champion is not rated.

    If the last window was measured in several ways, the primary metric counts, else the first way.

    Args:
        measurements: Of all windows.
        primary: The pipeline's primary metric.
        champion: The version to compare with.
        champions: The champion at each as-of, for the history.
    """
    if not measurements:
        return None
    last = max(measurement.as_of for measurement in measurements)
    latest = [measurement for measurement in measurements if measurement.as_of == last]
    own = next((measurement for measurement in latest if measurement.metric == primary), latest[0])
    alike = [each for each in measurements if each.rated_by == own.rated_by]
    rating = start_rating(alike, greater_is_better=GREATER_IS_BETTER[own.metric])
    history = []
    for window in order_windows(alike):
        rating.observe(window)
        met = champions.get(window.as_of)
        if met in rating.versions and window.challenger in rating.versions:
            gain = rating.gain(window.challenger, met)
            history.append(RatedWindow(window.as_of, window.challenger, met, gain.mean, gain.interval()))
    if champion not in rating.versions:
        return None
    versions = tuple(rating.describe_versions(champion))
    ageing = rating.ageing(_MONTH)
    return RatingSummary(own.metric, last, rating.windows, champion, own.challenger, versions, ageing, tuple(history))

"""The half-open time ranges that a retrain may use, derived from as-of."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any, Final, Self

from retrain.core.codec import JsonDataclass

__all__ = ["INSTANT_PATTERN", "Period", "Window", "parse_instant", "resolve_as_of"]

# `fromisoformat` alone accepts any separator between date and time, and any number of digits after the seconds.
INSTANT_PATTERN: Final = r"\d{4}-\d{2}-\d{2}([T ]\d{2}:\d{2}(:\d{2}(\.\d{1,6})?)?(Z|[+-]\d{2}:\d{2})?)?"
"""An ISO 8601 date, or a time with or without a zone."""

_INSTANT: Final = re.compile(INSTANT_PATTERN, re.ASCII)


class Period(StrEnum):
    """A calendar period, in UTC."""

    HOUR = "hour"
    DAY = "day"
    WEEK = "week"
    MONTH = "month"

    def floor(self, instant: datetime) -> datetime:
        """Return the start of the period that contains `instant`."""
        hour = instant.replace(minute=0, second=0, microsecond=0)
        if self is Period.HOUR:
            return hour
        day = hour.replace(hour=0)
        if self is Period.DAY:
            return day
        return day - timedelta(days=day.weekday()) if self is Period.WEEK else day.replace(day=1)

    def next_start(self, start: datetime) -> datetime:
        """Return the start of the period after the one that begins at `start`."""
        if self is Period.MONTH:
            return (start + timedelta(days=32)).replace(day=1)
        return start + {Period.HOUR: timedelta(hours=1), Period.DAY: timedelta(days=1)}.get(self, timedelta(weeks=1))


@dataclass(frozen=True)
class Window(JsonDataclass):
    """The time ranges of one retrain: *train* ``[train_start, train_end)``, *holdout* ``[holdout_start, end)``.

    All instants are aware and in UTC. The rows between the two ranges are in neither: their labels were decided inside the holdout,
    so a model that trained on them would know in part what it is asked.

    Attributes:
        as_of: The instant whose knowledge the retrain may use.
        train_start: Start of the training range.
        train_end: End of the training range, exclusive: the label delay before the holdout. In windows that were stored before the
            field existed it is `holdout_start`.
        holdout_start: Start of the holdout.
        end: End of the holdout, exclusive: the label delay before `as_of`.

    Raises:
        ValueError: The instants are not in order.
    """

    as_of: datetime
    train_start: datetime
    train_end: datetime
    holdout_start: datetime
    end: datetime

    def __post_init__(self) -> None:
        if not self.train_start < self.train_end <= self.holdout_start < self.end <= self.as_of:
            raise ValueError("a window must have train_start < train_end <= holdout_start < end <= as_of")

    @classmethod
    def from_as_of(cls, as_of: datetime, *, label_delay: timedelta, train: timedelta, holdout: timedelta) -> Window:
        """Return the latest window whose labels are all known at `as_of`.

        Args:
            as_of: The instant whose knowledge the retrain may use.
            label_delay: Time from an event until its label is known.
            train: Length of the training range.
            holdout: Length of the holdout.

        Raises:
            ValueError: A range is empty, or the window begins before the year 1.
        """
        try:
            end = as_of.astimezone(UTC) - label_delay
            holdout_start = end - holdout
            train_end = holdout_start - label_delay
            return cls(as_of.astimezone(UTC), train_end - train, train_end, holdout_start, end)
        except OverflowError:
            raise ValueError("a window must begin in the year 1 or later") from None

    @property
    def labels_end(self) -> datetime:
        """The instant at which the last label of the training range was known: `train_end` plus the label delay."""
        return self.train_end + (self.as_of - self.end)

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON; without `train_end` if it is `holdout_start`, so that stored windows keep their digests."""
        document = super().to_json()
        if self.train_end == self.holdout_start:
            del document["train_end"]
        return document

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> Self:
        """Read what `to_json` wrote."""
        return super().from_json({"train_end": document["holdout_start"], **document})

    def periods(self, period: Period) -> Iterator[tuple[datetime, datetime]]:
        """Yield (start, end) of each calendar period from the one that contains `train_start`; the last one is cut at `end`.

        The periods are whole, so overlapping windows share the chunks of their common past.
        """
        start = period.floor(self.train_start)
        while start < self.end:
            following = period.next_start(start)
            yield start, min(following, self.end)
            start = following


def parse_instant(text: str) -> datetime:
    """Return an ISO 8601 instant in UTC; without an offset it is taken as UTC.

    Raises:
        ValueError: The text is not an ISO 8601 date or date-time.
    """
    if _INSTANT.fullmatch(text) is None:
        raise ValueError("must be an ISO 8601 date or date-time, such as 2024-07-01 or 2024-07-01T06:00:00Z")
    try:
        instant = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError("must be a day and a time that exist") from None
    try:
        return instant.replace(tzinfo=UTC) if instant.tzinfo is None else instant.astimezone(UTC)
    except OverflowError:
        raise ValueError("must be an instant of the years 1 to 9999 in UTC") from None


def resolve_as_of(explicit: str | None, *, data_interval_end: datetime | None, run_after: datetime | None) -> datetime:
    """Return as-of in UTC: the explicit parameter, else the end of the data interval, else run_after.

    Raises:
        ValueError: None of the three is given, or the parameter is not an ISO 8601 instant.
    """
    if explicit:
        try:
            return parse_instant(explicit)
        except ValueError as error:
            raise ValueError(f"as_of {error}") from None
    for instant in (data_interval_end, run_after):
        if instant is not None:
            return instant.astimezone(UTC)
    raise ValueError("as_of must come from the parameter `as_of`, the data interval or run_after; none is given")

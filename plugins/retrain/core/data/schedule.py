"""When a cron expression ticks."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from itertools import takewhile
from typing import Final

from croniter import CroniterBadDateError, croniter

__all__ = ["PRESETS", "is_cron", "ticks_between"]

_AS_CRON: Final = {"@quarterly": "0 0 1 */3 *"}
_RANDOM: Final = re.compile(r"\bR\b", re.IGNORECASE)
_LONGEST: Final = 200
PRESETS: Final = ("@hourly", "@daily", "@weekly", "@monthly", "@quarterly", "@yearly")


def is_cron(value: str) -> bool:
    """Tell whether `value` is a preset, or a cron expression of five fields that ticks and names fixed times."""
    if value in PRESETS:
        return True
    if len(value) > _LONGEST or len(value.split()) != 5 or _RANDOM.search(value) or not croniter.is_valid(value):
        return False
    try:
        croniter(value, datetime(2024, 1, 1, tzinfo=UTC)).get_next()
    except CroniterBadDateError:
        return False
    return True


def ticks_between(schedule: str, start: datetime, end: datetime) -> list[datetime]:
    """Return the ticks after `start` and up to `end`.

    >>> from datetime import UTC
    >>> year = datetime(2023, 1, 1, tzinfo=UTC), datetime(2024, 1, 1, tzinfo=UTC)
    >>> len(ticks_between("@quarterly", *year)), len(ticks_between("0 6 * * 1", *year))
    (4, 52)
    """
    ticks = croniter(_AS_CRON.get(schedule, schedule), start, ret_type=datetime)
    return list(takewhile(lambda tick: tick <= end, iter(ticks.get_next, None)))

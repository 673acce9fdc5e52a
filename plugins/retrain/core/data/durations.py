"""Durations as people write them in a spec: ``90m``, ``36h``, ``120d``, ``8w``; short ones: ``500us``, ``5ms``, ``2s``."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Annotated, Any, Final

from pydantic import BeforeValidator, PlainSerializer, WithJsonSchema

__all__ = [
    "Duration",
    "ShortDuration",
    "format_duration",
    "format_short_duration",
    "parse_duration",
    "parse_short_duration",
]

_UNITS: Final = {"m": timedelta(minutes=1), "h": timedelta(hours=1), "d": timedelta(days=1), "w": timedelta(weeks=1)}
_SHORT_UNITS: Final = {
    "us": timedelta(microseconds=1),
    "ms": timedelta(milliseconds=1),
    "s": timedelta(seconds=1),
}


def parse_duration(value: Any) -> timedelta:
    """Parse ``<number><unit>`` with the units m (minutes), h, d and w; a timedelta is returned as it is.

    Raises:
        ValueError: The value does not have that form.
    """
    return _parse(value, _UNITS, "must be a number and a unit (m, h, d or w), such as 28d")


def parse_short_duration(value: Any) -> timedelta:
    """Parse ``<number><unit>`` with the units us, ms and s; a timedelta is returned as it is.

    Raises:
        ValueError: The value does not have that form.
    """
    return _parse(value, _SHORT_UNITS, "must be a number and a unit (us, ms or s), such as 20ms")


def format_duration(value: timedelta) -> str:
    """Return a duration in the largest unit that divides it.

    >>> format_duration(timedelta(days=14)), format_duration(timedelta(hours=36))
    ('2w', '36h')
    """
    for unit in ("w", "d", "h"):
        if value % _UNITS[unit] == timedelta(0):
            return f"{value // _UNITS[unit]}{unit}"
    return f"{value // _UNITS['m']}m"


def format_short_duration(value: timedelta) -> str:
    """Return a short duration in the largest unit that divides it.

    >>> format_short_duration(timedelta(seconds=2)), format_short_duration(timedelta(microseconds=1500))
    ('2s', '1500us')
    """
    for unit in ("s", "ms"):
        if value % _SHORT_UNITS[unit] == timedelta(0):
            return f"{value // _SHORT_UNITS[unit]}{unit}"
    return f"{value // _SHORT_UNITS['us']}us"


def _parse(value: Any, units: dict[str, timedelta], rule: str) -> timedelta:
    if isinstance(value, timedelta):
        return value
    match = re.fullmatch(rf"([0-9]{{1,6}})({'|'.join(units)})", value) if isinstance(value, str) else None
    if match is None:
        raise ValueError(rule)
    return int(match[1]) * units[match[2]]


Duration = Annotated[
    timedelta,
    BeforeValidator(parse_duration),
    PlainSerializer(format_duration, return_type=str),
    WithJsonSchema({"type": "string", "pattern": r"^\d{1,6}[mhdw]$", "examples": ["1d", "28d", "12w"]}),
]

ShortDuration = Annotated[
    timedelta,
    BeforeValidator(parse_short_duration),
    PlainSerializer(format_short_duration, return_type=str),
    WithJsonSchema({"type": "string", "pattern": r"^\d{1,6}(us|ms|s)$", "examples": ["5ms", "2s"]}),
]

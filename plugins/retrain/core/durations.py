"""Lengths of time as people write them in a spec: ``90m``, ``36h``, ``120d``, ``8w``."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Annotated, Any, Final

from pydantic import BeforeValidator, PlainSerializer, WithJsonSchema

__all__ = ["Duration", "format_duration", "parse_duration"]

_UNITS: Final = {"m": timedelta(minutes=1), "h": timedelta(hours=1), "d": timedelta(days=1), "w": timedelta(weeks=1)}
_DURATION = re.compile(r"([0-9]{1,6})([mhdw])")


def parse_duration(value: Any) -> timedelta:
    """Read ``<number><unit>`` with the units m, h, d and w.

    Raises:
        ValueError: The text is not of that form.
    """
    if isinstance(value, timedelta):
        return value
    match = _DURATION.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        raise ValueError("must be a number and a unit (m, h, d or w), such as 28d")
    return int(match[1]) * _UNITS[match[2]]


def format_duration(value: timedelta) -> str:
    """Write a length of time in its largest whole unit.

    >>> format_duration(timedelta(days=14)), format_duration(timedelta(hours=36))
    ('2w', '36h')
    """
    for unit in ("w", "d", "h"):
        if value % _UNITS[unit] == timedelta(0):
            return f"{value // _UNITS[unit]}{unit}"
    return f"{value // _UNITS['m']}m"


Duration = Annotated[
    timedelta,
    BeforeValidator(parse_duration),
    PlainSerializer(format_duration, return_type=str),
    WithJsonSchema({"type": "string", "pattern": r"^\d{1,6}[mhdw]$", "examples": ["1d", "28d", "12w"]}),
]

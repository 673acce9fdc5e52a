"""A check for optional values, so that a test fails with what is missing."""

from __future__ import annotations

from typing import TypeVar

Value = TypeVar("Value")


def require(value: Value | None) -> Value:
    """Return a value that must not be None."""
    assert value is not None, "must be a value; got None"
    return value

"""Rules for names that become part of file paths, SQL, URLs and registries; `fullmatch`, because `$` accepts a trailing newline."""

from __future__ import annotations

import re
from typing import Annotated, Final

from pydantic import AfterValidator

__all__ = ["NAME_PATTERN", "PRODUCTION", "ColumnName", "ModelName", "TimelineName", "check_name", "is_name"]

PRODUCTION: Final = "production"
"""The only timeline that is projected onto the registry alias."""

NAME_PATTERN: Final = r"[a-z][a-z0-9_-]{0,63}"
_NAME = re.compile(NAME_PATTERN)
_COLUMN = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,127}")


def is_name(value: str) -> bool:
    """Return whether `value` is a valid name of a model or a timeline."""
    return _NAME.fullmatch(value) is not None


def check_name(value: str) -> str:
    """Return `value` if it is a valid name of a model or a timeline.

    Raises:
        ValueError: It is not.
    """
    if not is_name(value):
        raise ValueError("must be 1 to 64 lower-case letters, digits, '_' or '-', and begin with a letter")
    return value


def _check_column(value: str) -> str:
    if _COLUMN.fullmatch(value) is None:
        raise ValueError("must be a column name of letters, digits and '_', not beginning with a digit")
    return value


ModelName = Annotated[str, AfterValidator(check_name)]
TimelineName = Annotated[str, AfterValidator(check_name)]
ColumnName = Annotated[str, AfterValidator(_check_column)]

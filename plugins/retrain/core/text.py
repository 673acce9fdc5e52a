"""Escaping of foreign text for a line of a log, a ledger entry or a terminal."""

from __future__ import annotations

import re
from typing import Final

__all__ = ["escape_markdown", "escape_unprintable", "to_one_line"]

_MARKDOWN: Final = re.compile(r"[\\`*_{}\[\]()<>#|!~&:@]|(?<=www)\.")


def to_one_line(text: str) -> str:
    """Return the text on one line, with single spaces between words and unprintable characters escaped."""
    return escape_unprintable(" ".join(text.split()))


def escape_markdown(text: str) -> str:
    """Return one line of text with Markdown's special characters escaped, because a reason may contain a value of the data."""
    return _MARKDOWN.sub(r"\\\g<0>", " ".join(text.split()))


def escape_unprintable(text: str) -> str:
    """Return the text with unprintable characters as escape sequences: control codes, line ends, direction marks."""
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in text)

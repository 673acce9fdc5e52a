"""Text that somebody else wrote, made fit for a line of a log, a ledger or a terminal."""

from __future__ import annotations

import re
from typing import Final

__all__ = ["escape_markdown", "escape_unprintable", "to_one_line"]

_MARKDOWN: Final = re.compile(r"[\\`*_{}\[\]()<>#|!~&:@]|(?<=www)\.")


def to_one_line(text: str) -> str:
    """Return printable text on one line, one space between its words."""
    return escape_unprintable(" ".join(text.split()))


def escape_markdown(text: str) -> str:
    """Return one line of text that Markdown shows as it is: a reason may name a value of the data."""
    return _MARKDOWN.sub(r"\\\g<0>", " ".join(text.split()))


def escape_unprintable(text: str) -> str:
    """Return text with all spelled out that a terminal would act on: an escape, a line's end, a change of direction."""
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in text)

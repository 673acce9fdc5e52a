"""Text that somebody else wrote, made fit for a line of a log, a ledger or a terminal."""

from __future__ import annotations

__all__ = ["one_line", "printable"]


def one_line(text: str) -> str:
    """Return printable text on one line, one space between its words."""
    return printable(" ".join(text.split()))


def printable(text: str) -> str:
    """Return text with all spelled out that a terminal would act on: an escape, a line's end, a change of direction."""
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in text)

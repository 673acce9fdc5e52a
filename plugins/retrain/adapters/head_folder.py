"""Heads of the ledger as files of a folder or a bucket: one file per head, none of which is ever written again."""

from __future__ import annotations

import re
from typing import Final

from upath import UPath

from retrain.core.ledger.entries import Head
from retrain.errors import OutageError

__all__ = ["HeadFolder"]

_NAME: Final = re.compile(r"(\d{12})-([0-9a-f]{64})\.head")


class HeadFolder:
    """The `HeadLog` port over a folder, such as a bucket whose objects nobody may delete for some years.

    Args:
        base: For example ``file:///mnt/worm/retrain`` or ``s3://bucket/heads``.
    """

    def __init__(self, base: str | UPath) -> None:
        self._base = UPath(base)

    def last(self) -> Head | None:
        """Return the head with the most entries; the name of its file says it."""
        try:
            names = [_NAME.fullmatch(path.name) for path in self._base.iterdir()] if self._base.exists() else []
        except OSError as error:
            raise _no_answer(error) from None
        heads = [Head(int(name[1]), name[2]) for name in names if name]
        return max(heads, key=lambda head: head.count, default=None)

    def keep(self, head: Head) -> None:
        """Write the head's file, unless it is there."""
        path = self._base / f"{head.count:012d}-{head.hash}.head"
        try:
            if not path.exists():
                self._base.mkdir(parents=True, exist_ok=True)
                path.write_text(f"{head}\n")
        except OSError as error:
            raise _no_answer(error) from None


def _no_answer(error: OSError) -> OutageError:
    return OutageError(
        "the place that keeps the ledger's heads must answer",
        got=type(error).__name__,
        fix="Check the setting [retrain] heads.",
    )

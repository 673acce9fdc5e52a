"""What error control hands to a retrain, and what it remembers of those before."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from retrain.errors import ConflictError

__all__ = ["Allotment", "PastTest"]


@dataclass(frozen=True)
class Allotment:
    """The error that one test of a challenger against a champion may make.

    Attributes:
        method: How the level was found.
        level: How often luck alone may pass, one-sided; 0 if nothing is left.
        test: The identity of the test: the same challenger, champion and policy are the same test, however often it is asked for.
        sequence: The sequence of tests that shares a budget.
        place: The place in that sequence, from 1; None where the test spends nothing, because nothing is left or because an
            earlier decision has spent it for the same test.
        why_none: Why the level is 0, and until when.
    """

    method: Literal["alpha_spending", "lord"]
    level: float
    test: str
    sequence: str
    place: int | None
    why_none: str = ""

    def check_place(self, taken: int) -> None:
        """Check that the place is the next of its sequence, of which `taken` are taken.

        Raises:
            ConflictError: Another test took it first, so the level rests on a past that is no more.
        """
        if self.place is not None and self.place != taken + 1:
            raise ConflictError(
                f"a test must take the next place of {self.sequence}",
                got=f"place {self.place} after {taken} tests",
                fix="Clear the task gate: it gets a level of its own.",
            )


@dataclass(frozen=True)
class PastTest:
    """One test of a sequence.

    Attributes:
        promoted: Whether it ended in PROMOTE: the rejection of "the challenger is no better".
    """

    test: str
    place: int
    as_of: datetime
    level: float
    promoted: bool

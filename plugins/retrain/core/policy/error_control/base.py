"""The error level of one test, and the record of past tests."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from retrain.errors import ConflictError

__all__ = ["Allotment", "PastTest"]


@dataclass(frozen=True)
class Allotment:
    """The error level that a test of a challenger against a champion gets.

    Attributes:
        method: The method that computed the level.
        level: The one-sided probability that a challenger passes that is not better; 0 if the budget is spent.
        test: The identity of the test: the same challenger, champion and policy are the same test, however often it runs.
        sequence: The name of the sequence of tests that share a budget.
        place: The place in that sequence, from 1; None if the test spends nothing, because the budget is spent or because an
            earlier decision spent it on the same test.
        why_none: Why the level is 0, and until when.
    """

    method: Literal["alpha_spending", "lord"]
    level: float
    test: str
    sequence: str
    place: int | None
    why_none: str = ""

    def check_place(self, taken: int) -> None:
        """Check that the place is the next one of a sequence with `taken` tests.

        Raises:
            ConflictError: Another test took the place first, so the level is computed from an outdated sequence.
        """
        if self.place is not None and self.place != taken + 1:
            raise ConflictError(
                f"a test must take the next place of {self.sequence}",
                got=f"place {self.place} after {taken} tests",
                fix="Clear the task gate: it computes a new level.",
            )


@dataclass(frozen=True)
class PastTest:
    """One test of a sequence.

    Attributes:
        promoted: Whether the decision was PROMOTE, which rejects the hypothesis "the challenger is not better".
    """

    test: str
    place: int
    as_of: datetime
    level: float
    promoted: bool

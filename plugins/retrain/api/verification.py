"""The check of the whole ledger for readers of the API: one at a time, and its result for a while."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from threading import Lock
from typing import Final

from retrain.adapters.sql_ledger import SqlLedger
from retrain.api.capacity import BusyError
from retrain.api.problems import describe
from retrain.api.schemas.problem import Problem
from retrain.core.ledger.entries import Head
from retrain.errors import IntegrityError

__all__ = ["Checked", "Verification"]

FRESH: Final = timedelta(seconds=30)
"""How long a result is given to every reader."""
WHOLE_EVERY: Final = timedelta(minutes=10)
"""How often the whole ledger is checked; in between only what is new."""


@dataclass(frozen=True)
class Checked:
    """What a check found.

    Attributes:
        at: When it began.
        entries: How many entries there were; None if it ended at a break.
        problem: The break.
    """

    at: datetime
    entries: int | None
    problem: Problem | None


class Verification:
    """Checks the ledger, at most once at a time."""

    def __init__(self) -> None:
        self._running = Lock()
        self._last: Checked | None = None
        self._head: Head | None = None
        self._whole_at = datetime.min.replace(tzinfo=UTC)

    def check(self, ledger: SqlLedger) -> Checked:
        """Return the last result if it is fresh or another check runs; otherwise check.

        Raises:
            BusyError: The first check runs.
        """
        last = self._last
        if last is not None and datetime.now(UTC) - last.at < FRESH:
            return last
        if not self._running.acquire(blocking=False):
            if last is None:
                raise BusyError("a check of the ledger that runs")
            return last
        try:
            self._last = self._check(ledger)
            return self._last
        finally:
            self._running.release()

    def _check(self, ledger: SqlLedger) -> Checked:
        at = datetime.now(UTC)
        if at - self._whole_at >= WHOLE_EVERY:
            self._head, self._whole_at = None, at
        since, self._head = self._head, None
        try:
            head = ledger.verify(since)
        except IntegrityError as error:
            _, problem = describe(error)
            self._whole_at = datetime.min.replace(tzinfo=UTC)
            return Checked(at, None, problem)
        self._head = head
        return Checked(at, head.count, None)

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
from retrain.errors import IntegrityError

__all__ = ["Checked", "Verification"]

FRESH: Final = timedelta(seconds=30)
"""How long a result is given to every reader; a check reads the whole ledger."""


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
            self._last = _check(ledger)
            return self._last
        finally:
            self._running.release()


def _check(ledger: SqlLedger) -> Checked:
    at = datetime.now(UTC)
    try:
        return Checked(at, ledger.verify().count, None)
    except IntegrityError as error:
        _, problem = describe(error)
        return Checked(at, None, problem)

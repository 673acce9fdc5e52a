"""A pause after an outage, in which nobody waits for a system that does not answer."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock
from time import monotonic

from retrain.errors import OutageError

__all__ = ["Breaker"]


class Breaker:
    """Refuses calls for a while after one of them found an outage; after each pause one call may try again.

    Args:
        system: What is called.
        pause: The seconds between two tries during an outage.
    """

    def __init__(self, system: str, pause: float = 15) -> None:
        self._system = system
        self._pause = pause
        self._next_try: float | None = None
        self._lock = Lock()

    @contextmanager
    def watch_call(self) -> Iterator[None]:
        """Refuse the call, or note whether it found an outage.

        Raises:
            OutageError: The last call found one, and the pause is not over.
        """
        self._check()
        try:
            yield
        except OutageError:
            self._next_try = monotonic() + self._pause
            raise
        except Exception:
            self._next_try = None  # a refusal is an answer
            raise
        else:
            self._next_try = None

    def _check(self) -> None:
        with self._lock:
            if self._next_try is None:
                return
            if monotonic() < self._next_try:
                raise OutageError(
                    f"{self._system} must answer",
                    got="no answer a moment ago",
                    fix=f"Reload the page later: it is asked every {self._pause:.0f} s.",
                )
            self._next_try = monotonic() + self._pause  # the others wait for the outcome of this try

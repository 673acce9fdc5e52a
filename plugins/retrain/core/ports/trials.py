"""Searches for the best params, shared by workers and resumed after a kill."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping

    from retrain.core.spec import SearchSpec
    from retrain.core.training.search import Candidate, Goal, Trial, TrialState

__all__ = ["Search", "TrialStore"]


class Search(Protocol):
    """One search: exactly as many trials as were wanted, shared by all who work on it.

    A trial is deterministic, so that two who do the same one by accident find the same, and the first to close it counts.
    """

    def take(self) -> Candidate | None:
        """Return the next trial to do, for this worker alone; None where none is left to begin.

        Trials that this worker began in an earlier life come first, with the params and values they had. One that was begun
        three times and never closed is closed as failed, since it kills who does it.
        """

    def report(self, number: int, fold: int, value: float) -> bool:
        """Store the value of a fold, the first is 0; return whether the rest of the trial is not worth its time."""

    def close(self, number: int, state: TrialState, *, seconds: float, error: str = "") -> None:
        """End a trial; one that is closed stays as it is."""

    def trials(self) -> list[Trial]:
        """Return the closed trials by number."""


class TrialStore(Protocol):
    """Searches for the best params, stored so that one that was killed goes on where it was."""

    def open(
        self, key: str, search: SearchSpec, goal: Goal, *, start: Mapping[str, Any], seed: int, worker: int | None
    ) -> Search:
        """Return the search of a key, made on the first call and found on every later one.

        Args:
            start: Params that the first trial must have.
            worker: Who works on it, so that a retry takes up its own trials; None takes up everybody's.
        """

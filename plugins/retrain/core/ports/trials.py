"""Hyperparameter searches, shared by workers and resumed after a crash."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping

    from retrain.core.spec import SearchSpec
    from retrain.core.training.search import Candidate, Goal, Trial, TrialState

__all__ = ["Search", "TrialStore"]


class Search(Protocol):
    """One search with a fixed number of trials, shared by its workers.

    A trial is deterministic: if two workers run the same trial by accident, both get the same result, and the first close counts.
    """

    def take(self) -> Candidate | None:
        """Return the next trial, reserved for this worker; None if no trial is left.

        Trials that this worker began before a crash come first, with the same params and the values stored so far. A trial
        that was begun three times and never closed is closed as failed, because it kills its worker.
        """

    def report(self, number: int, fold: int, value: float) -> bool:
        """Store the value of one fold and return whether to prune the trial.

        Args:
            number: The trial's number.
            fold: The fold's number, from 0.
            value: The metric on the fold; the first stored value of a fold stays.
        """

    def close(self, number: int, state: TrialState, *, seconds: float, error: str = "") -> None:
        """Close a trial; a trial that is closed already stays as it is.

        Args:
            number: The trial's number.
            state: How it ended.
            seconds: Duration of the attempt.
            error: The class of the error of a failed trial; never its text.
        """

    def trials(self) -> list[Trial]:
        """Return the closed trials in order of their number."""


class TrialStore(Protocol):
    """Stores searches, so that a killed search resumes where it stopped."""

    def open(
        self, key: str, search: SearchSpec, goal: Goal, *, start: Mapping[str, Any], seed: int, worker: int | None
    ) -> Search:
        """Return the search of a key; the first call creates it, later calls find it.

        Args:
            key: The key of the retrain.
            search: The search space and the number of trials.
            goal: The metric and its direction.
            start: Params that the first trial must have.
            seed: Seed of the sampler.
            worker: Number of the calling worker, so that a retry resumes its own trials; None resumes every open trial.
        """

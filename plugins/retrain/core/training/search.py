"""What a search tried, and which of it was best."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from statistics import fmean
from typing import Any

__all__ = ["Candidate", "Goal", "Trial", "TrialState", "best_trial", "describe_trial"]


class TrialState(StrEnum):
    """How a trial ended."""

    COMPLETE = "complete"
    PRUNED = "pruned"
    FAILED = "failed"


@dataclass(frozen=True)
class Goal:
    """What a search is after."""

    metric: str
    greater_is_better: bool


@dataclass(frozen=True)
class Candidate:
    """Params to try.

    Attributes:
        number: Of the trial in its search, from 0.
        values: What an earlier try, which died, found on the first folds.
    """

    number: int
    params: Mapping[str, Any]
    values: tuple[float, ...] = ()


@dataclass(frozen=True)
class Trial:
    """Params that were tried.

    Attributes:
        values: The metric on each fold, the oldest first; fewer than all folds where the trial was pruned or failed.
        seconds: How long the try that ended it took.
        error: The class of the error of a failed trial; never its text, which may hold row values.
    """

    number: int
    params: Mapping[str, Any]
    state: TrialState
    values: tuple[float, ...]
    seconds: float
    error: str = ""

    @property
    def value(self) -> float:
        """The mean over the folds; NaN without any."""
        return fmean(self.values) if self.values else math.nan


def best_trial(trials: Sequence[Trial], goal: Goal) -> Trial | None:
    """Return the complete trial with the best value, of equals the first; None where none is complete."""
    complete = sorted((trial for trial in trials if trial.state is TrialState.COMPLETE), key=lambda trial: trial.number)
    choose = max if goal.greater_is_better else min
    return choose(complete, key=lambda trial: trial.value, default=None)


def describe_trial(
    trial: Trial, trials: Sequence[Trial], goal: Goal, *, wanted: int, minutes_left: float | None
) -> str:
    """Return one line for people: the trial, the best so far, and what is left.

    >>> goal = Goal("roc_auc", greater_is_better=True)
    >>> trial = Trial(0, {}, TrialState.COMPLETE, (0.7, 0.8), 2.0)
    >>> describe_trial(trial, [trial], goal, wanted=20, minutes_left=None)
    'Trial 0: roc_auc 0.7500 in 2.0 s; best 0.7500 (trial 0); 1 of 20 done'
    """
    found = f"{trial.state.value}: {trial.error}" if trial.error else f"{goal.metric} {trial.value:.4f}"
    if trial.state is TrialState.PRUNED:
        found += f", pruned after fold {len(trial.values)}"
    best = best_trial(trials, goal)
    best_said = "none yet" if best is None else f"{best.value:.4f} (trial {best.number})"
    left = "" if minutes_left is None else f", {max(0.0, minutes_left):.1f} min left"
    return f"Trial {trial.number}: {found} in {trial.seconds:.1f} s; best {best_said}; {len(trials)} of {wanted} done{left}"

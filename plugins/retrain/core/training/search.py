"""The trials of a hyperparameter search, and the best of them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from statistics import fmean
from typing import Any

__all__ = ["Candidate", "Goal", "Trial", "TrialState", "describe_trial", "find_best_trial"]


class TrialState(StrEnum):
    """How a trial ended."""

    COMPLETE = "complete"
    PRUNED = "pruned"
    FAILED = "failed"


@dataclass(frozen=True)
class Goal:
    """The metric that a search optimises, and its direction."""

    metric: str
    greater_is_better: bool


@dataclass(frozen=True)
class Candidate:
    """The params of a trial that is about to start.

    Attributes:
        number: Number of the trial in its search, from 0.
        params: The params by name.
        values: The metric on the first folds, from an earlier attempt that was killed.
    """

    number: int
    params: Mapping[str, Any]
    values: tuple[float, ...] = ()


@dataclass(frozen=True)
class Trial:
    """A finished trial.

    Attributes:
        number: Number of the trial in its search, from 0.
        params: The params by name.
        state: How it ended.
        values: The metric per fold, the oldest first; a pruned or failed trial has fewer values than folds.
        seconds: Duration of the attempt that ended it.
        error: The class of the error of a failed trial; never its text, which may contain row values.
    """

    number: int
    params: Mapping[str, Any]
    state: TrialState
    values: tuple[float, ...]
    seconds: float
    error: str = ""

    @property
    def value(self) -> float:
        """The mean over the folds; NaN without values."""
        return fmean(self.values) if self.values else math.nan


def find_best_trial(trials: Sequence[Trial], goal: Goal) -> Trial | None:
    """Return the complete trial with the best value, the first of equals; None if no trial is complete."""
    complete = sorted((trial for trial in trials if trial.state is TrialState.COMPLETE), key=lambda trial: trial.number)
    choose = max if goal.greater_is_better else min
    return choose(complete, key=lambda trial: trial.value, default=None)


def describe_trial(
    trial: Trial, trials: Sequence[Trial], goal: Goal, *, wanted: int, minutes_left: float | None
) -> str:
    """Return one line of progress: the trial, the best trial so far, and the remaining work.

    Args:
        trial: The trial that just ended.
        trials: All ended trials.
        goal: The metric and its direction.
        wanted: Number of trials of the search.
        minutes_left: Remaining time; None without a limit.

    >>> goal = Goal("roc_auc", greater_is_better=True)
    >>> trial = Trial(0, {}, TrialState.COMPLETE, (0.7, 0.8), 2.0)
    >>> describe_trial(trial, [trial], goal, wanted=20, minutes_left=None)
    'Trial 0: roc_auc 0.7500 in 2.0 s; best 0.7500 (trial 0); 1 of 20 done'
    """
    result = f"{trial.state.value}: {trial.error}" if trial.error else f"{goal.metric} {trial.value:.4f}"
    if trial.state is TrialState.PRUNED:
        result += f", pruned after fold {len(trial.values)}"
    best = find_best_trial(trials, goal)
    best_text = "none yet" if best is None else f"{best.value:.4f} (trial {best.number})"
    remaining = "" if minutes_left is None else f", {max(0.0, minutes_left):.1f} min left"
    return f"Trial {trial.number}: {result} in {trial.seconds:.1f} s; best {best_text}; {len(trials)} of {wanted} done{remaining}"

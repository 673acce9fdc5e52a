"""Replays a policy on past retrains: its decisions, and the metrics of its champions in the next windows."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from typing import Any

from retrain.core.codec import JsonDataclass, finite_or_none
from retrain.core.policy.decision import Choice

__all__ = ["Backtest", "Step", "Verdicts", "walk"]

Verdicts = Callable[[int, int | None], tuple[Choice, str]]
"""What a policy says of challenger i against champion j, or against the baseline."""
Metric = Callable[[int, int], float]
"""The metric of model j on the rows of holdout i > 0 that are in no earlier holdout; NaN without such rows."""


@dataclass(frozen=True)
class Step(JsonDataclass):
    """One past retrain under a policy.

    Attributes:
        champion: The champion's version after the retrain.
        next_value: The champion's metric in the next window, on rows that no decision had seen; NaN if there are none.
        best_next: The best metric in that window of all versions made so far: the choice in hindsight.
        never_next: The metric of the first version in that window: never retraining.
        promotion_gain: The gain in that window over the previous champion, if the step promoted.
    """

    as_of: datetime
    version: int
    choice: Choice
    reason: str
    champion: int | None
    next_value: float
    best_next: float
    never_next: float
    promotion_gain: float = math.nan


@dataclass(frozen=True)
class Backtest:
    """A policy over a history; a positive gain is better, a positive regret is worse, both in units of the metric."""

    policy: str
    metric: str
    greater_is_better: bool
    steps: tuple[Step, ...]

    @property
    def promotions(self) -> int:
        """Number of promoted challengers."""
        return sum(step.choice is Choice.PROMOTE for step in self.steps)

    @property
    def bad_promotions(self) -> int:
        """Number of promoted challengers with a worse metric in the next window than the champion that they replaced."""
        return sum(step.promotion_gain < 0 for step in self.steps)

    @property
    def flaps(self) -> int:
        """Number of champions that the next retrain replaced."""
        promoted = [step.choice is Choice.PROMOTE for step in self.steps]
        return sum(first and second for first, second in pairwise(promoted))

    @property
    def mean_next(self) -> float:
        """The mean of the champion's metric in the next windows."""
        return _mean([step.next_value for step in self.steps])

    @property
    def regret(self) -> float:
        """The mean loss against the best choice in hindsight."""
        return _mean([self._sign * (step.best_next - step.next_value) for step in self.steps])

    @property
    def gain_over_never(self) -> float:
        """The mean gain over never retraining."""
        return _mean([self._sign * (step.next_value - step.never_next) for step in self.steps])

    def worse_than(self, other: Backtest) -> bool:
        """Whether its champions have a worse mean metric in the windows in which both policies had a champion."""
        pairs = zip(self.steps, other.steps, strict=True)
        gaps = [self._sign * (own.next_value - others.next_value) for own, others in pairs]
        return _mean(gaps) < 0

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON; a number that is not finite becomes null."""
        return {
            "policy": self.policy,
            "metric": self.metric,
            "promotions": self.promotions,
            "bad_promotions": self.bad_promotions,
            "flaps": self.flaps,
            "mean_next": finite_or_none(self.mean_next),
            "regret": finite_or_none(self.regret),
            "gain_over_never": finite_or_none(self.gain_over_never),
            "steps": [step.to_json() for step in self.steps],
        }

    @property
    def _sign(self) -> float:
        return 1.0 if self.greater_is_better else -1.0


def walk(
    policy: str,
    retrains: Sequence[tuple[datetime, int]],
    verdicts: Verdicts,
    value: Metric,
    *,
    metric: str,
    greater_is_better: bool,
    every: int = 1,
) -> Backtest:
    """Apply a policy to past retrains in order, each against the champion that the policy itself promoted.

    Args:
        policy: Its name.
        retrains: (as-of, version) of each retrain, sorted by as-of.
        verdicts: The decision on retrain i against the champion made in retrain j.
        value: The metric of the version of retrain j on the rows of holdout i that are in no earlier holdout.
        metric: The metric's name.
        greater_is_better: Whether a greater value is better.
        every: Use only every n-th retrain, as a slower schedule would.
    """
    sign = 1.0 if greater_is_better else -1.0
    champion: int | None = None
    steps = []
    for i, (as_of, version) in enumerate(retrains):
        before = champion
        choice, reason = (Choice.HOLD, "skipped by the slower schedule") if i % every else verdicts(i, champion)
        if choice is Choice.PROMOTE:
            champion = i
        last = i + 1 >= len(retrains)
        next_value = math.nan if last or champion is None else value(champion, i + 1)
        known = [] if last else [found for j in range(i + 1) if math.isfinite(found := value(j, i + 1))]
        gain = math.nan
        if choice is Choice.PROMOTE and before is not None and not last:
            gain = sign * (next_value - value(before, i + 1))
        steps.append(
            Step(
                as_of,
                version,
                choice,
                reason,
                None if champion is None else retrains[champion][1],
                next_value,
                max(known, key=lambda found: sign * found, default=math.nan),
                math.nan if last else value(0, i + 1),
                gain,
            )
        )
    return Backtest(policy, metric, greater_is_better, tuple(steps))


def _mean(values: Sequence[float]) -> float:
    finite = [value for value in values if math.isfinite(value)]
    return math.fsum(finite) / len(finite) if finite else math.nan

"""What the gates share that judge by the rating of all versions over all windows."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from retrain.core.policy.gates.base import Gate, Outcome, Verdict
from retrain.core.policy.gates.beats_champion import BeatsChampion
from retrain.core.policy.gates.intervals import ClusterBy, cluster_columns
from retrain.core.stats.metric_names import MetricName
from retrain.errors import DataError

if TYPE_CHECKING:
    from retrain.core.policy.evidence import Evidence
    from retrain.core.ratings import ExpectedGain, Rating

__all__ = ["RatedGate", "describe_ageing", "format_amount", "format_chance"]

_MONTH: Final = timedelta(days=30)
_SEEN: Final = 0.9
"""Reasons state ageing as a fact if versions lose with age with at least this probability."""


class RatedGate(Gate):
    """A gate that judges the expected gain over the champion by all windows so far, as `retrain.core.ratings` rates versions.

    The first model of a timeline has no champion to be rated against: it must beat a dummy significantly, as `beats_champion`
    judges it.
    """

    if TYPE_CHECKING:  # a subclass declares them after its own `check`, in the order of its reference
        metric: MetricName
        cluster_by: ClusterBy

    @property
    def columns(self) -> tuple[str, ...]:
        """The column that clusters, if it is not a period."""
        return cluster_columns(self.cluster_by)

    @property
    def rated(self) -> tuple[str, str | None]:
        """The metric and the clusters that versions are rated by."""
        return self.metric, self.cluster_by

    @property
    def first_confidence(self) -> float:
        """The confidence with which the first model of a timeline must beat the dummy."""
        return 0.95

    def judge(self, evidence: Evidence) -> Verdict:
        """Return the verdict on the expected gain; inconclusive if versions cannot be rated."""
        if evidence.opponent is None:
            return self.verdict(Outcome.INCONCLUSIVE, evidence.why_no_opponent)
        if evidence.opponent == "baseline":
            first = BeatsChampion(
                check="beats_champion", metric=self.metric, cluster_by=self.cluster_by, confidence=self.first_confidence
            )
            return replace(first.judge(evidence), check=self.verdict(Outcome.PASS, "").check)
        try:
            rating = evidence.rate_versions(self.metric, self.cluster_by)
            gain = evidence.expected_gain(rating, self.metric, self.cluster_by)
        except DataError as error:
            return self.verdict(Outcome.INCONCLUSIVE, str(error))
        return self._judge_gain(evidence, rating, gain)

    @abstractmethod
    def _judge_gain(self, evidence: Evidence, rating: Rating, gain: ExpectedGain) -> Verdict:
        """Return the verdict on the gain over the champion."""

    def describe(self, rating: Rating, gain: ExpectedGain, ruling: str) -> str:
        """Return a reason: what the rating expects, what follows, and how fast versions age.

        The first part is like ``roc_auc is expected to improve by 0.006 (93 % sure that it is better, …)``.
        """
        direction = "improve" if gain.mean >= 0 else "worsen"
        better = gain.probability_above(0.0)
        sure = f"{format_chance(max(better, 1 - better))} sure that it is {'better' if better >= 0.5 else 'worse'}"
        windows = f"{rating.windows} window" + ("s" if rating.windows != 1 else "")
        expected = (
            f"{self.metric} is expected to {direction} by {format_amount(abs(gain.mean))} ({sure}, after {windows})"
        )
        return f"{expected}; {ruling}. {describe_ageing(rating.ageing(_MONTH))}"


def describe_ageing(month: ExpectedGain) -> str:
    """Return how fast versions of a pipeline age, as far as that is known: by what 30 days of age cost."""
    if month.probability_below(0.0) <= 1 - _SEEN and month.mean > 0:
        return f"A month of age costs a version about {format_amount(month.mean)} here."
    return "No ageing of versions is seen here yet."


def format_amount(value: float) -> str:
    """Return a number with two significant digits."""
    return f"{float(f'{value:.2g}'):g}"


def format_chance(probability: float) -> str:
    """Return a probability as a percentage that never claims certainty."""
    percent = 100 * probability
    if percent > 99.9:
        return "over 99.9 %"
    if percent < 0.1:
        return "under 0.1 %"
    return f"{percent:.3g} %" if percent > 99 else f"{percent:.2g} %"

"""The challenger is promoted only if it is almost certainly better, at the level that error control gives."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from pydantic import Field

from retrain.core.policy.gates.base import Outcome, Verdict
from retrain.core.policy.gates.intervals import ClusterBy
from retrain.core.policy.gates.rated import RatedGate
from retrain.core.stats.metric_names import MetricName

if TYPE_CHECKING:
    from retrain.core.policy.evidence import Evidence
    from retrain.core.ratings import ExpectedGain, Rating

__all__ = ["Strict"]


class Strict(RatedGate):
    """Pass if the probability that the challenger is not better than the champion is at most the level.

    The level is ``(1 - confidence) / 2``, or what the pipeline's error control grants if that is less. The probability rests on
    all windows so far, as `retrain.core.ratings` rates the versions, so a lasting gain is found sooner than by a test of each
    window on its own. For models whose promotions are audited; `fresh` keeps models fresher.

    Fail if the challenger is worse with that certainty, inconclusive otherwise.
    """

    check: Literal["strict"]
    metric: MetricName
    cluster_by: ClusterBy = "day"
    confidence: float = Field(0.95, gt=0.5, lt=1)

    @property
    def first_confidence(self) -> float:
        """The confidence with which the first model of a timeline must beat the dummy."""
        return self.confidence

    @property
    def spends(self) -> bool:
        """Whether this gate spends what error control grants."""
        return True

    def _judge_gain(self, evidence: Evidence, rating: Rating, gain: ExpectedGain) -> Verdict:
        level = round((1 - self.confidence) / 2, 12)
        if evidence.allotment is not None:
            level = min(level, evidence.allotment.level)
        if not level:
            return self.verdict(Outcome.INCONCLUSIVE, evidence.why_no_level, bound=0.0, level=0.0)
        doubt = 1 - gain.probability_above(0.0)
        needed = f"a promotion must be {100 * (1 - level):.6g} % sure"
        if doubt <= level:
            outcome, told = Outcome.PASS, needed
        elif 1 - doubt <= level:
            outcome, told = Outcome.FAIL, "the champion stays"
        else:
            outcome = Outcome.INCONCLUSIVE
            told = f"{needed}; the champion stays, and this window counts in the next rating"
        reason = self.describe(rating, gain, told)
        interval = gain.interval(level)
        return self.verdict(outcome, reason, gain.mean, 0.0, interval, method="rating", level=level)

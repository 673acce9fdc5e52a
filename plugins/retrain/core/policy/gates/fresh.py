"""The challenger is promoted if it is expected to be better by what a promotion is worth, and hardly likely to do harm."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal

from pydantic import Field

from retrain.core.policy.gates.base import Outcome, Verdict
from retrain.core.policy.gates.intervals import ClusterBy
from retrain.core.policy.gates.rated import RatedGate, format_amount, format_chance
from retrain.core.stats.metric_names import MetricName

if TYPE_CHECKING:
    from retrain.core.policy.evidence import Evidence
    from retrain.core.ratings import ExpectedGain, Rating

__all__ = ["Fresh"]

_WORTH: Final = 0.1
"""The default of `worth`, in errors of one comparison."""
_HARM: Final = 10
"""The default of `harm`, in units of `worth`."""
_WORSE: Final = 0.025
"""With a smaller probability of being better the challenger is rejected."""


class Fresh(RatedGate):
    """Pass if the expected gain over the champion exceeds `worth`, and a loss over `harm` has a chance of at most `max_risk`.

    The expected gain rests on all windows so far, not on the last one alone: each retrain measures the last versions on its fresh
    rows, and `retrain.core.ratings` rates them. So a HOLD loses nothing; a challenger of a pipeline that ages starts ahead, and
    one of a pipeline that does not must prove itself; and the gain of the best of many is not flattered by its luck.

    `worth` is the smallest gain for which a promotion is worth its trouble. Its default is a tenth of the error of one comparison:
    in simulations that costs hardly any quality against promoting at once whatever looks better, at about a sixth of its promotions
    where versions are equal. `harm` is a loss that would hurt; its default is ten times `worth`.

    Fail if the challenger is worse with a probability of 97.5 %, inconclusive otherwise.
    """

    check: Literal["fresh"]
    metric: MetricName
    cluster_by: ClusterBy = "day"
    worth: float | None = Field(
        None,
        ge=0,
        allow_inf_nan=False,
        description="The smallest gain worth a promotion, in units of the metric; by default a tenth of a comparison's error.",
    )
    harm: float | None = Field(
        None,
        gt=0,
        allow_inf_nan=False,
        description="A loss that would hurt, in units of the metric; by default ten times `worth`.",
    )
    max_risk: float = Field(0.05, gt=0, le=0.5, description="Greatest probability of a loss over `harm`.")

    def _judge_gain(self, evidence: Evidence, rating: Rating, gain: ExpectedGain) -> Verdict:  # noqa: ARG002 - `strict` reads its level
        worth = _WORTH * rating.error if self.worth is None else self.worth
        harm = _HARM * (worth or _WORTH * rating.error) if self.harm is None else self.harm
        risk = gain.probability_below(-harm)
        if gain.mean > worth and risk <= self.max_risk:
            outcome = Outcome.PASS
            told = (
                f"a promotion needs more than {format_amount(worth)}, and a loss over {format_amount(harm)} has a chance of "
                f"{format_chance(risk)}"
            )
        elif gain.probability_above(0.0) < _WORSE:
            outcome, told = Outcome.FAIL, "the champion stays"
        elif gain.mean > worth:
            outcome = Outcome.INCONCLUSIVE
            told = (
                f"but it may also lose more than {format_amount(harm)} (a chance of {format_chance(risk)}, max_risk is "
                f"{format_chance(self.max_risk)}), so the champion stays until more windows tell"
            )
        else:
            outcome = Outcome.INCONCLUSIVE
            needed = f"a promotion needs more than {format_amount(worth)}"
            told = f"{needed}; the champion stays, and this window counts in the next rating"
        reason = self.describe(rating, gain, told)
        return self.verdict(outcome, reason, gain.mean, worth, gain.interval(), method="rating")

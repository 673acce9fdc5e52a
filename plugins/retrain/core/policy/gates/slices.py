"""No slice of the holdout may get significantly worse, however good the average is."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final, Literal

from pydantic import Field

from retrain.core.policy.gates.base import Gate, Outcome, Verdict
from retrain.core.policy.gates.intervals import ClusterBy, add_dependence, cluster_columns, describe_method
from retrain.core.policy.gates.reasons import mention_absent_classes
from retrain.core.stats.holm import adjust_p_values
from retrain.core.stats.metric_names import GREATER_IS_BETTER, MetricName
from retrain.errors import DataError

if TYPE_CHECKING:
    from retrain.core.evaluation.scorecard import SliceScore
    from retrain.core.policy.evidence import Evidence
    from retrain.core.stats.intervals import Gain

__all__ = ["Slices"]

_NAMED: Final = 5
"""How many slices that were not tested a reason names."""


class Slices(Gate):
    """Fail if a slice loses significantly more than `max_drop` against the champion (or the baseline).

    Each slice with enough rows gets a one-sided test for a true drop above `max_drop`, with the interval that `beats_champion`
    chooses and whole clusters. Holm's correction keeps the probability that any of m harmless slices fails the gate at
    ``1 - confidence``. A slice must be shown to be worse: of 20 slices one or two always look worse by chance, and that neither
    rejects nor holds a challenger that won overall. The outcomes:

    - fail: a slice's drop is significantly above `max_drop`, corrected for the number of tested slices;
    - pass: none is. `detectable` is the drop of the least precise slice that fails with 80 % power: if it is far above
      `max_drop`, the gate is weak and needs more rows or fewer slices;
    - inconclusive: no slice can be tested, or the metric of a slice is defined for only one of the two models.

    A slice cannot be tested if it has fewer than `min_rows` rows, if the metric is not defined (one class only), or if it has too
    few clusters (of a class). The reason names such slices. They do not count, unless `untested` is ``hold``: then the gate is
    inconclusive if there is one and no other slice fails.
    """

    check: Literal["slices"]
    metric: MetricName
    max_drop: float = Field(ge=0, allow_inf_nan=False, description="In units of the metric.")
    min_rows: int = Field(500, ge=1)
    confidence: float = Field(0.95, gt=0.5, lt=1, description="One-sided, for all slices together.")
    cluster_by: ClusterBy = None
    untested: Literal["list", "hold"] = Field(
        "list",
        description="What becomes of a slice that cannot be tested: the reason lists it, or the gate is inconclusive.",
    )

    @property
    def columns(self) -> tuple[str, ...]:
        """The column that clusters, if it is not a period."""
        return cluster_columns(self.cluster_by)

    def judge(self, evidence: Evidence) -> Verdict:
        """Return fail with the name of the worst slice, inconclusive, or pass."""
        if evidence.opponent is None:
            return self.verdict(Outcome.INCONCLUSIVE, evidence.why_no_opponent)
        large, untested = [], []
        for score in evidence.slice_scores():
            drop = self._observed_drop(score)
            if score.rows < self.min_rows or drop is None:
                untested.append(_name(score))
            elif not math.isfinite(drop):
                reason = f"{self.metric} of {_name(score)} is defined for only one of the two models; check their predictions"
                return self.verdict(Outcome.INCONCLUSIVE, reason, bound=self.max_drop)
            else:
                large.append((score, drop))
        level = round(1 - self.confidence, 12)
        try:
            gains = evidence.slice_gains([score for score, _ in large], self.metric, self.cluster_by, level)
        except DataError as error:
            return self.verdict(Outcome.INCONCLUSIVE, str(error), bound=self.max_drop)
        tested = []
        for (score, drop), gain in zip(large, gains, strict=True):
            if gain is None:
                untested.append(_name(score))
            else:
                tested.append(_Drop(score, drop, gain, self.max_drop))
        if not tested:
            reason = (
                f"no slice can be tested: none has {self.min_rows:,} rows, a defined {self.metric} and enough clusters; widen the "
                "holdout or lower min_rows"
            )
            return self.verdict(Outcome.INCONCLUSIVE, reason, bound=self.max_drop)
        verdict = self._judge_drops(tested, untested, level)
        return replace(verdict, reason=mention_absent_classes(verdict.reason, evidence, self.metric))

    def _observed_drop(self, score: SliceScore) -> float | None:
        """Return how much worse the challenger is; None if the metric is defined for neither model, NaN if only for one."""
        challenger, opponent = (side.get(self.metric, math.nan) for side in (score.challenger, score.opponent))
        if not (math.isfinite(challenger) or math.isfinite(opponent)):
            return None
        return opponent - challenger if GREATER_IS_BETTER[self.metric] else challenger - opponent

    def _judge_drops(self, tested: list[_Drop], untested: list[str], level: float) -> Verdict:
        corrected = adjust_p_values([drop.p_value for drop in tested])
        failed = [drop for drop, p_value in zip(tested, corrected, strict=True) if p_value <= level]
        worst = max(failed or tested, key=lambda drop: drop.value)
        change = (
            f"{self.metric} of {_name(worst.score)} {'drops' if worst.value > 0 else 'gains'} {abs(worst.value):.4f}"
        )
        if failed:
            outcome, reason = Outcome.FAIL, f"{change}, significantly above the maximum of {self.max_drop:g}"
        else:
            hold = untested and self.untested == "hold"
            outcome = Outcome.INCONCLUSIVE if hold else Outcome.PASS
            relation = "not significantly above" if worst.value > self.max_drop else "within"
            among = f"worst of {len(tested)} slice{'s' if len(tested) > 1 else ''}"
            reason = f"{among}: {change}, {relation} the maximum of {self.max_drop:g}"
        reason = add_dependence(reason, worst.gain, self.cluster_by)
        if untested:
            reason += f"; {_list_untested(untested)}"
        if outcome is Outcome.INCONCLUSIVE:
            reason += "; widen the holdout, lower min_rows or set untested to list"
        return self.verdict(
            outcome,
            reason,
            worst.value,
            self.max_drop,
            column=worst.score.column,
            group=worst.score.value,
            method=f"{describe_method(worst.gain)}, Holm over {len(tested)}",
            detectable=max(self.max_drop + drop.gain.detectable_gain_at(level / len(tested)) for drop in tested),
        )


@dataclass(frozen=True)
class _Drop:
    """How much worse one slice is, and how much worse it may be (`most`)."""

    score: SliceScore
    value: float
    gain: Gain
    most: float

    @property
    def p_value(self) -> float:
        """The probability of at least this drop if the true drop were `most`."""
        return self.gain.p_value_below(-self.most)


def _name(score: SliceScore) -> str:
    return f"{score.column}={score.value}"


def _list_untested(names: list[str]) -> str:
    more = len(names) - _NAMED
    listed = ", ".join(names[:_NAMED]) + (f" and {more} more" if more > 0 else "")
    return f"too few rows or clusters to test {listed}"

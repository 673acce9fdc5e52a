"""No slice of the holdout may get significantly worse, however good the average is."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from pydantic import Field

from retrain.core.policy.gates.base import Gate, Outcome, Verdict
from retrain.core.policy.gates.intervals import ClusterBy, add_dependence, cluster_columns, describe_method
from retrain.core.stats.holm import adjust_p_values
from retrain.core.stats.metric_names import GREATER_IS_BETTER, MetricName
from retrain.errors import DataError

if TYPE_CHECKING:
    from retrain.core.policy.evidence import Evidence
    from retrain.core.stats.intervals import Gain

__all__ = ["Slices"]


class Slices(Gate):
    """Fail if a slice loses significantly more than `max_drop` against the champion (or the baseline).

    Each slice with enough rows gets a one-sided test for a true drop above `max_drop`, with the interval that `beats_champion`
    chooses and whole clusters. Holm's correction keeps the probability that any of m harmless slices fails the gate at
    ``1 - confidence``. A slice must be shown to be worse: of 20 slices one or two always look worse by chance, and that does
    not reject a challenger that won overall. The outcomes:

    - fail: a slice's drop is significantly above `max_drop`, corrected for the number of slices;
    - inconclusive: a slice's drop is significantly above `max_drop` only without that correction, or the slice cannot be
      tested (too few clusters, no spread) and its observed drop is above;
    - pass: neither. `detectable` is the drop of the least precise slice that fails with 80 % power: if it is far above
      `max_drop`, the gate is weak and needs more rows or fewer slices.

    The gate does not judge slices with fewer than `min_rows` rows, or without a defined metric (one class only). The verdict is
    inconclusive if it can judge no slice, or if the metric of a slice is defined for only one of the two models.
    """

    check: Literal["slices"]
    metric: MetricName
    max_drop: float = Field(ge=0, allow_inf_nan=False, description="In units of the metric.")
    min_rows: int = Field(500, ge=1)
    confidence: float = Field(0.95, gt=0.5, lt=1, description="One-sided, for all slices together.")
    cluster_by: ClusterBy = None

    @property
    def columns(self) -> tuple[str, ...]:
        """The column that clusters, if it is not a period."""
        return cluster_columns(self.cluster_by)

    def judge(self, evidence: Evidence) -> Verdict:
        """Return fail or inconclusive with the name of the worst slice, or pass."""
        if evidence.opponent is None:
            return self.verdict(Outcome.INCONCLUSIVE, evidence.why_no_opponent)
        judged = []
        for score in evidence.slice_scores():
            challenger, opponent = (side.get(self.metric, math.nan) for side in (score.challenger, score.opponent))
            if score.rows < self.min_rows or not (math.isfinite(challenger) or math.isfinite(opponent)):
                continue
            loss = opponent - challenger if GREATER_IS_BETTER[self.metric] else challenger - opponent
            if not math.isfinite(loss):
                reason = (
                    f"{self.metric} of {score.column}={score.value} is defined for only one of the two models; check their "
                    "predictions on this slice"
                )
                return self.verdict(Outcome.INCONCLUSIVE, reason, bound=self.max_drop)
            judged.append((score, loss))
        if not judged:
            reason = (
                f"no slice has {self.min_rows:,} rows and a defined {self.metric}; widen the holdout or lower min_rows"
            )
            return self.verdict(Outcome.INCONCLUSIVE, reason, bound=self.max_drop)
        level = round(1 - self.confidence, 12)
        try:
            gains = evidence.slice_gains([score for score, _ in judged], self.metric, self.cluster_by, level)
        except DataError as error:
            return self.verdict(Outcome.INCONCLUSIVE, str(error), bound=self.max_drop)
        drops = [
            _Drop(score.column, score.value, value, gain, self.max_drop, level)
            for (score, value), gain in zip(judged, gains, strict=True)
        ]
        return self._judge_drops(drops, level)

    def _judge_drops(self, drops: list[_Drop], level: float) -> Verdict:
        corrected = adjust_p_values([drop.p_value for drop in drops])
        failed = [drop for drop, p_value in zip(drops, corrected, strict=True) if p_value <= level]
        suspicious = [drop for drop in drops if drop.suspicious]
        worst = max(failed or suspicious or drops, key=lambda drop: drop.value)
        change = f"{self.metric} of {worst.column}={worst.group} {'drops' if worst.value > 0 else 'gains'} {abs(worst.value):.4f}"
        tested = [drop.gain for drop in drops if drop.gain is not None]
        among = f"worst of {len(drops)} slice{'s' if len(drops) > 1 else ''}"
        if len(tested) < len(drops):
            among += f" ({len(drops) - len(tested)} could not be tested)"
        if failed:
            outcome, reason = Outcome.FAIL, f"{change}, significantly above the maximum of {self.max_drop:g}"
        elif suspicious:
            outcome = Outcome.INCONCLUSIVE
            reason = (
                f"{among}: {change}; a drop above the maximum of {self.max_drop:g} is neither shown nor excluded; evaluate on "
                "more rows or fewer slices"
            )
        else:
            relation = "not significantly above" if worst.value > self.max_drop else "within"
            outcome, reason = Outcome.PASS, f"{among}: {change}, {relation} the maximum of {self.max_drop:g}"
        if worst.gain:
            reason = add_dependence(reason, worst.gain, self.cluster_by)
        return self.verdict(
            outcome,
            reason,
            worst.value,
            self.max_drop,
            column=worst.column,
            group=worst.group,
            method=f"{describe_method(worst.gain)}, Holm over {len(drops)}" if worst.gain else "",
            detectable=max(
                (self.max_drop + gain.detectable_gain_at(level / len(drops)) for gain in tested), default=None
            ),
        )


@dataclass(frozen=True)
class _Drop:
    """How much worse one slice is, and how much worse it may be (`most`)."""

    column: str
    group: str
    value: float
    gain: Gain | None
    most: float
    level: float

    @property
    def p_value(self) -> float:
        """The probability of at least this drop if the true drop were `most`; 1 if the slice cannot be tested."""
        return 1.0 if self.gain is None else self.gain.p_value_below(-self.most)

    @property
    def suspicious(self) -> bool:
        """Whether it would fail as the only slice; for one that cannot be tested, whether the observed drop is too large."""
        return self.value > self.most if self.gain is None else self.p_value <= self.level

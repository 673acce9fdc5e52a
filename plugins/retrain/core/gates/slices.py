"""No slice of the holdout may get clearly worse, however good the average is."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from pydantic import Field

from retrain.core.gates.base import Gate, Outcome, Verdict
from retrain.core.holm import adjusted
from retrain.core.metric_names import GREATER_IS_BETTER, MetricName
from retrain.core.names import ColumnName
from retrain.core.window import Period
from retrain.errors import DataError

if TYPE_CHECKING:
    from retrain.core.evidence import Evidence
    from retrain.core.intervals import Gain
    from retrain.core.scorecard import SliceScore

__all__ = ["Slices"]


class Slices(Gate):
    """Fail where a slice is shown to lose more than `max_drop` against the champion (or the baseline).

    Each slice with enough rows is tested one-sided for a true drop over `max_drop`, with the interval that `beats_champion`
    chooses and whole clusters; Holm's correction keeps the chance that any of m harmless slices fails the gate at
    ``1 - confidence``, however many there are. The burden of proof lies with the objection: of 20 slices one or two always look
    worse by luck, and a challenger that won overall is not thrown away for that. So

    - fail: a slice's drop is over `max_drop`, also allowing for how many slices were looked at;
    - inconclusive: a slice's drop is over `max_drop` if that slice had been the only one, or cannot be tested (too few
      clusters, no spread) and its observed drop is over;
    - pass: neither. `detectable` says how large a drop of the least precise slice would have failed four times in five: where
      that is far over `max_drop`, the gate has no teeth there, and wants more rows or fewer slices.

    Slices with fewer than `min_rows` rows, or where the metric is not defined (one class only), are not judged; where no
    slice can be judged, or a metric is defined on one side only, the verdict is inconclusive.
    """

    check: Literal["slices"]
    metric: MetricName
    max_drop: float = Field(ge=0, allow_inf_nan=False, description="In units of the metric.")
    min_rows: int = Field(500, ge=1)
    confidence: float = Field(0.95, gt=0.5, lt=1, description="One-sided, for all slices together.")
    cluster_by: ColumnName | None = Field(
        None, description="A column, or hour, day, week, month of the event time: rows that share luck."
    )

    @property
    def columns(self) -> tuple[str, ...]:
        """The column that clusters, where it is not a period."""
        return () if self.cluster_by is None or self.cluster_by in {*Period} else (self.cluster_by,)

    def judge(self, evidence: Evidence) -> Verdict:
        """Return fail or inconclusive with the worst slice named, or pass."""
        name = f"slices({self.metric})"
        if evidence.opponent is None:
            return Verdict(name, Outcome.INCONCLUSIVE, evidence.why_no_opponent)
        drops = []
        for score in evidence.slice_scores():
            mine, theirs = (side.get(self.metric, math.nan) for side in (score.challenger, score.opponent))
            if score.rows < self.min_rows or not (math.isfinite(mine) or math.isfinite(theirs)):
                continue
            if not math.isfinite(mine - theirs):
                reason = f"{self.metric} of {score.column}={score.value} is a number on one side only"
                return Verdict(name, Outcome.INCONCLUSIVE, reason, bound=self.max_drop)
            drops.append(
                self._test(evidence, score, theirs - mine if GREATER_IS_BETTER[self.metric] else mine - theirs)
            )
        if not drops:
            reason = f"no slice has {self.min_rows} rows and a finite {self.metric}"
            return Verdict(name, Outcome.INCONCLUSIVE, reason, bound=self.max_drop)
        return self._place(name, drops)

    def _test(self, evidence: Evidence, score: SliceScore, value: float) -> _Drop:
        where = f"{score.column}={score.value}"
        try:
            gain = evidence.slice_gain(score, self.metric, self.cluster_by, 1 - self.confidence)
        except DataError:
            gain = None
        if gain is None or not math.isfinite(gain.error):
            # Untested: the observed drop decides, and can do no more than hold.
            return _Drop(where, value, 1.0, suspicious=value > self.max_drop)
        # The chance of a drop like this one if the true one were max_drop.
        p_value = gain.falls_short(-self.max_drop)
        return _Drop(where, value, p_value, suspicious=p_value <= 1 - self.confidence, gain=gain)

    def _place(self, name: str, drops: list[_Drop]) -> Verdict:
        level = 1 - self.confidence
        corrected = adjusted([drop.p_value for drop in drops])
        failed = [drop for drop, p_value in zip(drops, corrected, strict=True) if p_value <= level]
        suspicious = [drop for drop in drops if drop.suspicious]
        worst = max(failed or suspicious or drops, key=lambda drop: drop.value)
        change = f"{self.metric} of {worst.where} {'drops' if worst.value > 0 else 'gains'} {abs(worst.value):.4f}"
        if failed:
            outcome, reason = Outcome.FAIL, f"{change}, more than {self.max_drop:g}"
        elif suspicious:
            outcome = Outcome.INCONCLUSIVE
            reason = f"worst of {len(drops)} slices: {change}, which may be more than {self.max_drop:g} or luck"
        else:
            beyond = worst.value > self.max_drop
            words = f"not shown to be over {self.max_drop:g}" if beyond else f"within {self.max_drop:g}"
            outcome, reason = Outcome.PASS, f"worst of {len(drops)} slices: {change}, {words}"
        tested = [drop.gain for drop in drops if drop.gain is not None]
        return Verdict(
            name,
            outcome,
            reason,
            worst.value,
            self.max_drop,
            method=f"{worst.gain.method}, Holm over {len(drops)}" if worst.gain else "",
            detectable=max((self.max_drop + gain.reach_at(level / len(drops)) for gain in tested), default=None),
        )


@dataclass(frozen=True)
class _Drop:
    """How much worse one slice is, and the p-value of the claim that it is over the limit."""

    where: str
    value: float
    p_value: float
    suspicious: bool
    gain: Gain | None = None

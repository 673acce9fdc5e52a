"""The challenger must be better than the champion on the same rows, by more than luck explains."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Literal

from pydantic import Field

from retrain.core.gates.base import Gate, Outcome, Verdict
from retrain.core.metric_names import MetricName
from retrain.core.names import ColumnName
from retrain.core.window import Period
from retrain.errors import DataError

if TYPE_CHECKING:
    from retrain.core.evidence import Evidence

__all__ = ["BeatsChampion"]


class BeatsChampion(Gate):
    """Pass where the lower confidence bound of the paired gain is over the margin.

    The gain is challenger minus champion for metrics where more is better, champion minus challenger otherwise, so a
    positive gain is always an improvement. Its two-sided interval comes from a paired percentile bootstrap that draws
    whole clusters (see `retrain.core.bootstrap`): assumptions, clusters are independent, rows within one need not be.
    A margin of 0 or more asks for superiority, a negative one for non-inferiority. The first model of a timeline is held
    against a dummy baseline fitted on its own training rows.
    """

    check: Literal["beats_champion"]
    metric: MetricName
    margin: float = Field(0.0, allow_inf_nan=False, description="In units of the metric; negative: non-inferiority.")
    confidence: float = Field(0.95, gt=0.5, lt=1)
    cluster_by: ColumnName | None = Field(
        None, description="A column, or hour, day, week, month of the event time: rows that share luck."
    )
    resamples: int = Field(2000, ge=200, le=100_000)

    @property
    def columns(self) -> tuple[str, ...]:
        """The column that clusters, where it is not a period."""
        return () if self.cluster_by is None or self.cluster_by in {*Period} else (self.cluster_by,)

    def judge(self, evidence: Evidence) -> Verdict:
        """Return pass over the margin, fail under it, inconclusive where the interval holds it."""
        name = f"beats_champion({self.metric})"
        if evidence.opponent is None:
            return Verdict(name, Outcome.INCONCLUSIVE, evidence.why_no_opponent)
        if not math.isfinite(evidence.challenger_metric(self.metric)):
            reason = f"{self.metric} of the challenger is not a number on this holdout"
            return Verdict(name, Outcome.INCONCLUSIVE, reason)
        try:
            gain = evidence.paired_gain(self.metric, self.cluster_by, self.confidence, self.resamples)
        except DataError as error:
            return Verdict(name, Outcome.INCONCLUSIVE, str(error))
        numbers = (gain.value, gain.low, gain.high)
        if not all(map(math.isfinite, numbers)):
            reason = f"the gain in {self.metric} has no finite interval on this holdout"
            return Verdict(name, Outcome.INCONCLUSIVE, reason, gain.value, self.margin)
        outcome, words = self._place(gain.low, gain.high)
        reason = (
            f"gain in {self.metric} over the {evidence.opponent} {gain.value:+.4f} "
            f"[{gain.low:+.4f}, {gain.high:+.4f}] {words} {self.margin:+g}"
        )
        return Verdict(name, outcome, reason, gain.value, self.margin, (gain.low, gain.high))

    def _place(self, low: float, high: float) -> tuple[Outcome, str]:
        if low > self.margin:
            return Outcome.PASS, "lies over"
        if high < self.margin:
            return Outcome.FAIL, "lies under"
        return Outcome.INCONCLUSIVE, "does not settle"

"""The challenger must beat a dummy and, if the spec names one, a simple rule, by more than luck explains."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Literal

from pydantic import Field

from retrain.core.names import ColumnName
from retrain.core.policy.gates.base import Gate, Outcome, Verdict, least_favourable
from retrain.core.policy.gates.intervals import ClusterBy, cluster_columns, place_over
from retrain.core.stats.interval_names import IntervalName
from retrain.core.stats.metric_names import MetricName
from retrain.errors import DataError

if TYPE_CHECKING:
    from retrain.core.policy.evidence import Evidence

__all__ = ["Baseline"]


class Baseline(Gate):
    """Pass where the lower confidence bound of the paired gain over every baseline is over the margin.

    With m the metric, turned so that more is better, the gain over a baseline b is ``m(challenger) - m(b)`` on the same rows.
    One baseline is a dummy fitted on the challenger's own training rows: the class shares, or the mean (the median where the
    primary metric is mae). The other, where `rule` names it, is a column of the data that is a prediction itself. A champion
    that has decayed is easy to beat; these do not decay. Intervals come from `retrain.core.stats.intervals`.

    Assumptions: clusters are independent, rows within one need not be. To pass, all baselines must be beaten, each at the full
    level: an intersection-union test needs no correction for their number.

    Reference: Berger, Multiparameter Hypothesis Testing and Acceptance Sampling, Technometrics 24 (1982), theorem 1.

    >>> from retrain.testing import make_evidence, make_scores
    >>> gate = Baseline(check="baseline", metric="log_loss", cluster_by="day", resamples=200)
    >>> gate.judge(make_evidence(make_scores(challenger=0.8, seed=7))).outcome.value
    'pass'
    >>> gate.judge(make_evidence(make_scores(challenger=0.0, seed=7))).outcome.value
    'fail'
    """

    check: Literal["baseline"]
    metric: MetricName
    margin: float = Field(0.0, ge=0, allow_inf_nan=False, description="In units of the metric.")
    rule: ColumnName | None = Field(
        None, description="A column that is a prediction: the probability of the positive class, or a number."
    )
    confidence: float = Field(0.95, gt=0.5, lt=1)
    cluster_by: ClusterBy = None
    method: IntervalName = Field("auto", description="How the interval is made.")
    resamples: int = Field(2000, ge=200, le=100_000)

    @property
    def columns(self) -> tuple[str, ...]:
        """The rule, and the column that clusters if it is not a period."""
        return (*([] if self.rule is None else [self.rule]), *cluster_columns(self.cluster_by))

    def judge(self, evidence: Evidence) -> Verdict:
        """Return the least favourable of the verdicts, one a baseline."""
        against = [self._against(evidence, None)]
        if self.rule is not None:
            against.append(self._against(evidence, self.rule))
        return least_favourable(against)

    def _against(self, evidence: Evidence, rule: str | None) -> Verdict:
        level = round((1 - self.confidence) / 2, 12)
        if not math.isfinite(evidence.challenger_metric(self.metric)):
            return self.verdict(
                Outcome.INCONCLUSIVE, f"{self.metric} of the challenger is not a number on this holdout"
            )
        try:
            gain = evidence.gain_over_baseline(
                self.metric, rule, self.cluster_by, level, method=self.method, resamples=self.resamples
            )
        except DataError as error:
            return self.verdict(Outcome.INCONCLUSIVE, str(error))
        whom = "the dummy" if rule is None else f"the rule {rule}"
        if not all(map(math.isfinite, (gain.value, gain.low, gain.high))):
            reason = f"the gain in {self.metric} over {whom} has no finite interval on this holdout"
            return self.verdict(Outcome.INCONCLUSIVE, reason, gain.value, self.margin)
        outcome, words = place_over(gain.low, gain.high, self.margin)
        reason = (
            f"gain in {self.metric} over {whom} {gain.value:+.4f} [{gain.low:+.4f}, {gain.high:+.4f}] {words} "
            f"{self.margin:+g}"
        )
        return self.verdict(
            outcome,
            reason,
            gain.value,
            self.margin,
            (gain.low, gain.high),
            method=gain.method,
            level=level,
            column=rule or "",
        )

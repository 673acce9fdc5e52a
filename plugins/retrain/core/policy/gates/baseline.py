"""The challenger must beat a dummy model significantly and, if the spec names one, a simple rule."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Literal

from pydantic import Field

from retrain.core.names import ColumnName
from retrain.core.policy.gates.base import Gate, Outcome, Verdict, combine_verdicts
from retrain.core.policy.gates.intervals import (
    ClusterBy,
    add_dependence,
    cluster_columns,
    compare_with_minimum,
    describe_interval,
    describe_method,
)
from retrain.core.policy.gates.reasons import explain_undefined, mention_absent_classes
from retrain.core.stats.interval_names import IntervalName
from retrain.core.stats.metric_names import MetricName
from retrain.errors import DataError

if TYPE_CHECKING:
    from retrain.core.policy.evidence import Evidence

__all__ = ["Baseline"]


class Baseline(Gate):
    """Pass if the lower confidence bound of the paired gain over every baseline is above the margin.

    The gain over a baseline b is ``m(challenger) - m(b)`` on the same rows, with the metric m negated if less is better. One
    baseline is a dummy fitted on the challenger's own training rows: the class shares, or the mean (a quantile if the
    primary metric is a loss of quantiles, such as the median for mae). The other, if `rule` names it, is a column of the data that
    holds predictions. A champion that has decayed is easy to beat; baselines do not decay. Intervals come from
    `retrain.core.stats.intervals`.

    Assumptions: clusters are independent; rows within one need not be. Calendar periods that depend on the periods before
    are joined to blocks first. The challenger must beat every baseline, each at the
    full level: an intersection-union test needs no correction for their number.

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
        None, description="A column that holds predictions: probabilities of the positive class, or numbers."
    )
    confidence: float = Field(0.95, gt=0.5, lt=1)
    cluster_by: ClusterBy = None
    method: IntervalName = Field("auto", description="The method of the interval.")
    resamples: int = Field(2000, ge=200, le=100_000)

    @property
    def columns(self) -> tuple[str, ...]:
        """The rule, and the column that clusters if it is not a period."""
        return (*([] if self.rule is None else [self.rule]), *cluster_columns(self.cluster_by))

    def judge(self, evidence: Evidence) -> Verdict:
        """Return the least favourable of the verdicts, one per baseline."""
        verdicts = [self._judge_against(evidence, None)]
        if self.rule is not None:
            verdicts.append(self._judge_against(evidence, self.rule))
        return combine_verdicts(verdicts)

    def _judge_against(self, evidence: Evidence, rule: str | None) -> Verdict:
        level = round((1 - self.confidence) / 2, 12)
        if not math.isfinite(evidence.challenger_metric(self.metric)):
            return self.verdict(Outcome.INCONCLUSIVE, explain_undefined(self.metric))
        try:
            gain = evidence.gain_over_baseline(
                self.metric, rule, self.cluster_by, level, method=self.method, resamples=self.resamples
            )
        except DataError as error:
            return self.verdict(Outcome.INCONCLUSIVE, str(error))
        baseline = "the dummy" if rule is None else f"the rule {rule}"
        if not math.isfinite(gain.value):
            reason = explain_undefined(self.metric, baseline)
            return self.verdict(Outcome.INCONCLUSIVE, reason, bound=self.margin, column=rule or "")
        if not all(map(math.isfinite, (gain.low, gain.high))):
            reason = f"the gain in {self.metric} over {baseline} has no finite interval on this holdout; evaluate on more rows"
            return self.verdict(Outcome.INCONCLUSIVE, reason, gain.value, self.margin)
        outcome, relation = compare_with_minimum(gain.low, gain.high, self.margin)
        interval = describe_interval(gain.value, gain.low, gain.high, self.confidence, sign=True)
        bound = f"the margin {self.margin:+g}" if self.margin else "0"
        reason = f"gain in {self.metric} over {baseline} {interval} {relation} {bound}"
        if outcome is Outcome.INCONCLUSIVE:
            reason += ": not significant; evaluate on more rows or improve the model"
        reason = add_dependence(reason, gain, self.cluster_by)
        reason = mention_absent_classes(reason, evidence, self.metric)
        return self.verdict(
            outcome,
            reason,
            gain.value,
            self.margin,
            (gain.low, gain.high),
            method=describe_method(gain),
            level=level,
            column=rule or "",
        )

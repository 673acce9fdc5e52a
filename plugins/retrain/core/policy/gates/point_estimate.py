"""The challenger's metric must not be worse than the champion's, without a significance test."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Literal

from pydantic import Field

from retrain.core.policy.gates.base import Gate, Outcome, Verdict
from retrain.core.policy.gates.reasons import explain_few_rows, explain_undefined, mention_absent_classes
from retrain.core.stats.metric_names import GREATER_IS_BETTER, MetricName

if TYPE_CHECKING:
    from retrain.core.policy.evidence import Evidence

__all__ = ["PointEstimate"]


class PointEstimate(Gate):
    """Pass if the challenger's metric is at least the champion's plus a margin.

    Most hand-written DAGs compare like this. Between two equally good models it promotes every second time. Compare it with
    other policies in a backtest.
    """

    check: Literal["point_estimate"]
    metric: MetricName
    margin: float = Field(0.0, allow_inf_nan=False, description="In units of the metric.")
    min_rows: int = Field(30, ge=1, description="Fewest holdout rows that the gate judges.")

    def judge(self, evidence: Evidence) -> Verdict:
        """Return pass or fail; a metric that is not finite on either side is inconclusive."""
        if evidence.opponent is None:
            return self.verdict(Outcome.INCONCLUSIVE, evidence.why_no_opponent)
        if evidence.scorecard.rows < self.min_rows:
            reason = explain_few_rows("the holdout", evidence.scorecard.rows, self.min_rows)
            return self.verdict(Outcome.INCONCLUSIVE, reason)
        sign = 1.0 if GREATER_IS_BETTER[self.metric] else -1.0
        gain = sign * (evidence.challenger_metric(self.metric) - evidence.opponent_metric(self.metric))
        if not math.isfinite(gain):
            reason = explain_undefined(self.metric, f"the challenger or the {evidence.opponent}")
            return self.verdict(Outcome.INCONCLUSIVE, reason)
        outcome = Outcome.PASS if gain >= self.margin else Outcome.FAIL
        reason = f"{self.metric} is {abs(gain):.4f} {'better' if gain >= 0 else 'worse'} than the {evidence.opponent}'s"
        return self.verdict(outcome, mention_absent_classes(reason, evidence, self.metric), gain, self.margin)

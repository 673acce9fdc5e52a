"""The challenger's metric must be within fixed bounds."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Literal

from pydantic import Field

from retrain.core.policy.gates.base import Gate, Outcome, Verdict
from retrain.core.policy.gates.reasons import explain_few_rows, explain_undefined, mention_absent_classes
from retrain.core.stats.metric_names import MetricName

if TYPE_CHECKING:
    from retrain.core.policy.evidence import Evidence

__all__ = ["Threshold"]


class Threshold(Gate):
    """Pass if ``min <= metric <= max``: a sanity check, without a significance test."""

    check: Literal["threshold"]
    metric: MetricName
    min: float | None = Field(None, allow_inf_nan=False)
    max: float | None = Field(None, allow_inf_nan=False)
    min_rows: int = Field(30, ge=1, description="Fewest holdout rows that the gate judges.")

    def judge(self, evidence: Evidence) -> Verdict:
        """Return pass or fail; a metric that is not finite, or of too few rows, is inconclusive."""
        value = evidence.challenger_metric(self.metric)
        if not math.isfinite(value):
            return self.verdict(Outcome.INCONCLUSIVE, explain_undefined(self.metric), value)
        if evidence.scorecard.rows < self.min_rows:
            reason = explain_few_rows("the holdout", evidence.scorecard.rows, self.min_rows)
            return self.verdict(Outcome.INCONCLUSIVE, reason, value)
        outcome, relation, bound = self._compare(value)
        reason = f"{self.metric} {value:.4f} {relation} of {bound:g}"
        return self.verdict(outcome, mention_absent_classes(reason, evidence, self.metric), value, bound)

    def _compare(self, value: float) -> tuple[Outcome, str, float | None]:
        """Return the outcome, its words and the bound that decided."""
        if self.min is not None and value < self.min:
            return Outcome.FAIL, "is below the minimum", self.min
        if self.max is not None and value > self.max:
            return Outcome.FAIL, "is above the maximum", self.max
        return (
            (Outcome.PASS, "meets the maximum", self.max)
            if self.min is None
            else (Outcome.PASS, "meets the minimum", self.min)
        )

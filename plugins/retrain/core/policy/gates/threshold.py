"""The challenger's metric must lie on the right side of a fixed bound."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Literal

from pydantic import Field

from retrain.core.policy.gates.base import Gate, Outcome, Verdict
from retrain.core.stats.metric_names import MetricName

if TYPE_CHECKING:
    from retrain.core.policy.evidence import Evidence

__all__ = ["Threshold"]


class Threshold(Gate):
    """Pass where ``min <= metric <= max``: a floor of sanity, without any claim about luck."""

    check: Literal["threshold"]
    metric: MetricName
    min: float | None = Field(None, allow_inf_nan=False)
    max: float | None = Field(None, allow_inf_nan=False)
    min_rows: int = Field(30, ge=1, description="Fewest holdout rows that the metric may rest on.")

    def judge(self, evidence: Evidence) -> Verdict:
        """Return pass or fail; a metric that is not finite, or of too few rows, is inconclusive."""
        value = evidence.challenger_metric(self.metric)
        if not math.isfinite(value):
            reason = f"{self.metric} of the challenger is not a number on this holdout"
            return self.verdict(Outcome.INCONCLUSIVE, reason, value)
        if evidence.scorecard.rows < self.min_rows:
            reason = f"{self.metric} rests on {evidence.scorecard.rows} rows, fewer than {self.min_rows}"
            return self.verdict(Outcome.INCONCLUSIVE, reason, value)
        if self.min is not None and value < self.min:
            return self.verdict(Outcome.FAIL, f"{self.metric} {value:.4f} is under {self.min:g}", value, self.min)
        if self.max is not None and value > self.max:
            return self.verdict(Outcome.FAIL, f"{self.metric} {value:.4f} is over {self.max:g}", value, self.max)
        bound = self.min if self.min is not None else self.max
        return self.verdict(Outcome.PASS, f"{self.metric} {value:.4f} keeps its bound {bound:g}", value, bound)

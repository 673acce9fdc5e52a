"""No slice of the holdout may get clearly worse, however good the average is."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Literal

from pydantic import Field

from retrain.core.gates.base import Gate, Outcome, Verdict
from retrain.core.metric_names import GREATER_IS_BETTER, MetricName

if TYPE_CHECKING:
    from retrain.core.evidence import Evidence

__all__ = ["Slices"]


class Slices(Gate):
    """Pass where no slice with enough rows loses more than `max_drop` against the champion (or the baseline).

    Slices with fewer than `min_rows` rows, or where the metric is not defined (one class only), are not judged; where no
    slice can be judged, or a metric is defined on one side only, the verdict is inconclusive.
    """

    check: Literal["slices"]
    metric: MetricName
    max_drop: float = Field(ge=0, allow_inf_nan=False, description="In units of the metric.")
    min_rows: int = Field(500, ge=1)

    def judge(self, evidence: Evidence) -> Verdict:
        """Return fail with the worst slice named, pass, or inconclusive."""
        name = f"slices({self.metric})"
        if evidence.opponent is None:
            return Verdict(name, Outcome.INCONCLUSIVE, evidence.why_no_opponent)
        sign = 1.0 if GREATER_IS_BETTER[self.metric] else -1.0
        judged = []
        for score in evidence.slice_scores():
            mine, theirs = (side.get(self.metric, math.nan) for side in (score.challenger, score.opponent))
            if score.rows < self.min_rows or not (math.isfinite(mine) or math.isfinite(theirs)):
                continue
            if not math.isfinite(mine - theirs):
                reason = f"{self.metric} of {score.column}={score.value} is a number on one side only"
                return Verdict(name, Outcome.INCONCLUSIVE, reason, bound=self.max_drop)
            judged.append((sign * (theirs - mine), score))
        if not judged:
            reason = f"no slice has {self.min_rows} rows and a finite {self.metric}"
            return Verdict(name, Outcome.INCONCLUSIVE, reason, bound=self.max_drop)
        worst, score = max(judged, key=lambda item: item[0])
        where = f"{score.column}={score.value}"
        change = f"{self.metric} of {where} {'drops' if worst > 0 else 'gains'} {abs(worst):.4f}"
        if worst > self.max_drop:
            return Verdict(name, Outcome.FAIL, f"{change}, more than {self.max_drop:g}", worst, self.max_drop)
        return Verdict(
            name,
            Outcome.PASS,
            f"worst of {len(judged)} slices: {change}, within {self.max_drop:g}",
            worst,
            self.max_drop,
        )

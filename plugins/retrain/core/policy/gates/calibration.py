"""What the challenger says with 70 % must come true in about 70 of 100 rows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from pydantic import Field

from retrain.core.policy.gates.base import Gate, Outcome, Verdict
from retrain.core.policy.gates.intervals import ClusterBy, cluster_columns, place_within
from retrain.errors import DataError

if TYPE_CHECKING:
    from retrain.core.policy.evidence import Evidence

__all__ = ["Calibration"]


class Calibration(Gate):
    """Pass where the whole interval of the expected calibration error is at most `max_error`.

    The error is the mean over the rows of |stated confidence - share that came true|, by bins of the confidence: of the
    positive class, beyond two classes of the likeliest (see `retrain.core.stats.calibration`). Noise lifts it, so the limits are
    not symmetric: the upper one keeps the lift, so that a small holdout does not prove calibration, and the lower one is without
    it, so that a small holdout does not prove the contrary either (see `retrain.core.stats.biased_statistic`).

    Assumptions: clusters are independent, rows within one need not be; bins hold enough rows to say anything.

    Reference: Guo et al., On Calibration of Modern Neural Networks, ICML 2017.

    >>> from retrain.testing import make_evidence, make_scores
    >>> gate = Calibration(check="calibration", max_error=0.05, resamples=200, min_rows=400)
    >>> verdict = gate.judge(make_evidence(make_scores(seed=7)))
    >>> verdict.outcome.value, round(verdict.value, 2)
    ('fail', 0.17)
    """

    check: Literal["calibration"]
    max_error: float = Field(gt=0, lt=1, description="Largest expected calibration error, between 0 and 1.")
    bins: int = Field(10, ge=2, le=100)
    strategy: Literal["quantile", "uniform"] = Field(
        "quantile", description="Bins of as many rows each, or of the same width."
    )
    min_rows: int = Field(500, ge=1, description="Fewest holdout rows that the error may rest on.")
    confidence: float = Field(0.95, gt=0.5, lt=1)
    cluster_by: ClusterBy = None
    resamples: int = Field(2000, ge=200, le=100_000)

    @property
    def columns(self) -> tuple[str, ...]:
        """The column that clusters, if it is not a period."""
        return cluster_columns(self.cluster_by)

    def judge(self, evidence: Evidence) -> Verdict:
        """Return pass at or under the bound, fail over it, inconclusive where the interval holds it."""
        if evidence.scorecard.rows < self.min_rows:
            reason = f"the calibration error rests on {evidence.scorecard.rows} rows, fewer than {self.min_rows}"
            return self.verdict(Outcome.INCONCLUSIVE, reason)
        try:
            error = evidence.calibration_error(
                self.bins, self.strategy, self.cluster_by, self.confidence, self.resamples
            )
        except DataError as problem:
            return self.verdict(Outcome.INCONCLUSIVE, str(problem))
        outcome, words = place_within(error.low, error.high, self.max_error)
        reason = f"expected calibration error {error.value:.4f} [{error.low:.4f}, {error.high:.4f}] {words} {self.max_error:g}"
        return self.verdict(
            outcome,
            reason,
            error.value,
            self.max_error,
            (error.low, error.high),
            method="clustered bootstrap",
            level=(1 - self.confidence) / 2,
        )

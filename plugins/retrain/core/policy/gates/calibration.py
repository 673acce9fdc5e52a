"""The challenger's probabilities must be calibrated: of rows with a probability of 70 %, about 70 in 100 are positive."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from pydantic import Field

from retrain.core.policy.gates.base import Gate, Outcome, Verdict
from retrain.core.policy.gates.intervals import ClusterBy, cluster_columns, compare_with_maximum, describe_interval
from retrain.core.policy.gates.reasons import explain_few_rows
from retrain.errors import DataError

if TYPE_CHECKING:
    from retrain.core.policy.evidence import Evidence

__all__ = ["Calibration"]


class Calibration(Gate):
    """Pass if the whole interval of the expected calibration error is at most `max_error`.

    The error is the mean over the rows of |predicted probability - observed share|, per bin of the probability: that of the
    positive class or, with more than two classes, that of the likeliest (see `retrain.core.stats.calibration`). Noise biases
    it upwards, so the limits are not symmetric: the upper one keeps the bias, so that a small holdout does not prove
    calibration, and the lower one removes it, so that a small holdout does not prove the contrary either (see
    `retrain.core.stats.biased_statistic`).

    Assumptions: clusters are independent, rows within one need not be; each bin holds enough rows.

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
        "quantile", description="Bins with equal numbers of rows, or of equal width."
    )
    min_rows: int = Field(500, ge=1, description="Fewest holdout rows that the gate judges.")
    confidence: float = Field(0.95, gt=0.5, lt=1)
    cluster_by: ClusterBy = None
    resamples: int = Field(2000, ge=200, le=100_000)

    @property
    def columns(self) -> tuple[str, ...]:
        """The column that clusters, if it is not a period."""
        return cluster_columns(self.cluster_by)

    def judge(self, evidence: Evidence) -> Verdict:
        """Return pass at or below the bound, fail above it, and inconclusive if the interval includes it."""
        if evidence.scorecard.rows < self.min_rows:
            reason = explain_few_rows("the holdout", evidence.scorecard.rows, self.min_rows)
            return self.verdict(Outcome.INCONCLUSIVE, reason)
        try:
            error = evidence.calibration_error(
                self.bins, self.strategy, self.cluster_by, self.confidence, self.resamples
            )
        except DataError as problem:
            return self.verdict(Outcome.INCONCLUSIVE, str(problem))
        outcome, relation = compare_with_maximum(error.low, error.high, self.max_error)
        described = describe_interval(error.value, error.low, error.high, self.confidence)
        reason = f"expected calibration error {described} {relation} the maximum of {self.max_error:g}"
        if outcome is Outcome.INCONCLUSIVE:
            reason += ": not conclusive; evaluate on more rows or calibrate the model"
        return self.verdict(
            outcome,
            reason,
            error.value,
            self.max_error,
            (error.low, error.high),
            method="clustered bootstrap",
            level=(1 - self.confidence) / 2,
        )

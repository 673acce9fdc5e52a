"""The challenger's probabilities must be calibrated: of rows with a probability of 70 %, about 70 in 100 are positive."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Literal

from pydantic import Field

from retrain.core.policy.gates.base import Gate, Outcome, Verdict, combine_verdicts
from retrain.core.policy.gates.intervals import ClusterBy, cluster_columns, compare_with_maximum, describe_interval
from retrain.core.policy.gates.reasons import explain_few_rows
from retrain.errors import DataError

if TYPE_CHECKING:
    from retrain.core.policy.evidence import Evidence
    from retrain.core.stats.biased_statistic import IntervalEstimate

__all__ = ["Calibration"]


class Calibration(Gate):
    """Pass if the whole interval of the expected calibration error is at most `max_error`, and small beside the rarer class.

    The error is the mean over the rows of |predicted probability - observed share|, per bin of the probability: that of the
    positive class or, with more than two classes, that of the likeliest (see `retrain.core.stats.calibration`). Noise biases
    it upwards, so the limits are not symmetric: the upper one keeps the bias, so that a small holdout does not prove
    calibration, and the lower one removes it, so that a small holdout does not prove the contrary either (see
    `retrain.core.stats.biased_statistic`).

    With two classes the error must besides be less than `max_relative` times the share of the rarer class: a model that gives
    every row the probability 0 has an error of exactly that share, which at 1 % positives is far below any usual `max_error`.

    Assumptions: clusters are independent, rows within one need not be; each bin holds enough rows. In 60 simulated holdouts
    each a calibrated model passed a `max_error` of 0.05 at a base rate of 0.3 in 3 % with 500 rows, 52 % with 1,000 and all
    with 2,000, which is why `min_rows` is 2,000. At a base rate of 0.01 a calibrated model passed in 68 % with 2,000 rows and
    all with 5,000; one with twice the true probability, whose error is the bound itself, passed in 3 % of both.

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
    max_relative: float = Field(
        1.0,
        gt=0,
        allow_inf_nan=False,
        description="Multiple of the rarer class's share that the error stays below; for two classes.",
    )
    min_rows: int = Field(2000, ge=1, description="Fewest holdout rows that the gate judges.")
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
        absolute, relative = error.absolute, error.relative
        outcome, relation = compare_with_maximum(absolute.low, absolute.high, self.max_error)
        quantity = "expected calibration error"
        verdict = self._report(outcome, quantity, absolute, f"{relation} the maximum of", self.max_error)
        return verdict if relative is None else combine_verdicts([verdict, self._judge_relative(relative)])

    def _judge_relative(self, size: IntervalEstimate) -> Verdict:
        quantity = "the error over the share of the rarer class"
        if not all(map(math.isfinite, (size.low, size.high))):
            reason = f"{quantity} has no finite interval with so few rows of that class; evaluate on more rows"
            return self.verdict(Outcome.INCONCLUSIVE, reason, size.value, self.max_relative)
        # Strictly below, but for rounding: a model that never predicts the rarer class has an error of exactly 1.
        outcome, _ = compare_with_maximum(size.low, size.high, self.max_relative * (1 - 1e-9))
        relations = {Outcome.PASS: "is below", Outcome.FAIL: "is not below", Outcome.INCONCLUSIVE: "includes"}
        return self._report(outcome, quantity, size, relations[outcome], self.max_relative)

    def _report(self, outcome: Outcome, quantity: str, size: IntervalEstimate, relation: str, bound: float) -> Verdict:
        described = describe_interval(size.value, size.low, size.high, self.confidence)
        doubt = (
            ": not conclusive; evaluate on more rows or calibrate the model" if outcome is Outcome.INCONCLUSIVE else ""
        )
        return self.verdict(
            outcome,
            f"{quantity} {described} {relation} {bound:g}{doubt}",
            size.value,
            bound,
            (size.low, size.high),
            method="clustered bootstrap",
            level=(1 - self.confidence) / 2,
        )

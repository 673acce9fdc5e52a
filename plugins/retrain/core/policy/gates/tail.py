"""The challenger must not err badly on clearly more rows than the champion, however good its average is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from pydantic import Field

from retrain.core.policy.gates.base import Gate, Outcome, Verdict
from retrain.core.policy.gates.intervals import ClusterBy, cluster_columns, compare_with_maximum, describe_interval
from retrain.errors import DataError

if TYPE_CHECKING:
    from retrain.core.policy.evidence import Evidence

__all__ = ["Tail"]


class Tail(Gate):
    """Pass if the share of rows with a bad loss is higher than the champion's by at most `max_increase`.

    A test of a mean hardly sees rare catastrophes: of the holdouts of 500 rows, 37 in 100 do not hold an error on 1 row in 500,
    and then neither the mean nor its standard error shows it. This gate counts the rows whose loss is above a limit:
    |label - prediction| of a regression, 1 minus the probability of the true class of a classification. The whole interval of the
    increase must be at or below `max_increase`; `retrain.core.stats.tail` has the formula.

    How many rows it needs: without a bad row of either model the interval still reaches ``3.84 / rows`` (the rule of three, at
    95 %), so the gate needs ``3.84 / max_increase`` rows to pass. If the champion has bad rows too, it needs several times as many.
    Share of 1,000 simulated holdouts of independent rows, with `max_increase` 0.001 and a limit between the ordinary errors and
    the bad ones:

    | rows | bad 1 in 500, champion never: pass / fail | both never: pass | both 1 in 500: pass |
    |---|---|---|---|
    | 500 | 0 / 0 % | 0 % | 0 % |
    | 2,000 | 0 / 0.5 % | 0 % | 2 % |
    | 4,000 | 0 / 3 % | 100 % | 6 % |
    | 10,000 | 0 / 37 % | 100 % | 26 % |
    | 20,000 | 0 / 85 % | 100 % | 51 % |

    At a true increase of exactly `max_increase` (0.002, 500 to 30,000 rows), 0 to 2.4 % passed, also with rows in days of 100 whose
    rates vary; 2.5 % are allowed.

    Assumptions: clusters are independent, rows within one need not be. With `quantile` the champion's losses on the same holdout
    set the limit, so a few catastrophes drown in its ordinary worst rows: give a `limit` if you know one.

    >>> from retrain.testing import make_evidence, make_scores
    >>> gate = Tail(check="tail", limit=0.9, max_increase=0.02)
    >>> gate.judge(make_evidence(make_scores(seed=7))).outcome.value
    'pass'
    """

    check: Literal["tail"]
    limit: float | None = Field(
        None, gt=0, allow_inf_nan=False, description="A row is bad if its loss is above; by default a quantile."
    )
    quantile: float = Field(0.99, ge=0.5, lt=1, description="Of the champion's losses, without `limit`.")
    max_increase: float = Field(gt=0, lt=1, description="Largest increase of the share of bad rows.")
    confidence: float = Field(0.95, gt=0.5, lt=1)
    cluster_by: ClusterBy = None

    @property
    def columns(self) -> tuple[str, ...]:
        """The column that clusters, if it is not a period."""
        return cluster_columns(self.cluster_by)

    def judge(self, evidence: Evidence) -> Verdict:
        """Return pass at or below the bound, fail above it, and inconclusive if the interval includes it."""
        if evidence.opponent is None:
            return self.verdict(Outcome.INCONCLUSIVE, evidence.why_no_opponent)
        level = round((1 - self.confidence) / 2, 12)
        try:
            increase = evidence.tail_increase(self.limit, self.quantile, self.cluster_by, level)
        except DataError as error:
            return self.verdict(Outcome.INCONCLUSIVE, str(error), bound=self.max_increase, level=level)
        outcome, relation = compare_with_maximum(increase.low, increase.high, self.max_increase)
        interval = describe_interval(increase.value, increase.low, increase.high, self.confidence, sign=True)
        reason = (
            f"share of rows with a loss above {increase.limit:.4g} {increase.challenger:.4f}, of the {evidence.opponent} "
            f"{increase.opponent:.4f}: increase {interval} {relation} the maximum of {self.max_increase:g}"
        )
        if outcome is Outcome.INCONCLUSIVE:
            least = increase.rows_to_exclude(self.max_increase)
            few = evidence.scorecard.rows < least
            reason += (
                f": a holdout without bad rows needs {least:,} rows"
                if few
                else ": not conclusive; evaluate on more rows"
            )
        return self.verdict(
            outcome,
            reason,
            increase.value,
            self.max_increase,
            (increase.low, increase.high),
            method="jackknife, score",
            level=level,
        )

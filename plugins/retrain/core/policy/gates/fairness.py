"""No group of rows may be treated too differently from another, or worse than a floor."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import BeforeValidator, Field, FiniteFloat

from retrain.core.names import ColumnName
from retrain.core.policy.gates.base import Gate, Outcome, Verdict, least_favourable
from retrain.core.policy.gates.intervals import ClusterBy, cluster_columns, place_within
from retrain.core.stats.metric_names import GREATER_IS_BETTER, FairnessMetricName, MetricName
from retrain.errors import DataError

if TYPE_CHECKING:
    from retrain.core.policy.evidence import Evidence
    from retrain.core.stats.fairness import Groups

__all__ = ["Fairness"]


def _listed(value: Any) -> Any:
    return (value,) if isinstance(value, str) else value


Columns = Annotated[
    tuple[ColumnName, ...],
    BeforeValidator(_listed, json_schema_input_type=ColumnName | tuple[ColumnName, ...]),
    Field(min_length=1),
]


class Fairness(Gate):
    """Pass where groups differ by at most `max_difference`, and none is under the floor of a metric.

    Groups are made by the values of the columns `by`, of several together. The difference is the largest between two groups
    (see `retrain.core.stats.fairness`); its whole interval must be within the bound to pass, and over it to fail. A floor is a
    bound of sanity on the plain value in each group, without any claim about luck; for a metric where less is better it is a
    ceiling. Groups with fewer than `min_group` rows are counted and not judged, nor is one where the metric is not defined; with
    fewer than two groups the verdict is inconclusive.

    Assumptions: clusters are independent, rows within one need not be.

    References: Hardt, Price and Srebro, Equality of Opportunity in Supervised Learning, NeurIPS 2016; Weerts et al.,
    Fairlearn: Assessing and Improving Fairness of AI Systems, JMLR 24 (2023).

    >>> from retrain.testing import make_evidence, make_scores
    >>> gate = Fairness(check="fairness", by="place", metric="equalized_odds", max_difference=0.2, min_group=100, resamples=200)
    >>> gate.judge(make_evidence(make_scores(rows=4000, seed=7))).outcome.value
    'pass'
    >>> strict = Fairness(check="fairness", by="place", floor={"accuracy": 0.99}, min_group=100)
    >>> strict.judge(make_evidence(make_scores(rows=4000, seed=7))).outcome.value
    'fail'
    """

    check: Literal["fairness"]
    by: Columns = Field(description="Columns whose values make the groups.")
    metric: FairnessMetricName | None = Field(None, description="What may differ by `max_difference`.")
    max_difference: float | None = Field(None, gt=0, allow_inf_nan=False, description="In units of the metric.")
    floor: dict[MetricName, FiniteFloat] = Field(
        default_factory=dict, description="The worst value of each metric that a group may have."
    )
    threshold: float = Field(0.5, gt=0, lt=1, description="The least probability of the positive class that is a yes.")
    min_group: int = Field(200, ge=1, description="Groups with fewer rows are not judged.")
    confidence: float = Field(0.95, gt=0.5, lt=1)
    cluster_by: ClusterBy = None
    resamples: int = Field(2000, ge=200, le=100_000)

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that make groups, and the one that clusters if it is not a period."""
        return (*self.by, *cluster_columns(self.cluster_by))

    def judge(self, evidence: Evidence) -> Verdict:
        """Return the least favourable of the verdicts on the difference and on each floor."""
        try:
            groups = evidence.groups(self.by, self.min_group)
            if len(groups.names) < 2:
                reason = f"{len(groups.names)} groups have {self.min_group} rows, fewer than 2{_small(groups)}"
                return self.verdict(Outcome.INCONCLUSIVE, reason, metric=self._metric, column=self._column)
            verdicts = [self._floor(evidence, groups, metric, least) for metric, least in self.floor.items()]
            if self.metric is not None and self.max_difference is not None:
                verdicts.insert(0, self._difference(evidence, groups, self.metric, self.max_difference))
        except DataError as error:
            return self.verdict(Outcome.INCONCLUSIVE, str(error), metric=self._metric, column=self._column)
        if not verdicts:
            return self.verdict(Outcome.INCONCLUSIVE, "neither max_difference nor floor was given")
        return least_favourable(verdicts)

    @property
    def _metric(self) -> str:
        return self.metric or next(iter(self.floor), "")

    @property
    def _column(self) -> str:
        return ", ".join(self.by)

    def _difference(self, evidence: Evidence, groups: Groups, metric: str, most: float) -> Verdict:
        found = evidence.group_difference(
            metric, groups, self.threshold, self.cluster_by, self.confidence, self.resamples
        )
        size, high, low = found.size, found.highest, found.lowest
        if not all(map(math.isfinite, (size.value, size.low, size.high))):
            reason = f"the difference in {found.quantity} has no finite interval on this holdout"
            return self.verdict(Outcome.INCONCLUSIVE, reason, size.value, most, metric=metric, column=self._column)
        outcome, words = place_within(size.low, size.high, most)
        reason = (
            f"difference in {found.quantity} {size.value:.4f} [{size.low:.4f}, {size.high:.4f}] between {high.name} "
            f"({high.value:.4f}, {high.rows} rows) and {low.name} ({low.value:.4f}, {low.rows} rows) {words} {most:g}"
            f"{_small(groups)}"
        )
        return self.verdict(
            outcome,
            reason,
            size.value,
            most,
            (size.low, size.high),
            method="clustered bootstrap",
            level=(1 - self.confidence) / 2,
            metric=metric,
            column=self._column,
        )

    def _floor(self, evidence: Evidence, groups: Groups, metric: MetricName, least: float) -> Verdict:
        sign = 1.0 if GREATER_IS_BETTER[metric] else -1.0
        judged = [value for value in evidence.compute_group_values(metric, groups) if math.isfinite(value.value)]
        if len(judged) < 2:
            reason = (
                f"{metric} is defined in {len(judged)} groups of {self.min_group} rows, fewer than 2{_small(groups)}"
            )
            return self.verdict(Outcome.INCONCLUSIVE, reason, bound=least, metric=metric, column=self._column)
        worst = min(judged, key=lambda value: sign * value.value)
        good = sign * (worst.value - least) >= 0
        where = f"{metric} of {worst.name} {worst.value:.4f} on {worst.rows} rows"
        words = "keeps" if good else "is worse than"
        reason = f"worst of {len(judged)} groups: {where} {words} {least:g}{_small(groups)}"
        return self.verdict(
            Outcome.PASS if good else Outcome.FAIL,
            reason,
            worst.value,
            least,
            metric=metric,
            column=self._column,
            group=worst.name,
        )


def _small(groups: Groups) -> str:
    return f"; {groups.small_groups} smaller groups not judged" if groups.small_groups else ""

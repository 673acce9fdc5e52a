"""Groups of rows must not differ too much in a metric, and no group may be worse than a floor."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import BeforeValidator, Field, FiniteFloat

from retrain.core.names import ColumnName
from retrain.core.policy.gates.base import Gate, Outcome, Verdict, combine_verdicts
from retrain.core.policy.gates.intervals import ClusterBy, cluster_columns, compare_with_maximum, describe_interval
from retrain.core.stats.metric_names import GREATER_IS_BETTER, FairnessMetricName, MetricName
from retrain.errors import DataError

if TYPE_CHECKING:
    from retrain.core.policy.evidence import Evidence
    from retrain.core.stats.groups import Groups

__all__ = ["Fairness"]


def _as_tuple(value: Any) -> Any:
    return (value,) if isinstance(value, str) else value


Columns = Annotated[
    tuple[ColumnName, ...],
    BeforeValidator(_as_tuple, json_schema_input_type=ColumnName | tuple[ColumnName, ...]),
    Field(min_length=1),
]


class Fairness(Gate):
    """Pass if groups differ by at most `max_difference`, and none is below the floor of a metric.

    The values of the columns `by`, combined, define the groups. The difference is the largest between two groups (see
    `retrain.core.stats.fairness`). It passes if its whole interval is within the bound, and fails if the whole interval is
    above it. A floor bounds the value in each group, without a significance test; for a metric of which less is better it is
    a ceiling. The gate counts but does not judge groups with fewer than `min_group` rows, groups with fewer than `min_class`
    rows of a class that the metric rests on, and groups without a defined metric. It is inconclusive with fewer than two groups,
    or if (nearly) all rows of all groups lie on one side of the threshold, because then no difference could be seen.

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
    by: Columns = Field(description="Columns whose values define the groups.")
    metric: FairnessMetricName | None = Field(
        None, description="The metric that may differ by at most `max_difference`."
    )
    max_difference: float | None = Field(None, gt=0, allow_inf_nan=False, description="In units of the metric.")
    floor: dict[MetricName, FiniteFloat] = Field(
        default_factory=dict, description="The worst value of each metric that a group may have."
    )
    threshold: float = Field(0.5, gt=0, lt=1, description="Lowest probability that counts as a positive prediction.")
    min_group: int = Field(200, ge=1, description="Groups with fewer rows are not judged.")
    min_class: int = Field(
        10, ge=1, description="Groups with fewer rows of a class that the metric rests on are not judged."
    )
    confidence: float = Field(0.95, gt=0.5, lt=1)
    cluster_by: ClusterBy = None
    resamples: int = Field(2000, ge=200, le=100_000)

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that define the groups, and the one that clusters if it is not a period."""
        return (*self.by, *cluster_columns(self.cluster_by))

    def judge(self, evidence: Evidence) -> Verdict:
        """Return the least favourable of the verdicts on the difference and on each floor."""
        try:
            groups = evidence.groups(self.by, self.min_group)
        except DataError as error:
            return self._not_judged(str(error))
        if len(groups.names) < 2:
            return self._not_judged(
                f"{_count_groups(len(groups.names), self.min_group)}{_mention(groups.small_groups)}"
            )
        verdicts = [self._floor(evidence, groups, metric, least) for metric, least in self.floor.items()]
        if self.metric is not None and self.max_difference is not None:
            verdicts.insert(0, self._difference(evidence, groups, self.metric, self.max_difference))
        return (
            combine_verdicts(verdicts)
            if verdicts
            else self._not_judged("the gate has no bound; give it max_difference or floor")
        )

    def _not_judged(self, reason: str, metric: str | None = None) -> Verdict:
        return self.verdict(Outcome.INCONCLUSIVE, reason, metric=metric or self._metric, column=self._column)

    @property
    def _metric(self) -> str:
        return self.metric or next(iter(self.floor), "")

    @property
    def _column(self) -> str:
        return ", ".join(self.by)

    def _difference(self, evidence: Evidence, groups: Groups, metric: str, most: float) -> Verdict:
        try:
            found = evidence.group_difference(
                metric, groups, self.threshold, self.cluster_by, self.confidence, self.resamples, self.min_class
            )
        except DataError as error:
            return self._not_judged(str(error))
        size, high, low = found.size, found.highest, found.lowest
        if not all(map(math.isfinite, (size.value, size.low, size.high))):
            reason = f"the difference in {found.quantity} has no finite interval on this holdout; evaluate on more rows"
            return self.verdict(Outcome.INCONCLUSIVE, reason, size.value, most, metric=metric, column=self._column)
        outcome, relation = compare_with_maximum(size.low, size.high, most)
        described = describe_interval(size.value, size.low, size.high, self.confidence)
        doubt = ": not conclusive; evaluate on more rows" if outcome is Outcome.INCONCLUSIVE else ""
        reason = (
            f"difference in {found.quantity} between {high.name} ({high.value:.4f}, {high.rows} rows) and "
            f"{low.name} ({low.value:.4f}, {low.rows} rows) is {described}, which {relation} the maximum "
            f"of {most:g}{doubt}{_mention(groups.small_groups + len(groups.names) - found.group_count)}"
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
        try:
            values = evidence.compute_group_values(metric, groups, self.min_class)
        except DataError as error:
            return self._not_judged(str(error), metric)
        judged = [value for value in values if math.isfinite(value.value)]
        others = _mention(groups.small_groups + len(values) - len(judged))
        if len(judged) < 2:
            reason = f"{metric}: {_count_groups(len(judged), self.min_group)}{others}"
            return self.verdict(Outcome.INCONCLUSIVE, reason, bound=least, metric=metric, column=self._column)
        worst = min(judged, key=lambda value: sign * value.value)
        good = sign * (worst.value - least) >= 0
        value = f"{metric} of {worst.name} is {worst.value:.4f} on {worst.rows} rows"
        relation = "which meets" if good else "worse than"
        reason = f"worst of {len(judged)} groups: {value}, {relation} the floor of {least:g}{others}"
        return self.verdict(
            Outcome.PASS if good else Outcome.FAIL,
            reason,
            worst.value,
            least,
            metric=metric,
            column=self._column,
            group=worst.name,
        )


def _count_groups(number: int, min_group: int) -> str:
    """Return why fewer than two groups cannot be compared."""
    return f"{number} of the 2 groups that a comparison needs have a value and {min_group:,} rows; lower min_group"


def _mention(unjudged: int) -> str:
    """Return how many other groups are not judged."""
    if not unjudged:
        return ""
    noun = "group has" if unjudged == 1 else "groups have"
    return f" ({unjudged} more {noun} too few rows to be judged)"

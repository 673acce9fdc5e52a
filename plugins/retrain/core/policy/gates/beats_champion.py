"""The challenger must be significantly better than the champion on the same rows."""

from __future__ import annotations

import math
from datetime import timedelta
from typing import TYPE_CHECKING, Final, Literal

from pydantic import Field

from retrain.core.policy.gates.base import Gate, Outcome, Verdict
from retrain.core.policy.gates.intervals import (
    ClusterBy,
    add_dependence,
    cluster_columns,
    compare_with_minimum,
    describe_interval,
    describe_method,
)
from retrain.core.policy.gates.reasons import FEASIBLE, LONGEST_WAIT, explain_undefined, mention_absent_classes
from retrain.core.stats.interval_names import IntervalName
from retrain.core.stats.metric_names import MetricName
from retrain.errors import DataError

if TYPE_CHECKING:
    from retrain.core.policy.evidence import Evidence
    from retrain.core.stats.intervals import Gain

__all__ = ["BeatsChampion"]

_PERIODS: Final = {
    "hour": timedelta(hours=1),
    "day": timedelta(days=1),
    "week": timedelta(weeks=1),
    "month": timedelta(days=30),
}


class BeatsChampion(Gate):
    """Pass if the lower confidence bound of the paired gain is above the margin.

    The gain is challenger minus champion for metrics of which more is better, champion minus challenger otherwise, so a
    positive gain is always an improvement. `method` names the interval, one file each in `retrain.core.stats.intervals`. It
    resamples or sums whole clusters. Assumptions: clusters are independent; rows within one need not be. Calendar periods that
    depend on the periods before are joined to blocks first. A margin of 0 or more
    tests superiority, a negative one non-inferiority. The first model of a timeline is compared with a dummy baseline that is
    fitted on its own training rows.

    A challenger that is not better passes by chance with probability ``(1 - confidence) / 2``, or less if the pipeline's error
    control grants less. Several gates of this kind in one policy each use the full level: a challenger that is not better by
    one of them is promoted only if that gate errs (an intersection-union test; Berger, Technometrics 24 (1982) 295-300).
    """

    check: Literal["beats_champion"]
    metric: MetricName
    margin: float = Field(0.0, allow_inf_nan=False, description="In units of the metric; negative: non-inferiority.")
    confidence: float = Field(0.95, gt=0.5, lt=1)
    cluster_by: ClusterBy = None
    method: IntervalName = Field("auto", description="The method of the interval.")
    resamples: int = Field(2000, ge=200, le=100_000)

    @property
    def columns(self) -> tuple[str, ...]:
        """The column that clusters, if it is not a period."""
        return cluster_columns(self.cluster_by)

    @property
    def spends(self) -> bool:
        """Whether this gate spends what error control grants."""
        return True

    def judge(self, evidence: Evidence) -> Verdict:
        """Return pass above the margin, fail below it, and inconclusive if the interval includes it."""
        if evidence.opponent is None:
            return self.verdict(Outcome.INCONCLUSIVE, evidence.why_no_opponent)
        level = round((1 - self.confidence) / 2, 12)
        if evidence.allotment is not None:
            level = min(level, evidence.allotment.level)
        if not level:
            return self.verdict(Outcome.INCONCLUSIVE, evidence.why_no_level, bound=self.margin, level=0.0)
        if not math.isfinite(evidence.challenger_metric(self.metric)):
            return self.verdict(Outcome.INCONCLUSIVE, explain_undefined(self.metric), level=level)
        try:
            gain = evidence.paired_gain(
                self.metric, self.cluster_by, level, method=self.method, resamples=self.resamples
            )
        except DataError as error:
            return self.verdict(Outcome.INCONCLUSIVE, str(error), level=level)
        if not math.isfinite(gain.value):
            reason = explain_undefined(self.metric, f"the {evidence.opponent}")
            return self.verdict(Outcome.INCONCLUSIVE, reason, bound=self.margin, level=level)
        if not all(map(math.isfinite, (gain.low, gain.high))):
            reason = f"the gain in {self.metric} has no finite interval on this holdout; evaluate on more rows"
            return self.verdict(Outcome.INCONCLUSIVE, reason, gain.value, self.margin, level=level)
        outcome, relation = compare_with_minimum(gain.low, gain.high, self.margin)
        rows = gain.rows_needed(self.margin, evidence.scorecard.rows) if outcome is Outcome.INCONCLUSIVE else None
        bound = "0" if self.margin == 0 else f"the margin {self.margin:+g}"
        described = describe_interval(gain.value, gain.low, gain.high, 1 - 2 * level, sign=True)
        reason = f"gain in {self.metric} over the {evidence.opponent} {described} {relation} {bound}"
        if outcome is Outcome.INCONCLUSIVE:
            reason += f": not significant. {self._outlook(gain, rows, evidence.scorecard.rows)}"
        reason = add_dependence(reason, gain, self.cluster_by)
        reason = mention_absent_classes(reason, evidence, self.metric)
        detectable = self.margin + gain.detectable_gain
        interval = (gain.low, gain.high)
        return self.verdict(
            outcome,
            reason,
            gain.value,
            self.margin,
            interval,
            method=describe_method(gain),
            level=level,
            detectable=detectable,
            rows_needed=rows,
        )

    def _outlook(self, gain: Gain, more_rows: int | None, rows: int) -> str:
        """Return what this holdout can detect, and how many more rows would confirm the observed gain."""
        if not gain.detectable_gain:
            return "Both models give the same scores."
        power = f"This holdout detects gains of {_short(self.margin + gain.detectable_gain)} or more (80 % power)"
        if more_rows is None:
            return f"{power}; more rows would not confirm a gain of {gain.value:+.4f}."
        clusters = gain.clusters * more_rows / rows
        if too_much := self._describe_excess(more_rows / rows, clusters):
            return (
                f"{power}. Waiting will not confirm a gain of {_short(gain.value)}: it needs {too_much}. A longer holdout, better "
                "features, or a margin below 0 (not worse) can settle it."
            )
        time = ""
        if self.cluster_by is not None:
            unit = "clusters" if cluster_columns(self.cluster_by) else f"{self.cluster_by}s"
            time = f" ({_rounded(clusters):,} {unit})"
        need = f"confirming a gain of {_short(gain.value)} needs about {_rounded(more_rows):,} more rows{time}"
        return f"{power}; {need}."

    def _describe_excess(self, multiple: float, clusters: float) -> str:
        """Return why the rows that a gain needs will not come: too many, or too late; empty if they may."""
        if multiple > FEASIBLE:
            return f"more than {FEASIBLE} times these rows"
        late = clusters * _PERIODS.get(str(self.cluster_by), timedelta(0)) > LONGEST_WAIT
        return f"more than {LONGEST_WAIT.days // 365} years" if late else ""


def _short(value: float) -> str:
    """Return a number with two significant digits."""
    return f"{float(f'{value:.2g}'):g}"


def _rounded(count: float) -> int:
    """Return a count with two significant digits, rounded up to a whole number."""
    return math.ceil(float(f"{count:.2g}"))

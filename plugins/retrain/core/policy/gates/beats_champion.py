"""The challenger must be better than the champion on the same rows, by more than luck explains."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final, Literal

from pydantic import Field

from retrain.core.policy.gates.base import Gate, Outcome, Verdict
from retrain.core.policy.gates.intervals import ClusterBy, cluster_columns, place_over
from retrain.core.stats.interval_names import IntervalName
from retrain.core.stats.metric_names import MetricName
from retrain.errors import DataError

if TYPE_CHECKING:
    from retrain.core.policy.evidence import Evidence
    from retrain.core.stats.intervals import Gain

__all__ = ["BeatsChampion"]

_FEASIBLE: Final = 20
"""So many times the rows of this holdout may be worth waiting for; more is hopeless."""


class BeatsChampion(Gate):
    """Pass where the lower confidence bound of the paired gain is over the margin.

    The gain is challenger minus champion for metrics where more is better, champion minus challenger otherwise, so a
    positive gain is always an improvement. Its interval is made by `method`, one file each in `retrain.core.stats.intervals`, with
    whole clusters: assumptions, clusters are independent, rows within one need not be. A margin of 0 or more asks for
    superiority, a negative one for non-inferiority. The first model of a timeline is held against a dummy baseline fitted on
    its own training rows.

    Luck alone passes with an error of ``(1 - confidence) / 2``, or less where the pipeline's error control gives the retrain
    less. Several gates of this kind in one policy share that level without splitting it: a challenger that is no better by
    one of them is promoted only if that very gate errs (an intersection-union test; Berger, Technometrics 24 (1982) 295-300).
    """

    check: Literal["beats_champion"]
    metric: MetricName
    margin: float = Field(0.0, allow_inf_nan=False, description="In units of the metric; negative: non-inferiority.")
    confidence: float = Field(0.95, gt=0.5, lt=1)
    cluster_by: ClusterBy = None
    method: IntervalName = Field("auto", description="How the interval is made.")
    resamples: int = Field(2000, ge=200, le=100_000)

    @property
    def columns(self) -> tuple[str, ...]:
        """The column that clusters, if it is not a period."""
        return cluster_columns(self.cluster_by)

    def judge(self, evidence: Evidence) -> Verdict:
        """Return pass over the margin, fail under it, inconclusive where the interval holds it."""
        if evidence.opponent is None:
            return self.verdict(Outcome.INCONCLUSIVE, evidence.why_no_opponent)
        level = round((1 - self.confidence) / 2, 12)
        if evidence.allotment is not None:
            level = min(level, evidence.allotment.level)
        if not level:
            return self.verdict(Outcome.INCONCLUSIVE, evidence.why_no_level, bound=self.margin, level=0.0)
        if not math.isfinite(evidence.challenger_metric(self.metric)):
            reason = f"{self.metric} of the challenger is not a number on this holdout"
            return self.verdict(Outcome.INCONCLUSIVE, reason, level=level)
        try:
            gain = evidence.paired_gain(
                self.metric, self.cluster_by, level, method=self.method, resamples=self.resamples
            )
        except DataError as error:
            return self.verdict(Outcome.INCONCLUSIVE, str(error), level=level)
        if not all(map(math.isfinite, (gain.value, gain.low, gain.high))):
            reason = f"the gain in {self.metric} has no finite interval on this holdout"
            return self.verdict(Outcome.INCONCLUSIVE, reason, gain.value, self.margin, level=level)
        outcome, _ = place_over(gain.low, gain.high, self.margin)
        rows = gain.rows_needed(self.margin, evidence.scorecard.rows) if outcome is Outcome.INCONCLUSIVE else None
        bound = "0" if self.margin == 0 else f"the margin {self.margin:+g}"
        relation = {Outcome.PASS: "is above", Outcome.FAIL: "is below", Outcome.INCONCLUSIVE: "includes"}[outcome]
        reason = (
            f"gain in {self.metric} over the {evidence.opponent} {gain.value:+.4f}, {100 * (1 - 2 * level):.4g} % interval "
            f"[{gain.low:+.4f}, {gain.high:+.4f}] {relation} {bound}"
        )
        if outcome is Outcome.INCONCLUSIVE:
            reason += f": not significant. {self._outlook(gain, rows, evidence.scorecard.rows)}"
        detectable = self.margin + gain.detectable_gain
        interval = (gain.low, gain.high)
        return self.verdict(
            outcome,
            reason,
            gain.value,
            self.margin,
            interval,
            method=gain.method,
            level=level,
            detectable=detectable,
            rows_needed=rows,
        )

    def _outlook(self, gain: Gain, more_rows: int | None, rows: int) -> str:
        """Return what this holdout can detect, and how many more rows would confirm a gain like this one."""
        if not gain.detectable_gain:
            return "Both models give the same scores."
        power = f"This holdout detects gains of {_short(self.margin + gain.detectable_gain)} or more (80 % power)"
        if more_rows is None:
            return f"{power}; more rows would not confirm a gain of {gain.value:+.4f}."
        clusters = gain.clusters * more_rows / rows
        time = ""
        if self.cluster_by is not None:
            unit = "clusters" if cluster_columns(self.cluster_by) else f"{self.cluster_by}s"
            time = f" ({_rounded(clusters):,} {unit})"
        need = f"confirming a gain of {_short(gain.value)} needs about {_rounded(more_rows):,} more rows{time}"
        if more_rows > _FEASIBLE * rows:
            return (
                f"{power}; {need}. Waiting will not settle it: improve the model or its features, or keep the champion."
            )
        return f"{power}; {need}."


def _short(value: float) -> str:
    """Return a number with two significant digits."""
    return f"{float(f'{value:.2g}'):g}"


def _rounded(count: float) -> int:
    """Return a count with two digits that mean something."""
    return math.ceil(float(f"{count:.2g}"))

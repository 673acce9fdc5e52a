"""The scorecard as one page and a model card: a retrain's decision and its evidence."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

from retrain.core.codec import finite_or_none
from retrain.core.policy.gates import Outcome, Verdict
from retrain.core.policy.gates.rated import describe_ageing, format_chance
from retrain.core.policy.gates.reasons import FEASIBLE
from retrain.core.ratings import RatedVersion, RatingSummary
from retrain.core.report import RetrainReport, SliceLine
from retrain.core.stats.metric_names import GREATER_IS_BETTER
from retrain.reports.model_card import model_card
from retrain.reports.pages import number, render_page

__all__ = ["Scale", "draw_scorecard"]

_SHOWN: Final = 12
"""How many slices are visible; the others are collapsed."""


@dataclass(frozen=True)
class Scale:
    """A horizontal axis from `low` to `high`, with some room beyond both.

    >>> Scale.over([0.0, None, 10.0]).at(5.0)
    '50.00%'
    """

    low: float
    high: float

    @classmethod
    def over(cls, values: Iterable[float | None], room: float = 0.12) -> Scale:
        """Return the axis that shows all values; it ignores values that are not a number."""
        known = [value for value in map(finite_or_none, values) if value is not None] or [0.0]
        margin = (max(known) - min(known)) * room or abs(known[0]) * room or 1.0
        return cls(min(known) - margin, max(known) + margin)

    def share(self, value: float) -> float:
        """Return the position of a value, from 0 to 1; a value beyond the axis, such as an infinite bound, is at its end."""
        return min(1.0, max(0.0, (value - self.low) / (self.high - self.low)))

    def at(self, value: float) -> str:
        """Return the position of a value as a percentage for SVG."""
        return f"{100 * self.share(value):.2f}%"

    def anchor(self, value: float) -> str:
        """Return the side of a position on which a label fits."""
        return "start" if self.share(value) < 0.2 else "end" if self.share(value) > 0.8 else "middle"


def draw_scorecard(report: RetrainReport, folder: Path) -> list[Path]:
    """Write ``scorecard.html`` and the model card ``README.md``; return both, the page first."""
    page, card = folder / "scorecard.html", folder / "README.md"
    page.write_text(_page(report), encoding="utf-8")
    card.write_text(model_card(report), encoding="utf-8")
    return [page, card]


def _page(report: RetrainReport) -> str:
    lines = report.slices
    shown = min(_SHOWN, sum(not line.small for line in lines) or _SHOWN)
    metrics = report.scorecard.challenger_metrics if report.scorecard else {}
    most_moved = max((bucket.rows for bucket in report.change.buckets), default=0) if report.change else 0
    return render_page(
        "scorecard.html",
        report=report,
        decision=report.decision,
        metrics=sorted(metrics.items(), key=lambda item: item[0] != report.decision.metric),
        most_moved=max(1, most_moved),
        scale_of=_scale_of,
        facts_of=partial(_facts_of, holdout_rows=report.decision.holdout_rows),
        slice_groups=[(lines, _slice_scale(lines)) for lines in (lines[:shown], lines[shown:])],
        prediction_scale=_prediction_scale(report),
        rated=[(version, _role_of(version, report.rating)) for version in _latest_first(report.rating)],
        rating_scale=_rating_scale(report.rating),
        ageing=describe_ageing(report.rating.ageing) if report.rating else "",
        chance=format_chance,
        more_is_better=GREATER_IS_BETTER,
    )


def _scale_of(verdict: Verdict) -> Scale | None:
    """Return the axis of a gate's numbers; None if its verdict has none."""
    if finite_or_none(verdict.value) is None:
        return None
    return Scale.over([verdict.value, verdict.bound, *(verdict.interval or ())])


def _describe_power(verdict: Verdict) -> str:
    """Return what a gate can see, so that it shows on which side of its bound that lies."""
    if verdict.detectable is None:
        return ""
    if verdict.check == "slices":
        return f"fails a slice that drops by {number(verdict.detectable)} or more, with 80 % power"
    return f"detects {number(verdict.detectable)} or more with 80 % power"


def _is_hopeless(rows_needed: int, holdout_rows: int | None) -> bool:
    """Return whether waiting for rows settles nothing; the reason of the verdict then says what does."""
    return holdout_rows is not None and rows_needed > FEASIBLE * holdout_rows


def _facts_of(verdict: Verdict, holdout_rows: int | None) -> list[str]:
    """Return the facts that a verdict gives beside its reason; not every gate gives every fact."""
    spare = {Outcome.PASS: "to spare", Outcome.FAIL: "too far"}.get(verdict.outcome)
    margin, rows = _margin_of(verdict), verdict.rows_needed
    facts = [
        f"{number(margin)} {spare}" if spare and margin else "",
        f"method {verdict.method}" if verdict.method else "",
        "" if verdict.level is None else f"error level {verdict.level:.4g}",
        _describe_power(verdict),
        "" if rows is None or _is_hopeless(rows, holdout_rows) else f"needs about {rows:,} more labelled rows",
    ]
    return [fact for fact in facts if fact]


def _margin_of(verdict: Verdict) -> float:
    """Return the distance from the bound to the near end of the interval, or to the value without an interval.

    0 if the bound lies inside the interval, or if a value is not a number.
    """
    if verdict.value is None or verdict.bound is None:
        return 0.0
    low, high = verdict.interval or (verdict.value, verdict.value)
    margin = max(low - verdict.bound, verdict.bound - high)
    return margin if margin > 0 and math.isfinite(margin) else 0.0


def _slice_scale(lines: Sequence[SliceLine]) -> Scale:
    return Scale.over(value for line in lines for value in (line.challenger, line.opponent))


def _prediction_scale(report: RetrainReport) -> Scale:
    """Return the axis of predicted and observed values: from 0 to 1 for probabilities."""
    if report.spec.evaluation.task == "classification":
        return Scale.over([0.0, 1.0], room=0.03)
    return Scale.over(
        value for side in report.reliability.values() for item in side.bins for value in (item.predicted, item.observed)
    )


def _latest_first(rating: RatingSummary | None) -> tuple[RatedVersion, ...]:
    return rating.versions[::-1] if rating else ()


def _role_of(version: RatedVersion, rating: RatingSummary | None) -> str:
    """Return the role that a version's mark is coloured by; empty for an earlier version."""
    roles = {rating.challenger: "challenger", rating.champion: "champion"} if rating else {}
    return roles.get(version.version, "")


def _rating_scale(rating: RatingSummary | None) -> Scale:
    """Return the axis of gains, with the champion's 0 on it."""
    return Scale.over([0.0, *(end for version in _latest_first(rating) for end in version.interval)])

"""The holdout must not have drifted too far from the training range."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Literal

from pydantic import Field

from retrain.core.names import ColumnName
from retrain.core.policy.gates.base import Gate, Outcome, Verdict
from retrain.core.policy.gates.reasons import explain_few_rows, explain_no_profile

if TYPE_CHECKING:
    from retrain.core.policy.evidence import Evidence
    from retrain.core.stats.drift import ColumnProfile

__all__ = ["Population"]


class Population(Gate):
    """Pass if no feature, and not the label, drifts by more than `max_distance` between training range and holdout.

    Drift is the Jensen-Shannon distance, 0 to 1 (Lin 1991; see `retrain.core.stats.drift.distance` for the formula and its
    assumptions). It is never negative, so noise alone gives a positive distance: a column above the bound but within its noise
    floor is inconclusive. Besides, at most a share `max_unseen` of the holdout may have a category that the training range
    lacks. Columns that follow the calendar differ between two ranges of time: list them in `ignore`.
    """

    check: Literal["population"]
    max_distance: float = Field(0.1, gt=0, le=1, description="Jensen-Shannon distance, 0 to 1.")
    max_unseen: float = Field(
        0.05, ge=0, le=1, description="Share of holdout rows with a category that the training range lacks."
    )
    ignore: tuple[ColumnName, ...] = Field((), description="Columns that may drift, such as a month.")
    min_rows: int = Field(30, ge=1, description="Fewest rows that the training range and the holdout must each have.")

    @property
    def profiled(self) -> bool:
        """It reads the profile."""
        return True

    def judge(self, evidence: Evidence) -> Verdict:
        """Return fail with the name of the worst column, pass, or inconclusive."""
        profile = evidence.scorecard.profile
        if profile is None:
            return self.verdict(Outcome.INCONCLUSIVE, explain_no_profile())
        fewest = min(profile.train_rows, profile.holdout_rows)
        if fewest < self.min_rows:
            return self.verdict(
                Outcome.INCONCLUSIVE,
                explain_few_rows("the smaller of training range and holdout", fewest, self.min_rows),
            )
        judged = [column for column in (*profile.features, profile.label) if column.column not in self.ignore]
        if not judged:
            return self.verdict(Outcome.INCONCLUSIVE, "`ignore` lists every column; remove one")
        if not all(math.isfinite(n) for column in judged for n in (column.distance, column.noise_floor, column.unseen)):
            reason = "the drift of a column is not defined; check the columns for missing values"
            return self.verdict(Outcome.INCONCLUSIVE, reason, bound=self.max_distance)
        newest = max(judged, key=lambda column: column.unseen)
        if newest.unseen > self.max_unseen:
            reason = (
                f"{newest.unseen:.1%} of the holdout rows have a {newest.column} that the training range lacks, above the "
                f"maximum of {self.max_unseen:.1%}; widen the training range, or list the column in `ignore`"
            )
            return self.verdict(Outcome.FAIL, reason, newest.unseen, self.max_unseen, column=newest.column)
        return self._judge_distances(judged)

    def _judge_distances(self, judged: list[ColumnProfile]) -> Verdict:
        far = [column for column in judged if column.distance > self.max_distance]
        above_noise = [column for column in far if column.distance > column.noise_floor]
        worst = max(above_noise or judged, key=lambda column: column.distance)
        drift = f"{worst.column} drifted by {worst.distance:.3f}"
        if above_noise:
            reason = (
                f"{drift}, above the maximum of {self.max_distance:g} ({len(far)} of {len(judged)} columns are); find out "
                "what changed in the data, or list the column in `ignore`"
            )
            return self.verdict(Outcome.FAIL, reason, worst.distance, self.max_distance, column=worst.column)
        if far:
            reason = (
                f"{drift}, above the maximum of {self.max_distance:g}, but within the noise floor of {worst.noise_floor:.3f} "
                "of so few rows; widen the window"
            )
            return self.verdict(Outcome.INCONCLUSIVE, reason, worst.distance, self.max_distance, column=worst.column)
        reason = f"largest drift of {len(judged)} columns: {drift}, within the maximum of {self.max_distance:g}"
        return self.verdict(Outcome.PASS, reason, worst.distance, self.max_distance, column=worst.column)

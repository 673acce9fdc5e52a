"""The holdout has not drifted too far from the training range, or the verdict says so."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final, Literal

from pydantic import Field

from retrain.core.names import ColumnName
from retrain.core.policy.gates.base import Gate, Outcome, Verdict, combine_verdicts
from retrain.core.policy.gates.reasons import explain_few_rows, explain_no_profile

if TYPE_CHECKING:
    from retrain.core.policy.evidence import Evidence
    from retrain.core.stats.drift import ColumnProfile

__all__ = ["Population"]


_OUTCOMES: Final = {"warn": Outcome.PASS, "hold": Outcome.INCONCLUSIVE, "reject": Outcome.FAIL}


class Population(Gate):
    """Judge whether a feature or the label drifts by more than `max_distance` between training range and holdout.

    Drift is the Jensen-Shannon distance, 0 to 1 (Lin 1991; see `retrain.core.stats.drift.distance` for the formula and its
    assumptions). It is never negative, so noise alone gives a positive distance: a column above the bound but within its noise
    floor has not proved to drift. Besides, at most a share `max_unseen` of the holdout may have a category that the training
    range lacks. Columns that follow the calendar differ between two ranges of time: list them in `ignore`.

    By default a drift is a warning: the verdict passes and its reason says what drifted. A challenger learned from newer rows
    than the champion, so to keep the champion if the population drifted is to keep the model that knows it less. Reject a
    drift where it means that the data are broken and no model should be made from them.

    >>> from retrain.testing import make_column, make_evidence, make_profile, make_scores
    >>> drifted = make_evidence(make_scores(), profile=make_profile(make_column("price", distance=0.4)))
    >>> [Population(check="population", if_drifted=then).judge(drifted).outcome.value for then in ("warn", "hold", "reject")]
    ['pass', 'inconclusive', 'fail']
    """

    check: Literal["population"]
    max_distance: float = Field(0.1, gt=0, le=1, description="Jensen-Shannon distance, 0 to 1.")
    max_unseen: float = Field(
        0.05, ge=0, le=1, description="Share of holdout rows with a category that the training range lacks."
    )
    ignore: tuple[ColumnName, ...] = Field((), description="Columns that may drift, such as a month.")
    if_drifted: Literal["warn", "hold", "reject"] = Field(
        "warn", description="Pass with a warning, hold or reject if a column drifted."
    )
    min_rows: int = Field(30, ge=1, description="Fewest rows that the training range and the holdout must each have.")

    @property
    def profiled(self) -> bool:
        """It reads the profile."""
        return True

    def judge(self, evidence: Evidence) -> Verdict:
        """Return the verdict with the name of the column that drifted most."""
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
            unseen = self._report_drift(reason, newest.unseen, self.max_unseen, newest.column)
            return combine_verdicts([unseen, self._judge_distances(judged)])
        return self._judge_distances(judged)

    def _report_drift(self, reason: str, value: float, bound: float, column: str) -> Verdict:
        marked = f"warning: {reason}" if self.if_drifted == "warn" else reason
        return self.verdict(_OUTCOMES[self.if_drifted], marked, value, bound, column=column)

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
            return self._report_drift(reason, worst.distance, self.max_distance, worst.column)
        if far:
            reason = (
                f"{drift}, above the maximum of {self.max_distance:g}, but within the noise floor of {worst.noise_floor:.3f} "
                "of so few rows or days; widen the window"
            )
            outcome = Outcome.PASS if self.if_drifted == "warn" else Outcome.INCONCLUSIVE
            return self.verdict(outcome, reason, worst.distance, self.max_distance, column=worst.column)
        reason = f"largest drift of {len(judged)} columns: {drift}, within the maximum of {self.max_distance:g}"
        return self.verdict(Outcome.PASS, reason, worst.distance, self.max_distance, column=worst.column)

"""The holdout must look like the training window, or its scores say little about what the model learnt."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Literal

from pydantic import Field

from retrain.core.names import ColumnName
from retrain.core.policy.gates.base import Gate, Outcome, Verdict

if TYPE_CHECKING:
    from retrain.core.policy.evidence import Evidence
    from retrain.core.stats.drift import ColumnProfile

__all__ = ["Population"]


class Population(Gate):
    """Pass if no feature, nor the label, lies further from its training range than `max_distance`.

    The distance is that of Jensen and Shannon, 0 to 1 (Lin 1991; see `retrain.core.stats.drift.distance` for the formula and what
    it assumes). It is never negative, so luck alone makes some: a column over the bound that luck explains is inconclusive.
    With that, no more than `max_unseen` of the holdout may be of categories that training never saw. Columns that move with the
    calendar differ rightly between two ranges of time: name them in `ignore`.
    """

    check: Literal["population"]
    max_distance: float = Field(0.1, gt=0, le=1, description="Jensen-Shannon distance, 0 to 1.")
    max_unseen: float = Field(0.05, ge=0, le=1, description="Share of holdout rows of a category new to training.")
    ignore: tuple[ColumnName, ...] = Field((), description="Columns that rightly differ, such as a month.")
    min_rows: int = Field(30, ge=1, description="Fewest rows that each of the two ranges must have.")

    @property
    def profiled(self) -> bool:
        """It reads the profile."""
        return True

    def judge(self, evidence: Evidence) -> Verdict:
        """Return fail with the worst column named, pass, or inconclusive."""
        profile = evidence.scorecard.profile
        if profile is None:
            return self.verdict(Outcome.INCONCLUSIVE, "no profile of the window was measured")
        fewest = min(profile.train_rows, profile.holdout_rows)
        if fewest < self.min_rows:
            return self.verdict(Outcome.INCONCLUSIVE, f"a range has {fewest} rows, fewer than {self.min_rows}")
        judged = [column for column in (*profile.features, profile.label) if column.column not in self.ignore]
        if not judged:
            return self.verdict(Outcome.INCONCLUSIVE, "every column is ignored")
        if not all(math.isfinite(n) for column in judged for n in (column.distance, column.noise_floor, column.unseen)):
            return self.verdict(Outcome.INCONCLUSIVE, "a distance is not a number", bound=self.max_distance)
        newest = max(judged, key=lambda column: column.unseen)
        if newest.unseen > self.max_unseen:
            share = f"{newest.unseen:.1%} of the holdout"
            reason = f"{share} has a {newest.column} that training never saw, more than {self.max_unseen:.1%}"
            return self.verdict(Outcome.FAIL, reason, newest.unseen, self.max_unseen, column=newest.column)
        return self._of_distances(judged)

    def _of_distances(self, judged: list[ColumnProfile]) -> Verdict:
        far = [column for column in judged if column.distance > self.max_distance]
        beyond_luck = [column for column in far if column.distance > column.noise_floor]
        worst = max(beyond_luck or judged, key=lambda column: column.distance)
        said = f"{worst.column} lies {worst.distance:.3f} from its training range"
        if beyond_luck:
            reason = f"{said}, over {self.max_distance:g} ({len(far)} of {len(judged)} columns are)"
            return self.verdict(Outcome.FAIL, reason, worst.distance, self.max_distance, column=worst.column)
        if far:
            reason = (
                f"{said}, over {self.max_distance:g}, but in so few rows luck alone may reach {worst.noise_floor:.3f}"
            )
            return self.verdict(Outcome.INCONCLUSIVE, reason, worst.distance, self.max_distance, column=worst.column)
        reason = f"the furthest of {len(judged)} columns: {said}, within {self.max_distance:g}"
        return self.verdict(Outcome.PASS, reason, worst.distance, self.max_distance, column=worst.column)

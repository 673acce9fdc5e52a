"""Nothing may tell the label that will not be known when the model is asked."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING, Literal

from pydantic import Field

from retrain.core.names import ColumnName
from retrain.core.policy.gates.base import Gate, Outcome, Verdict

if TYPE_CHECKING:
    from retrain.core.policy.evidence import Evidence
    from retrain.core.stats.drift import ColumnProfile, Profile

__all__ = ["Leakage"]

_Finding = tuple[str, float, float]
"""What was found, the number, and its bound."""


class Leakage(Gate):
    """Pass if none of three signs of a leak is found (Kaufman, Rosset, Perlich and Stitelman 2012).

    A feature that alone tells the label better than `max_strength`: the area under the ROC curve, of the best class if there
    are several, or the absolute rank correlation with the label of a regression (see `retrain.core.stats.drift.association`). More
    holdout rows than `max_duplicates` that equal a training row in every feature and the label. An instant after as-of in a
    feature. What a feature tells only together with another, and what is written in texts, is not found.
    """

    check: Literal["leakage"]
    max_strength: float = Field(0.99, gt=0.5, lt=1, description="Area under the ROC curve, or rank correlation.")
    max_duplicates: float = Field(0.01, ge=0, lt=1, description="Share of holdout rows that training rows equal.")
    ignore: tuple[ColumnName, ...] = Field(
        (), description="Features that rightly tell the label or name later instants."
    )
    min_rows: int = Field(30, ge=1, description="Fewest rows that each of the two ranges must have.")

    @property
    def profiled(self) -> bool:
        """It reads the profile."""
        return True

    def judge(self, evidence: Evidence) -> Verdict:
        """Return fail with all that was found, pass, or inconclusive."""
        profile = evidence.scorecard.profile
        if profile is None:
            return self.verdict(Outcome.INCONCLUSIVE, "no profile of the window was measured")
        fewest = min(profile.train_rows, profile.holdout_rows)
        if fewest < self.min_rows:
            return self.verdict(Outcome.INCONCLUSIVE, f"a range has {fewest} rows, fewer than {self.min_rows}")
        judged = [feature for feature in profile.features if feature.column not in self.ignore]
        if not judged:
            return self.verdict(Outcome.INCONCLUSIVE, "every feature is ignored")
        found = list(self._signs(profile, judged))
        if found:
            _, value, bound = found[0]
            return self.verdict(Outcome.FAIL, "; ".join(reason for reason, *_ in found), value, bound)
        lacking = [feature.column for feature in judged if not math.isfinite(feature.label_association)]
        if lacking:
            reason = (
                f"how well {', '.join(lacking)} tells the label cannot be said: too few rows of a second class or value"
            )
            return self.verdict(Outcome.INCONCLUSIVE, reason, bound=self.max_strength)
        strongest = max(judged, key=lambda feature: feature.label_association)
        reason = (
            f"{strongest.column} alone tells the label best, {strongest.label_association:.3f} and not over {self.max_strength:g}; "
            f"{profile.duplicates} holdout rows equal a training row"
        )
        return self.verdict(Outcome.PASS, reason, strongest.label_association, self.max_strength)

    def _signs(self, profile: Profile, judged: list[ColumnProfile]) -> Iterator[_Finding]:
        for feature in judged:
            if feature.label_association > self.max_strength:
                reason = f"{feature.column} alone tells the label {feature.label_association:.3f}, over {self.max_strength:g}"
                yield reason, feature.label_association, self.max_strength
            if feature.late > 0:
                yield f"{feature.column} names an instant after as-of in {feature.late} rows", float(feature.late), 0.0
        share = profile.duplicates / profile.holdout_rows
        if share > self.max_duplicates:
            reason = (
                f"{share:.2%} of the holdout rows equal a training row, label and all, over {self.max_duplicates:.2%}"
            )
            yield reason, share, self.max_duplicates

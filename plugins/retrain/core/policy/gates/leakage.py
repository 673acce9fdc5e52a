"""No feature may reveal the label by information that is not available when the model predicts."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING, Literal

from pydantic import Field

from retrain.core.names import ColumnName
from retrain.core.policy.gates.base import Gate, Outcome, Verdict
from retrain.core.policy.gates.reasons import explain_few_rows, explain_no_profile

if TYPE_CHECKING:
    from retrain.core.policy.evidence import Evidence
    from retrain.core.stats.drift import ColumnProfile, Profile

__all__ = ["Leakage"]

_Sign = tuple[str, float, float]
"""The sentence on a sign of a leak, its number and its bound."""


class Leakage(Gate):
    """Pass if the window shows none of three signs of a leak (Kaufman, Rosset, Perlich and Stitelman 2012).

    1. A feature that alone predicts the label better than `max_strength`: its univariate AUC, of the best class if there are
       several, or its absolute rank correlation with the label of a regression (see `retrain.core.stats.drift.association`).
    2. A share of holdout rows above `max_duplicates` that equal a training row in every feature and the label.
    3. An instant after as-of in a feature.

    The gate does not find leaks through a combination of features, or inside texts.
    """

    check: Literal["leakage"]
    max_strength: float = Field(
        0.99,
        gt=0.5,
        lt=1,
        description="Univariate AUC of a feature, or its rank correlation with the label of a regression.",
    )
    max_duplicates: float = Field(0.01, ge=0, lt=1, description="Share of holdout rows that equal a training row.")
    ignore: tuple[ColumnName, ...] = Field(
        (), description="Features that may predict the label or hold later instants."
    )
    min_rows: int = Field(30, ge=1, description="Fewest rows that the training range and the holdout must each have.")

    @property
    def profiled(self) -> bool:
        """It reads the profile."""
        return True

    def judge(self, evidence: Evidence) -> Verdict:
        """Return fail with every sign, pass, or inconclusive."""
        profile = evidence.scorecard.profile
        if profile is None:
            return self.verdict(Outcome.INCONCLUSIVE, explain_no_profile())
        fewest = min(profile.train_rows, profile.holdout_rows)
        if fewest < self.min_rows:
            return self.verdict(
                Outcome.INCONCLUSIVE,
                explain_few_rows("the smaller of training range and holdout", fewest, self.min_rows),
            )
        judged = [feature for feature in profile.features if feature.column not in self.ignore]
        if not judged:
            return self.verdict(Outcome.INCONCLUSIVE, "`ignore` lists every feature; remove one")
        measure = "univariate AUC" if evidence.scores.challenger.ndim == 2 else "rank correlation"
        signs = list(self._find_signs(profile, judged, measure))
        if signs:
            _, value, bound = signs[0]
            return self.verdict(Outcome.FAIL, "; ".join(reason for reason, *_ in signs), value, bound)
        undefined = [feature.column for feature in judged if not math.isfinite(feature.label_association)]
        if undefined:
            reason = (
                f"the {measure} of {', '.join(undefined)} is not defined, because too few rows have a second class or "
                "value; widen the window or list the feature in `ignore`"
            )
            return self.verdict(Outcome.INCONCLUSIVE, reason, bound=self.max_strength)
        strongest = max(judged, key=lambda feature: feature.label_association)
        reason = (
            f"no sign of a leak: the highest {measure} is {strongest.label_association:.3f} ({strongest.column}), within "
            f"the maximum of {self.max_strength:g}; {profile.duplicates} holdout rows equal a training row"
        )
        return self.verdict(Outcome.PASS, reason, strongest.label_association, self.max_strength)

    def _find_signs(self, profile: Profile, judged: list[ColumnProfile], measure: str) -> Iterator[_Sign]:
        for feature in judged:
            if feature.label_association > self.max_strength:
                reason = (
                    f"{feature.column} alone predicts the label: {measure} {feature.label_association:.3f}, above the maximum "
                    f"of {self.max_strength:g}; drop it, or list it in `ignore` if it is known in time"
                )
                yield reason, feature.label_association, self.max_strength
            if feature.late > 0:
                reason = f"{feature.column} holds an instant after as-of in {feature.late} rows; correct the query"
                yield reason, float(feature.late), 0.0
        share = profile.duplicates / profile.holdout_rows
        if share > self.max_duplicates:
            reason = (
                f"{share:.2%} of the holdout rows equal a training row, label included, above the maximum of "
                f"{self.max_duplicates:.2%}; remove duplicates in the query"
            )
            yield reason, share, self.max_duplicates

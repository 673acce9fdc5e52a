"""The refit of a recipe on all labelled rows, and how like the judged model the refitted one is."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from math import isfinite
from typing import Final

import numpy as np

from retrain.core.codec import JsonDataclass
from retrain.core.stats.metric_names import GREATER_IS_BETTER
from retrain.core.stats.metrics.base import Floats

__all__ = ["LEAST_LEAD", "Refit", "RefitCheck", "compute_agreement"]

LEAST_LEAD: Final = 0.9
"""The least share of the judged model's lead over a constant that the refitted model must keep on the holdout."""


@dataclass(frozen=True)
class Refit(JsonDataclass):
    """The two models of a version: one recipe, fitted on two ranges of event times.

    Attributes:
        judged: The manifest digest of the judged model, which was fitted on the training range.
        served: The manifest digest of the refitted model, which the registry serves.
        judged_rows: How many rows the judged model was fitted on.
        served_rows: How many rows the refitted model was fitted on.
        start: The first instant of the refit's rows, in UTC.
        end: The end of the refit's rows, exclusive: the end of the holdout.
        agreement: How well the refitted model's scores agree with the judged model's, see `compute_agreement`.
    """

    judged: str
    served: str
    judged_rows: int
    served_rows: int
    start: datetime
    end: datetime
    agreement: float


@dataclass(frozen=True)
class RefitCheck(JsonDataclass):
    """The refitted model beside the judged one on the holdout. It trained on these rows, so its value is not an estimate.

    Attributes:
        metric: The primary metric; the three values are in its units.
        judged_value: Of the judged model.
        served_value: Of the refitted model.
        constant_value: Of the constant prediction of a dummy that was fitted on the judged model's rows.
    """

    refit: Refit
    metric: str
    judged_value: float
    served_value: float
    constant_value: float

    @property
    def lead_kept(self) -> float | None:
        """The share of the judged model's lead over a constant that the refitted model keeps; None if there is no lead to keep.

        NaN if the metric is undefined for the refitted model alone.
        """
        sign = 1 if GREATER_IS_BETTER[self.metric] else -1
        lead = sign * (self.judged_value - self.constant_value)
        if not isfinite(lead) or lead <= 0:
            return None
        return sign * (self.served_value - self.constant_value) / lead

    @property
    def holds(self) -> bool:
        """Whether the refitted model keeps at least nine tenths of the lead; without a lead, whether it is not worse.

        True if the metric is not defined for the judged model, which then passes no gate.
        """
        kept = self.lead_kept
        if kept is not None:
            return kept >= LEAST_LEAD
        sign = 1 if GREATER_IS_BETTER[self.metric] else -1
        return not isfinite(self.judged_value) or sign * (self.served_value - self.judged_value) >= 0

    def describe(self) -> str:
        """Return which model was judged and which one is served."""
        refit = self.refit
        return (
            f"The gates judged the model of {refit.judged_rows:,} rows. Served is the same recipe, fitted again on all"
            f" {refit.served_rows:,} labelled rows, to before {refit.end:%Y-%m-%d %H:%M}. On rows that both trained on their scores"
            f" agree by {refit.agreement:.2f} (1 if equal). On the holdout, on which the served model trained too, {self.metric} is"
            f" {self.served_value:.4f} after {self.judged_value:.4f}."
        )


def compute_agreement(judged: Floats, refitted: Floats) -> float:
    """Return how well the refitted model's scores agree with the judged model's on the same rows: their R squared.

    It is ``1 - sum((judged - refitted)**2) / sum((judged - mean(judged))**2)``: 1 for equal scores, 0 if they are as far from each
    other as the judged model's are from their mean, and -inf if the judged model says the same of every row and the other does not.

    Args:
        judged: (n, classes) probabilities, or (n,) predictions.
        refitted: The same of the refitted model.

    >>> compute_agreement(np.array([1.0, 2.0, 3.0]), np.array([1.0, 2.0, 4.0]))
    0.5
    """
    squares = float(np.sum((judged - refitted) ** 2))
    spread = float(np.sum((judged - judged.mean(axis=0)) ** 2))
    if squares == 0:
        return 1.0
    return 1 - squares / spread if spread > 0 else -np.inf

"""What every gate is: a frozen piece of policy that turns evidence into one verdict, and fails closed."""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ConfigDict

if TYPE_CHECKING:
    from retrain.core.policy.evidence import Evidence

__all__ = ["Gate", "Outcome", "Verdict", "least_favourable"]


class Outcome(StrEnum):
    """What one gate says."""

    PASS = "pass"
    FAIL = "fail"
    INCONCLUSIVE = "inconclusive"


@dataclass(frozen=True)
class Verdict:
    """What one gate says, with the number, the bound and the reason.

    Attributes:
        gate: The gate with its metric, such as ``beats_champion(roc_auc)``.
        outcome: Pass, fail or inconclusive.
        reason: One sentence a person can act on.
        value: The number that was judged, in the units of the metric.
        bound: What it was held against, in the same units.
        interval: The confidence interval of the value, (low, high).
        method: How the interval was made, such as ``delong``.
        level: The one-sided error level that was spent on the verdict: how often luck alone would have passed.
        detectable: The smallest true value that would be seen four times in five, in the units of the metric.
        rows_needed: About how many more labelled rows an inconclusive verdict needs, if the value stays as it is.
    """

    gate: str
    outcome: Outcome
    reason: str
    value: float | None = None
    bound: float | None = None
    interval: tuple[float, float] | None = None
    method: str = ""
    level: float | None = None
    detectable: float | None = None
    rows_needed: int | None = None

    def __post_init__(self) -> None:
        numbers = [self.value, self.bound, *(self.interval or ())]
        if self.outcome is Outcome.PASS and any(n is not None and math.isnan(n) for n in numbers):
            raise ValueError(f"{self.gate} must not pass on NaN")

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON; a number that is not finite becomes null."""

        def plain(number: float | None) -> float | None:
            return number if number is not None and math.isfinite(number) else None

        return {
            "gate": self.gate,
            "outcome": self.outcome.value,
            "reason": self.reason,
            "value": plain(self.value),
            "bound": plain(self.bound),
            "interval": [plain(n) for n in self.interval] if self.interval else None,
            "method": self.method,
            "level": plain(self.level),
            "detectable": plain(self.detectable),
            "rows_needed": self.rows_needed,
        }

    @classmethod
    def from_json(cls, document: dict[str, Any]) -> Verdict:
        """Read what `to_json` wrote."""
        low_high = document["interval"]
        interval = (_or_nan(low_high[0]), _or_nan(low_high[1])) if low_high else None
        return cls(**document | {"outcome": Outcome(document["outcome"]), "interval": interval})


def _or_nan(number: float | None) -> float:
    return math.nan if number is None else number


class Gate(BaseModel):
    """One check of a pipeline's policy.

    A gate reads nothing but its own fields and the evidence, is deterministic for both, and never passes where a number
    is missing, not finite, or rests on too few rows. The field `check` of a gate is its tag in the spec.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that the per-row scores must carry for this gate."""
        return ()

    @property
    def profiled(self) -> bool:
        """Whether this gate reads the profile of the window."""
        return False

    @property
    def batches(self) -> tuple[int, ...]:
        """The numbers of rows a call whose latency this gate reads; with any, the model's footprint is measured."""
        return ()

    @abstractmethod
    def judge(self, evidence: Evidence) -> Verdict:
        """Return the verdict on a challenger."""


def least_favourable(verdicts: Sequence[Verdict]) -> Verdict:
    """Return the first of the worst verdicts, with the reasons of all that are as bad: a gate of several parts needs them all."""
    order = (Outcome.FAIL, Outcome.INCONCLUSIVE, Outcome.PASS)
    worst = min(verdicts, key=lambda verdict: order.index(verdict.outcome))
    return replace(worst, reason="; ".join(each.reason for each in verdicts if each.outcome is worst.outcome))

"""The contract of a gate: it turns evidence into one verdict, and it fails closed."""

from __future__ import annotations

import math
import re
from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final, Self

from pydantic import BaseModel, ConfigDict

from retrain.core.codec import JsonDataclass

if TYPE_CHECKING:
    from retrain.core.policy.evidence import Evidence

__all__ = ["Gate", "Outcome", "Verdict", "combine_verdicts"]

_NAME: Final = re.compile(r"(?P<check>.+?)\((?P<metric>.+)\)", re.DOTALL)
"""The name in documents of version 0.1, which hold it in place of `check` and `metric`."""


class Outcome(StrEnum):
    """The outcome of one gate."""

    PASS = "pass"
    FAIL = "fail"
    INCONCLUSIVE = "inconclusive"


@dataclass(frozen=True)
class Verdict(JsonDataclass):
    """The outcome of one gate, with the number, the bound and the reason.

    Attributes:
        check: The kind of gate, such as ``beats_champion``.
        outcome: Pass, fail or inconclusive.
        reason: One sentence a person can act on.
        value: The number that was judged, in the units of the metric.
        bound: The bound that the number was compared with, in the same units.
        interval: The confidence interval of the value, (low, high).
        method: The method of the interval, such as ``delong``.
        level: The one-sided error level of the verdict: how often a challenger that is not better would pass by chance.
        detectable: The smallest true value that this test detects with 80 % power, in the units of the metric.
        rows_needed: About how many more labelled rows an inconclusive verdict needs, if the value stays as it is.
        metric: The metric that was judged; empty for a gate without one.
        column: The column that the number describes; empty for all rows.
        group: The slice or group that the number describes; empty if it does not describe a single one.
    """

    check: str
    outcome: Outcome
    reason: str
    value: float | None = None
    bound: float | None = None
    interval: tuple[float, float] | None = None
    method: str = ""
    level: float | None = None
    detectable: float | None = None
    rows_needed: int | None = None
    metric: str = ""
    column: str = ""
    group: str = ""

    def __post_init__(self) -> None:
        numbers = [self.value, self.bound, *(self.interval or ())]
        if self.outcome is Outcome.PASS and any(n is not None and math.isnan(n) for n in numbers):
            raise ValueError(f"{self.name} must not pass on NaN")

    @property
    def name(self) -> str:
        """The displayed name, which is the check with its metric: ``beats_champion(roc_auc)``."""
        return f"{self.check}({self.metric})" if self.metric else self.check

    def to_first_form(self) -> dict[str, Any]:
        """Return the document of version 0.1: the name in place of check, metric, column and group."""
        document = self.to_json()
        for name in ("check", "metric", "column", "group"):
            del document[name]
        return document | {"gate": self.name}

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> Self:
        """Read what `to_json` or `to_first_form` wrote."""
        if "gate" not in document:
            return super().from_json(document)
        fields = dict(document)
        name = fields.pop("gate")
        parts = _NAME.fullmatch(name)
        return super().from_json(fields | (parts.groupdict() if parts else {"check": name}))


class Gate(BaseModel):
    """One check of a pipeline's policy.

    A gate reads only its own fields and the evidence. Equal inputs give an equal verdict. It never passes if a number is
    missing or not finite, or if there are too few rows. The field `check` of a gate is its tag in the spec.
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
    def rated(self) -> tuple[str, str | None] | None:
        """The metric and the clusters by which this gate has versions rated; None if it reads no rating."""
        return None

    @property
    def spends(self) -> bool:
        """Whether this gate spends what error control grants."""
        return False

    @property
    def batches(self) -> tuple[int, ...]:
        """The batch sizes whose latency this gate reads; resource usage is measured if there is one."""
        return ()

    def verdict(
        self,
        outcome: Outcome,
        reason: str,
        value: float | None = None,
        bound: float | None = None,
        interval: tuple[float, float] | None = None,
        *,
        method: str = "",
        level: float | None = None,
        detectable: float | None = None,
        rows_needed: int | None = None,
        metric: str | None = None,
        column: str = "",
        group: str = "",
    ) -> Verdict:
        """Return a verdict of this gate, with its own `check` and, unless another is given, its own `metric`."""
        return Verdict(
            getattr(self, "check", type(self).__name__),
            outcome,
            reason,
            value,
            bound,
            interval,
            method,
            level,
            detectable,
            rows_needed,
            (getattr(self, "metric", None) or "") if metric is None else metric,
            column,
            group,
        )

    @abstractmethod
    def judge(self, evidence: Evidence) -> Verdict:
        """Return the verdict on a challenger."""


def combine_verdicts(verdicts: Sequence[Verdict]) -> Verdict:
    """Return the first verdict of the worst outcome, with the reasons of all verdicts of that outcome."""
    order = (Outcome.FAIL, Outcome.INCONCLUSIVE, Outcome.PASS)
    worst = min(verdicts, key=lambda verdict: order.index(verdict.outcome))
    return replace(worst, reason="; ".join(each.reason for each in verdicts if each.outcome is worst.outcome))

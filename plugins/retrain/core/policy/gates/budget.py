"""The challenger must keep to a budget of latency, size and memory."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Literal

from pydantic import ByteSize, Field, model_validator

from retrain.core.data.durations import ShortDuration
from retrain.core.evaluation.resource_usage import Latency, ResourceUsage
from retrain.core.policy.gates.base import Gate, Outcome, Verdict

if TYPE_CHECKING:
    from retrain.core.policy.evidence import Evidence

__all__ = ["Budget"]

_BOUNDS = ("single_p50", "single_p99", "batch_p50", "batch_p99", "size", "memory")


class Budget(Gate):
    """Pass if the resource usage, measured in a child process with one thread, is within each bound of the gate.

    A percentile is the smallest time within which that share of the timed calls ended. Timings depend on the machine's load,
    and consecutive calls are correlated, so the gate gives no interval: leave slack in the bounds. The verdict holds
    milliseconds or bytes.
    """

    check: Literal["budget"]
    single_p50: ShortDuration | None = Field(None, gt=timedelta(0), description="Median latency of scoring one row.")
    single_p99: ShortDuration | None = Field(None, gt=timedelta(0), description="99th percentile of it.")
    batch_p50: ShortDuration | None = Field(
        None, gt=timedelta(0), description="Median latency of scoring `batch_rows` rows at once."
    )
    batch_p99: ShortDuration | None = Field(None, gt=timedelta(0), description="99th percentile of it.")
    batch_rows: int = Field(1000, ge=2, le=100_000)
    size: ByteSize | None = Field(None, gt=0, description="Of the stored model with all its files, such as 50MB.")
    memory: ByteSize | None = Field(
        None, gt=0, description="Memory that loading and scoring add to a process, such as 500MB."
    )
    min_calls: int = Field(100, ge=1, le=300, description="Fewest timed calls for a percentile.")

    @model_validator(mode="after")
    def _has_a_bound(self) -> Budget:
        if all(getattr(self, bound) is None for bound in _BOUNDS):
            raise ValueError(f"must have one of {', '.join(_BOUNDS)}")
        return self

    @property
    def batches(self) -> tuple[int, ...]:
        """The calls that a bound asks for: one row, a batch, or, for the size alone, the cheapest."""
        in_batches = any(bound is not None for bound in (self.batch_p50, self.batch_p99, self.memory))
        row_by_row = not in_batches or self.single_p50 is not None or self.single_p99 is not None
        return (1,) * row_by_row + (self.batch_rows,) * in_batches

    def judge(self, evidence: Evidence) -> Verdict:
        """Return fail with each usage above its bound, pass, or inconclusive; the number is the worst usage."""
        resource_usage = evidence.scorecard.resource_usage
        if resource_usage is None:
            reason = (
                evidence.scorecard.resource_usage_problem
                or "this scorecard has no resource usage; run the retrain again"
            )
            return self.verdict(Outcome.INCONCLUSIVE, reason)
        costs = list(self._costs(resource_usage))
        for cost in costs:
            if cost.calls is not None and cost.calls < self.min_calls:
                reason = (
                    f"{cost.what} was timed in {cost.calls} calls and min_calls is {self.min_calls}; lower min_calls"
                )
                return self.verdict(Outcome.INCONCLUSIVE, reason, bound=cost.bound)
            if not math.isfinite(cost.value):
                return self.verdict(
                    Outcome.INCONCLUSIVE, f"{cost.what} was not measured; remove its bound", bound=cost.bound
                )
        costs.sort(key=lambda cost: cost.value / cost.bound, reverse=True)
        over = [cost for cost in costs if cost.value > cost.bound]
        reason = "; ".join(map(str, over or costs))
        return self.verdict(Outcome.FAIL if over else Outcome.PASS, reason, costs[0].value, costs[0].bound)

    def _costs(self, resource_usage: ResourceUsage) -> Iterator[_Cost]:
        """Yield each cost that has a bound."""
        limits = {1: (self.single_p50, self.single_p99), self.batch_rows: (self.batch_p50, self.batch_p99)}
        for rows, (p50, p99) in limits.items():
            latency = resource_usage.latency(rows) or Latency(rows, 0, math.nan, math.nan)
            for percentile, value, limit in (("p50", latency.p50, p50), ("p99", latency.p99, p99)):
                if limit is not None:
                    what = f"{percentile} of scoring {rows} {'row' if rows == 1 else 'rows'}"
                    yield _Cost(what, value * 1000, limit / timedelta(milliseconds=1), latency.calls)
        for what, weight, most in (
            ("size", resource_usage.size, self.size),
            ("memory", resource_usage.memory, self.memory),
        ):
            if most is not None:
                yield _Cost(what, weight, most)


@dataclass(frozen=True)
class _Cost:
    """One measured usage and its bound: milliseconds over a number of timed calls, or bytes."""

    what: str
    value: float
    bound: float
    calls: int | None = None

    def __str__(self) -> str:
        relation = "above" if self.value > self.bound else "within"
        if self.calls is not None:
            return f"{self.what} is {self.value:.2f} ms, {relation} the limit of {self.bound:g} ms ({self.calls} calls timed)"
        value, bound = (ByteSize(int(number)).human_readable(decimal=True) for number in (self.value, self.bound))
        return f"{self.what} is {value}, {relation} the limit of {bound}"

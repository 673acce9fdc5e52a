"""What a stored model costs: how long it takes to score, and how much room it takes."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

__all__ = ["Footprint", "Latency"]


@dataclass(frozen=True)
class Latency:
    """How long scoring so many rows at once takes.

    Attributes:
        rows: Rows a call.
        calls: How many calls were timed, after a warm-up.
        p50: The median of their seconds.
        p99: The 99th percentile of their seconds.
    """

    rows: int
    calls: int
    p50: float
    p99: float


@dataclass(frozen=True)
class Footprint:
    """What was measured of a stored model in a process of its own.

    Attributes:
        latencies: One for each number of rows a call.
        size: Bytes of all files of the artifact.
        memory: Bytes that loading and scoring added to the process at its peak; NaN where the platform does not tell.
    """

    latencies: tuple[Latency, ...]
    size: int
    memory: float

    def latency(self, rows: int) -> Latency | None:
        """Return the latency of calls of so many rows, where they were timed."""
        return next((latency for latency in self.latencies if latency.rows == rows), None)

    @classmethod
    def from_json(cls, document: dict[str, Any]) -> Footprint:
        """Read the fields as plain JSON; null is NaN."""
        latencies = tuple(
            Latency(item["rows"], item["calls"], *(_number(item[name]) for name in ("p50", "p99")))
            for item in document["latencies"]
        )
        return cls(latencies, document["size"], _number(document["memory"]))


def _number(value: float | None) -> float:
    return math.nan if value is None else value

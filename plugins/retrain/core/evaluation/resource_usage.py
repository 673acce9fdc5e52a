"""What a stored model costs: how long it takes to score, and how much room it takes."""

from __future__ import annotations

from dataclasses import dataclass

from retrain.core.codec import JsonDataclass

__all__ = ["Latency", "ResourceUsage"]


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
class ResourceUsage(JsonDataclass):
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

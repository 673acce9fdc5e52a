"""The resource usage of a stored model: latency of scoring, size and memory."""

from __future__ import annotations

from dataclasses import dataclass

from retrain.core.codec import JsonDataclass

__all__ = ["Latency", "ResourceUsage"]


@dataclass(frozen=True)
class Latency:
    """The latency of scoring a number of rows in one call.

    Attributes:
        rows: Rows per call.
        calls: How many calls were timed, after a warm-up.
        p50: Median latency in seconds.
        p99: 99th percentile of the latency in seconds.
    """

    rows: int
    calls: int
    p50: float
    p99: float


@dataclass(frozen=True)
class ResourceUsage(JsonDataclass):
    """The resource usage of a stored model, measured in a separate process.

    Attributes:
        latencies: One per number of rows per call.
        size: Bytes of all files of the artifact.
        memory: Bytes that loading and scoring added to the process at its peak; NaN if the platform does not report it.
    """

    latencies: tuple[Latency, ...]
    size: int
    memory: float

    def latency(self, rows: int) -> Latency | None:
        """Return the latency of calls with this number of rows; None if they were not timed."""
        return next((latency for latency in self.latencies if latency.rows == rows), None)

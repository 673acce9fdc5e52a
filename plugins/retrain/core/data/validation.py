"""The result of a validation, without any row value."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

__all__ = ["ExpectationResult", "ValidationReport"]


@dataclass(frozen=True)
class ExpectationResult:
    """What one expectation found.

    Attributes:
        expectation: Its type, such as ``expect_column_values_to_not_be_null``.
        column: The column or columns it is about; empty for a whole table.
        success: Whether it was met.
        unexpected_percent: Share of rows that broke it, 0 to 100, where it counts rows.
        error: The kind of error where it could not be evaluated, such as a missing column. Never a value.
        severity: How bad it is where it is not met: critical, warning or info. Just a critical one fails the report.
    """

    expectation: str
    column: str
    success: bool
    unexpected_percent: float | None = None
    error: str = ""
    severity: str = "critical"

    def __str__(self) -> str:
        about = f"({self.column})" if self.column else ""
        share = f": {self.unexpected_percent:.2f} % of rows" if self.unexpected_percent is not None else ""
        return f"{self.expectation}{about}{share}{f': {self.error}' if self.error else ''}"


@dataclass(frozen=True)
class ValidationReport:
    """What a suite found on one window."""

    suite: str
    results: tuple[ExpectationResult, ...]

    @property
    def success(self) -> bool:
        """Whether there were expectations and all critical ones were met."""
        return bool(self.results) and not self.failures

    @property
    def failures(self) -> tuple[ExpectationResult, ...]:
        """The critical expectations that were not met."""
        return tuple(result for result in self.results if not result.success and result.severity == "critical")

    @property
    def warnings(self) -> tuple[ExpectationResult, ...]:
        """The expectations that were not met and do not fail the report."""
        return tuple(result for result in self.results if not result.success and result.severity != "critical")

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON."""
        return asdict(self) | {"success": self.success}

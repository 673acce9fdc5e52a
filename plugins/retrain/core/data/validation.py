"""The result of a validation, without any row value."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from retrain.core.codec import JsonDataclass

__all__ = ["ExpectationResult", "ValidationReport"]


@dataclass(frozen=True)
class ExpectationResult:
    """The result of one expectation.

    Attributes:
        expectation: The type, such as ``expect_column_values_to_not_be_null``.
        column: The column or columns that it checks; empty for a whole table.
        success: Whether the data met it.
        unexpected_percent: Percentage of rows that broke it, 0 to 100; None if it does not count rows.
        error: The kind of error if it could not be evaluated, such as a missing column; empty otherwise. Never a row value.
        severity: critical, warning or info. Only a critical expectation can fail the report.
    """

    expectation: str
    column: str
    success: bool
    unexpected_percent: float | None = None
    error: str = ""
    severity: str = "critical"

    def __str__(self) -> str:
        columns = f"({self.column})" if self.column else ""
        share = f": {self.unexpected_percent:.2f} % of rows" if self.unexpected_percent is not None else ""
        return f"{self.expectation}{columns}{share}{f': {self.error}' if self.error else ''}"


@dataclass(frozen=True)
class ValidationReport(JsonDataclass):
    """The results of a suite on one window.

    Attributes:
        suite: The name of the suite.
        results: One per expectation, in the suite's order.
    """

    suite: str
    results: tuple[ExpectationResult, ...]

    @property
    def success(self) -> bool:
        """Whether there is at least one result and every critical expectation was met."""
        return bool(self.results) and not self.failures

    @property
    def failures(self) -> tuple[ExpectationResult, ...]:
        """The critical expectations that were not met."""
        return tuple(result for result in self.results if not result.success and result.severity == "critical")

    @property
    def warnings(self) -> tuple[ExpectationResult, ...]:
        """The warnings and infos that were not met; they do not fail the report."""
        return tuple(result for result in self.results if not result.success and result.severity != "critical")

    def to_json(self) -> dict[str, Any]:
        """Return the report as plain JSON, with its success."""
        return super().to_json() | {"success": self.success}

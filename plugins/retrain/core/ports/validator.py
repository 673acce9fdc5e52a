"""Checking expectations on the rows of a window."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from retrain.core.data.validation import ValidationReport
    from retrain.core.data.window import Window

__all__ = ["Validator"]


class Validator(Protocol):
    """Evaluates expectations on the rows of a window."""

    def validate(
        self, files: Sequence[Path], suite: Mapping[str, Any], *, event_time: str, window: Window
    ) -> ValidationReport:
        """Evaluate a suite, in Great Expectations' JSON format, on the rows of the window.

        An expectation without a value to check is reported as not met, never as a vacuous pass.

        Args:
            files: Local Parquet files with the same columns; rows outside the window are ignored.
            suite: The suite as JSON.
            event_time: Name of the event time column.
            window: Rows with an event time in ``[train_start, end)`` are checked.

        Returns:
            One result per expectation, in the suite's order, without row values.

        Raises:
            DataError: The suite is empty or invalid, a file cannot be read, or the window has no rows.
        """

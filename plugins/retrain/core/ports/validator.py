"""Expectations over the rows of a window."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from retrain.core.data.validation import ValidationReport
    from retrain.core.data.window import Window

__all__ = ["Validator"]


class Validator(Protocol):
    """Expectations over the rows of a window."""

    def validate(
        self, files: Sequence[Path], suite: Mapping[str, Any], *, event_time: str, window: Window
    ) -> ValidationReport:
        """Evaluate a suite, in Great Expectations' own JSON, on the rows of the window.

        Raises:
            DataError: The suite is empty or not a suite, or the window holds no rows: never a vacuous pass.
        """

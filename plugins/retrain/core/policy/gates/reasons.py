"""Sentences that several gates give as the reason of an inconclusive verdict, each with what to do next."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

__all__ = ["FEASIBLE", "LONGEST_WAIT", "explain_few_rows", "explain_no_profile", "explain_undefined"]

FEASIBLE: Final = 20
"""Waiting for more rows is suggested up to this multiple of the holdout's rows."""
LONGEST_WAIT: Final = timedelta(days=3 * 365)
"""Waiting for more rows is suggested up to this time."""


def explain_few_rows(part: str, rows: int, min_rows: int) -> str:
    """Return why a part of the window, such as the holdout, has too few rows to judge."""
    return f"{part} has {rows:,} rows and min_rows is {min_rows:,}; widen the window or lower min_rows"


def explain_no_profile() -> str:
    """Return why a gate that reads the profile of the window cannot judge."""
    return "this scorecard has no profile of the window; run the retrain again with this gate in its spec"


def explain_undefined(metric: str) -> str:
    """Return why a metric of the challenger cannot be judged."""
    return f"the challenger's {metric} is not defined on this holdout; check that the holdout has rows of every class"

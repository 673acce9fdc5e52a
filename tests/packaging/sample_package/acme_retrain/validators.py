"""Bounds on columns: {"name": "churn", "bounds": {"age": [0, 120]}}."""

import pandas as pd

from retrain.errors import DataError
from retrain.ports import ExpectationResult, ValidationReport


class BoundsValidator:
    """Checks that every value of a column lies within its bounds."""

    def validate(self, files, suite, *, event_time, window):
        """Return one result per column of the suite."""
        bounds = suite.get("bounds")
        if not isinstance(bounds, dict) or not bounds:
            raise DataError("a suite must have bounds", got="none", fix="Add {bounds: {column: [low, high]}}.")
        rows = pd.concat([pd.read_parquet(file) for file in files], ignore_index=True)
        low, high = (instant.replace(tzinfo=None) for instant in (window.train_start, window.end))
        rows = rows[(rows[event_time] >= low) & (rows[event_time] < high)]
        if rows.empty:
            raise DataError("the window must have rows", got="none", fix="Check the as-of.")
        results = tuple(check_bounds(rows, column, *limits) for column, limits in bounds.items())
        return ValidationReport(str(suite.get("name", "")), results)


def check_bounds(rows, column, low, high):
    """Return the result for one column; a column that is missing or empty does not pass."""
    if column not in rows or rows[column].isna().all():
        return ExpectationResult("bounds", column, success=False, error="every value is missing")
    outside = ~rows[column].dropna().between(low, high)
    return ExpectationResult(
        "bounds", column, success=not outside.any(), unexpected_percent=100 * float(outside.mean())
    )

"""Validate the rows of a window against the pipeline's expectations."""

from __future__ import annotations

import json
from typing import Any

from retrain.core.data.snapshot import Snapshot
from retrain.core.data.validation import ValidationReport
from retrain.core.resources import Retrain
from retrain.core.spec import PipelineSpec
from retrain.errors import DataError

__all__ = ["check_report", "read_suite", "validate_snapshot"]


def validate_snapshot(retrain: Retrain, snapshot: Snapshot) -> ValidationReport:
    """Validate a snapshot against the pipeline's suite; return the report if every expectation is met.

    Raises:
        DataError: An expectation is not met, or the suite cannot be read or is empty.
    """
    files = retrain.resources.snapshots.files(snapshot)
    report = retrain.resources.load_validator(retrain.spec).validate(
        files, read_suite(retrain.spec), event_time=snapshot.event_time, window=snapshot.window
    )
    check_report(report)
    return report


def check_report(report: ValidationReport) -> None:
    """Refuse data that does not meet every critical expectation.

    Raises:
        DataError: An expectation is not met.
    """
    if not report.success:
        raise DataError(
            f"the data must meet all {len(report.results)} expectations of {report.suite}",
            got=f"{len(report.failures)} not met: " + "; ".join(map(str, report.failures)),
            fix="Fix the data or the suite, then retrain again.",
        )


def read_suite(spec: PipelineSpec) -> dict[str, Any]:
    """Return the suite's JSON.

    Raises:
        DataError: The file cannot be read or is not a JSON object.
    """
    path = spec.root / spec.validation.suite
    try:
        suite = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise DataError(
            f"{spec.validation.suite} must be a readable JSON file",
            got=type(error).__name__,
            fix="Check validation.suite.",
        ) from error
    if not isinstance(suite, dict):
        raise DataError(
            f"{spec.validation.suite} must be one JSON object",
            got=type(suite).__name__,
            fix="Export the suite from GX.",
        )
    return suite

"""Hold the rows of a window against the pipeline's expectations."""

from __future__ import annotations

import json
from typing import Any

from retrain.core.data.snapshot import Snapshot
from retrain.core.data.validation import ValidationReport
from retrain.core.ports import SnapshotStore, Validator
from retrain.core.spec import PipelineSpec
from retrain.errors import DataError

__all__ = ["read_suite", "validate_snapshot"]


def validate_snapshot(
    spec: PipelineSpec, snapshot: Snapshot, *, snapshots: SnapshotStore, validator: Validator
) -> ValidationReport:
    """Return the report of a snapshot that meets its suite.

    Raises:
        DataError: An expectation is not met, or the suite cannot be read or is empty.
    """
    report = validator.validate(
        snapshots.files(snapshot), read_suite(spec), event_time=snapshot.event_time, window=snapshot.window
    )
    if not report.success:
        raise DataError(
            f"the data must meet all {len(report.results)} expectations of {report.suite}",
            got=f"{len(report.failures)} not met: " + "; ".join(map(str, report.failures)),
            fix="Mend the data or the suite, then clear the run.",
        )
    return report


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

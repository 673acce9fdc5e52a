"""Validate the rows of a window against the pipeline's expectations."""

from __future__ import annotations

from retrain.core.data.snapshot import Snapshot
from retrain.core.data.validation import ValidationReport
from retrain.core.digest import digest_json
from retrain.core.ledger.step_result import Step
from retrain.core.resources import Retrain
from retrain.errors import DataError
from retrain.steps.results import describe_step, require_snapshot
from retrain.steps.suite import read_suite

__all__ = ["check_report", "validate_snapshot"]


def validate_snapshot(retrain: Retrain, snapshot: Snapshot) -> ValidationReport:
    """Validate a snapshot against the pipeline's suite; record it and return the report if every expectation is met.

    Raises:
        DataError: An expectation is not met, or the suite cannot be read or is empty.
        IntegrityError: The snapshot is not the one that this retrain took.
    """
    require_snapshot(retrain, snapshot)
    suite = read_suite(retrain.spec)
    digest = digest_json(suite)  # before it is handed to a library, which may change it
    files = retrain.resources.snapshots.files(snapshot)
    report = retrain.resources.load_validator(retrain.spec).validate(
        files, suite, event_time=snapshot.event_time, window=snapshot.window
    )
    check_report(report)
    result = describe_step(retrain, Step.VALIDATE, snapshot.digest, suite=digest)
    retrain.resources.ledger.record_result(result)
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

"""The contract of `Validator` as a suite."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, fields, replace
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from retrain.core.data.validation import ValidationReport
from retrain.core.data.window import Window
from retrain.core.ports import Validator
from retrain.errors import DataError
from retrain.testing.promises import check_promises, must_hold, must_raise

if TYPE_CHECKING:
    from pandas import DataFrame

__all__ = ["VALIDATOR_PROMISES", "ValidationCase", "check_validator"]


@dataclass(frozen=True)
class ValidationCase:
    """What a validator is tried on.

    Attributes:
        suite: In the validator's own form.
        good: Rows of the window that meet the whole suite.
        bad: Rows of the window that do not.
        event_time: Name of the event time column.
        window: The window of the rows.
    """

    suite: Mapping[str, Any]
    good: DataFrame
    bad: DataFrame
    event_time: str
    window: Window


def check_validator(validator: Validator, case: ValidationCase) -> None:
    """Check that a validator keeps every promise; run each one alone with `VALIDATOR_PROMISES`.

    Raises:
        AssertionError: It breaks a promise.
    """
    check_promises(VALIDATOR_PROMISES, validator, case)


def passes_good_rows(validator: Validator, case: ValidationCase) -> None:
    """Rows that meet the suite pass, with a result per expectation."""
    report = _validate(validator, case, case.good)
    must_hold(report.success, "good rows must pass, or the other promises would be empty")
    must_hold(bool(report.results), "a report must have a result per expectation")


def fails_bad_rows(validator: Validator, case: ValidationCase) -> None:
    """Rows that do not meet the suite fail, and the report names what they broke."""
    report = _validate(validator, case, case.bad)
    must_hold(not report.success, "bad rows must not pass")
    must_hold(all(item.expectation for item in report.failures), "each failure must name its expectation")


def never_passes_rows_without_values(validator: Validator, case: ValidationCase) -> None:
    """If every value but the event time is missing, nothing was checked: the report does not pass."""
    import numpy as np

    columns = [name for name in case.good.columns if name != case.event_time]
    empty = case.good.assign(**{name: np.full(len(case.good), np.nan) for name in columns})
    try:
        report = _validate(validator, case, empty)
    except DataError:
        return
    must_hold(not report.success, "rows without a value must not pass")


def refuses_an_empty_suite(validator: Validator, case: ValidationCase) -> None:
    """A suite without an expectation is a DataError, not a pass."""
    must_raise(DataError, lambda: _validate(validator, replace(case, suite={}), case.good), "for an empty suite")


def refuses_a_window_without_rows(validator: Validator, case: ValidationCase) -> None:
    """A window without rows is a DataError, not a pass."""
    years = timedelta(days=3650)
    window = replace(
        case.window, **{item.name: getattr(case.window, item.name) + years for item in fields(case.window)}
    )
    must_raise(
        DataError, lambda: _validate(validator, replace(case, window=window), case.good), "for a window without rows"
    )


def gives_the_same_report_again(validator: Validator, case: ValidationCase) -> None:
    """The same rows and suite give the same report."""
    first, second = (_validate(validator, case, case.bad) for _ in range(2))
    must_hold(first == second, "the same rows and suite must give the same report")


def reports_plain_json(validator: Validator, case: ValidationCase) -> None:
    """A report can be stored as JSON, without NaN."""
    for rows in (case.good, case.bad):
        try:
            json.dumps(asdict(_validate(validator, case, rows)), allow_nan=False)
        except (TypeError, ValueError) as error:
            raise AssertionError(f"a report must be plain JSON: {error}") from error


def reads_several_files(validator: Validator, case: ValidationCase) -> None:
    """The rows of all files count: bad rows in the second file do not pass."""
    must_hold(not _validate(validator, case, case.good, case.bad).success, "the rows of every file must be checked")


VALIDATOR_PROMISES: Final[tuple[Callable[[Validator, ValidationCase], None], ...]] = (
    passes_good_rows,
    fails_bad_rows,
    never_passes_rows_without_values,
    refuses_an_empty_suite,
    refuses_a_window_without_rows,
    gives_the_same_report_again,
    reports_plain_json,
    reads_several_files,
)
"""Each takes a validator and a case; each raises AssertionError if the promise is broken."""


def _validate(validator: Validator, case: ValidationCase, *parts: DataFrame) -> ValidationReport:
    with tempfile.TemporaryDirectory(prefix="retrain-") as scratch:
        files = [Path(scratch) / f"{number}.parquet" for number, _ in enumerate(parts)]
        for file, rows in zip(files, parts, strict=True):
            rows.to_parquet(file)
        return validator.validate(files, case.suite, event_time=case.event_time, window=case.window)

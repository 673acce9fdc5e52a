"""Great Expectations over the Parquet chunks of a window, evaluated by DuckDB.

Neither the report nor the logs nor the error texts contain row values: only verdicts, shares of rows and kinds of errors leave
this module.
"""

from __future__ import annotations

import logging
import math
import os
import re
import threading
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

import duckdb
import great_expectations as gx
import great_expectations.exceptions as gx_exceptions
from great_expectations.expectations.expectation_configuration import ExpectationConfiguration

from retrain.adapters.gx_duckdb import DuckDBDatasource
from retrain.core.data.validation import ExpectationResult, ValidationReport
from retrain.core.data.window import Window
from retrain.errors import DataError

__all__ = ["GxValidator", "check_suite"]

# Counts and percentages without row values: with `partial_unexpected_count` 0 no value leaves DuckDB.
_FORMAT = {"result_format": "BASIC", "exclude_unexpected_values": True, "partial_unexpected_count": 0}

_REFUSALS = (TypeError, KeyError, AttributeError, ValueError, gx_exceptions.GreatExpectationsError)

_COLUMN_ARGUMENTS = ("column", "column_A", "column_B", "column_list")

# Expectations that are meaningful for a column without values.
_VALID_WITHOUT_VALUES = {
    "expect_column_to_exist",
    "expect_column_values_to_be_null",
    "expect_column_values_to_not_be_null",
    "expect_column_proportion_of_non_null_values_to_be_between",
    "expect_column_values_to_be_of_type",
    "expect_column_values_to_be_in_type_list",
}

# Great Expectations sorts its results by column; this key maps a result back to its expectation.
_POSITION = "retrain_position"
_PRESENCE = ".presence"

_NO_VALUES = "no row has a value to check"
_ALL_MISSING = "every value is missing"

# Adding a data source rewrites the configuration of the shared context, so only one thread may do it at a time.
_LOCK = threading.Lock()


class GxValidator:
    """The `Validator` that runs suites of Great Expectations on DuckDB."""

    def validate(
        self, files: Sequence[Path], suite: Mapping[str, Any], *, event_time: str, window: Window
    ) -> ValidationReport:
        """Evaluate a suite on the rows with an event time in ``[window.train_start, window.end)``.

        Args:
            files: Local Parquet files with the same columns; rows outside the window are ignored.
            suite: The suite in Great Expectations' JSON.
            event_time: Name of the event time column; without a time zone it is UTC.
            window: The time ranges of the retrain.

        Raises:
            DataError: The suite is empty or invalid, a file cannot be read, or the window has no rows.
        """
        expectations = _parse(suite)
        with _LOCK, _open_source() as source:
            value_counts = _open_rows(source, files, expectations, event_time=event_time, window=window)
            unanswerable = {
                key: error for key, item in expectations.items() if (error := _find_obstacle(item, value_counts))
            }
            answerable = {key: item for key, item in expectations.items() if key not in unanswerable}
            outcomes = _evaluate(source, {**answerable, **_make_presence_checks(answerable)}, suite)
        results = [
            _make_result(item, error=unanswerable[key]) if key in unanswerable else _judge(item, key, outcomes)
            for key, item in expectations.items()
        ]
        return ValidationReport(str(suite["name"]), tuple(results))


def check_suite(suite: Mapping[str, Any]) -> None:
    """Check that Great Expectations knows every part of a suite.

    Raises:
        DataError: The suite is empty, or a part is unknown or has wrong arguments.
    """
    _parse(suite)


def _parse(suite: Mapping[str, Any]) -> dict[str, Any]:
    """Return the suite's expectations by their position.

    Each one is parsed separately, because `ExpectationSuite` only logs and drops an expectation that it does not know.
    """
    items = suite.get("expectations")
    if not isinstance(items, list) or not items:
        raise DataError(
            "a suite must hold a list of expectations",
            got="none",
            fix="Add an expectation on the data, such as expect_table_row_count_to_be_between.",
        )
    try:
        gx.ExpectationSuite(**{**suite, "expectations": []})
    except _REFUSALS as error:
        raise _make_suite_error(_describe_refusal(error)) from None
    return {str(number): _parse_expectation(item, number) for number, item in enumerate(items, start=1)}


def _parse_expectation(item: Any, number: int) -> Any:
    try:
        # A result format of its own could fetch row values; the common one does not.
        kwargs = {name: value for name, value in item["kwargs"].items() if name != "result_format"}
        meta = {**(item.get("meta") or {}), _POSITION: str(number)}
        # Without the id of a saved suite, which would tie the expectation to that suite.
        return ExpectationConfiguration(**{**item, "kwargs": kwargs, "meta": meta, "id": None}).to_domain_obj()
    except _REFUSALS as error:
        name = item.get("type") if isinstance(item, Mapping) else None
        raise _make_suite_error(f"expectation {number} ({name or 'no type'}): {_describe_refusal(error)}") from None


def _describe_refusal(error: Exception) -> str:
    """Return why Great Expectations refuses a part of a suite; the text is safe, because no row was read yet."""
    if isinstance(error, gx.compatibility.pydantic.ValidationError):
        return "; ".join(f"{'.'.join(map(str, item['loc']))}: {item['msg']}" for item in error.errors())
    return f"{type(error).__name__}: {error}"


def _make_suite_error(problem: str) -> DataError:
    return DataError(
        "every part of a suite must be known to Great Expectations",
        got=problem,
        fix="Correct the suite; the expectations and their arguments are in the Expectation Gallery.",
    )


@lru_cache(maxsize=1)
def _get_context() -> Any:
    os.environ["GX_ANALYTICS_ENABLED"] = "false"
    # Its log contains SQL and DuckDB's messages, which may quote row values.
    logger = logging.getLogger("great_expectations")
    logger.addHandler(logging.NullHandler())
    logger.propagate = False
    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = {"globally": False}
    return context


@contextmanager
def _open_source() -> Iterator[DuckDBDatasource]:
    """Yield a data source over its own in-memory database, which is dropped afterwards."""
    context = _get_context()
    name = f"retrain_{uuid.uuid4().hex}"
    source = context.data_sources.add_duckdb(name, connection_string=f"duckdb:///:memory:{name}")
    try:
        yield source
    finally:
        source.get_execution_engine().close()
        source.get_engine().dispose()
        context.data_sources.delete(name)


def _open_rows(
    source: DuckDBDatasource, files: Sequence[Path], expectations: Mapping[str, Any], *, event_time: str, window: Window
) -> dict[str, int]:
    """Create the view ``rows`` of the window; return the number of values of each named column that exists."""
    if not files:
        raise _make_no_rows_error(event_time, window, "no files")
    named = {column for item in expectations.values() for column in _find_columns(item)}
    connection = source.get_engine().raw_connection()
    try:
        rows, value_counts = _create_view(connection, files, named, event_time, window)
    except duckdb.Error as error:
        unreadable = (file.name for file in files if not _is_readable(connection, file, named, event_time, window))
        raise DataError(
            "every chunk must be a readable Parquet file with the same columns",
            got=f"{next(unreadable, 'files with different columns')} ({type(error).__name__})",
            fix="Remove the damaged file and take the snapshot again.",
        ) from None
    finally:
        connection.close()
    if not rows:
        raise _make_no_rows_error(event_time, window, "none")
    return value_counts


def _create_view(
    connection: Any, files: Sequence[Path], named: set[str], event_time: str, window: Window
) -> tuple[int, dict[str, int]]:
    chunks = connection.read_parquet([str(file) for file in files])
    types = dict(zip(chunks.columns, map(str, chunks.types), strict=True))
    time = duckdb.ColumnExpression(event_time)
    start, end = (
        _make_bound(types.get(event_time), instant, event_time) for instant in (window.train_start, window.end)
    )
    rows = chunks.filter((time >= start) & (time < end)).select(*(_select_column(*item) for item in types.items()))
    rows.create_view("rows")
    present = [column for column in types if column in named]
    counted = [duckdb.FunctionExpression("count", duckdb.ColumnExpression(column)) for column in present]
    ((total, *counts),) = rows.aggregate([duckdb.FunctionExpression("count"), *counted]).fetchall()
    return total, dict(zip(present, counts, strict=True))


def _select_column(name: str, kind: str) -> duckdb.Expression:
    column = duckdb.ColumnExpression(name)
    if kind not in {"FLOAT", "DOUBLE"}:
        return column
    # NaN becomes NULL, as in pandas; DuckDB would treat it as the greatest number.
    return duckdb.FunctionExpression("nullif", column, duckdb.ConstantExpression(math.nan)).cast(kind).alias(name)


def _make_bound(kind: str | None, instant: datetime, event_time: str) -> duckdb.Expression:
    if kind is None or not kind.startswith(("TIMESTAMP", "DATE")):
        raise DataError(
            f"the event time column '{event_time}' must exist and be a timestamp",
            got=f"the type {kind}" if kind else "no such column",
            fix="Correct data.event_time or the query.",
        )
    # The bound has the type of the column, so the session's time zone does not matter.
    return duckdb.ConstantExpression(
        instant if kind.endswith("WITH TIME ZONE") else instant.astimezone(UTC).replace(tzinfo=None)
    )


def _is_readable(connection: Any, file: Path, named: set[str], event_time: str, window: Window) -> bool:
    try:
        _create_view(connection, [file], named, event_time, window)
    except (duckdb.Error, DataError):
        return False
    return True


def _make_no_rows_error(event_time: str, window: Window, got: str) -> DataError:
    return DataError(
        f"there must be rows with {window.train_start.isoformat()} <= {event_time} < {window.end.isoformat()}",
        got=got,
        fix="Look at the query, the event time and the window of the pipeline.",
    )


def _find_columns(expectation: Any) -> list[str]:
    """Return the columns whose values an expectation checks."""
    if expectation.expectation_type.startswith("expect_table_"):
        return []  # its column_list describes the table, not values
    named = [getattr(expectation, argument, None) or () for argument in _COLUMN_ARGUMENTS]
    return [column for value in named for column in ([value] if isinstance(value, str) else value)]


def _find_obstacle(expectation: Any, value_counts: Mapping[str, int]) -> str:
    """Return why an expectation cannot be evaluated, else an empty text; without values Great Expectations reports success."""
    columns = _find_columns(expectation)
    for column in columns:
        if column not in value_counts:
            return f"column '{column}' is missing"
    if expectation.expectation_type in _VALID_WITHOUT_VALUES or all(value_counts[column] for column in columns):
        return ""
    return _ALL_MISSING


def _evaluate(source: DuckDBDatasource, expectations: Mapping[str, Any], suite: Mapping[str, Any]) -> dict[str, Any]:
    """Return the outcome, or the kind of error, of each expectation by its position."""
    if not expectations:
        return {}
    batch = source.add_table_asset("rows", table_name="rows").add_batch_definition_whole_table("all").get_batch()
    outcomes = _run_suite(batch, expectations, suite)
    # One query serves many expectations, so a refused one fails others with it. Repeat each of them alone.
    failed = [key for key in expectations if isinstance(outcomes.get(key), str)]
    if len(expectations) > 1:
        for key in failed:
            outcomes |= _run_suite(batch, {key: expectations[key]}, suite)
    return outcomes


def _run_suite(batch: Any, expectations: Mapping[str, Any], suite: Mapping[str, Any]) -> dict[str, Any]:
    gx_suite = gx.ExpectationSuite(name=suite["name"], expectations=list(expectations.values()))
    parameters = suite.get("suite_parameters")
    try:
        result = batch.validate(gx_suite, result_format=_FORMAT, expectation_parameters=parameters)
    except Exception as error:  # noqa: BLE001 - the text of any library's error may quote a row
        return dict.fromkeys(expectations, _describe_error(type(error).__name__))
    outcomes = [(outcome.expectation_config.meta[_POSITION], outcome) for outcome in result.results]
    return {position: _find_error(outcome.exception_info) or outcome for position, outcome in outcomes}


def _find_error(information: Mapping[str, Any]) -> str:
    """Return the kind of the first error in an outcome; empty if there is none."""
    errors = [information] if "raised_exception" in information else list(information.values())
    errors = [item for item in errors if item["raised_exception"]]
    return _describe_error(str(errors[0]["exception_traceback"])) if errors else ""


def _describe_error(traceback: str) -> str:
    """Return the class of the root cause, the first of the traceback; only names of known exceptions are returned."""
    words = re.findall(r"^[\w.]*?(\w+)(?::|$)", traceback, re.MULTILINE)
    return f"not evaluated ({next((word for word in words if word in _list_exception_names()), 'unknown error')})"


@lru_cache(maxsize=1)
def _list_exception_names() -> frozenset[str]:
    names: set[str] = set()
    kinds: list[type[Exception]] = [Exception]
    while kinds:
        kind = kinds.pop()
        names.add(kind.__name__)
        kinds += kind.__subclasses__()
    return frozenset(names)


def _make_presence_checks(expectations: Mapping[str, Any]) -> dict[str, Any]:
    """Return, for each column expectation with a row condition, a check whether those rows have a value."""
    conditional = {key: item for key, item in expectations.items() if getattr(item, "row_condition", None)}
    return {
        key + _PRESENCE: gx.expectations.ExpectColumnValuesToNotBeNull(
            column=item.column, row_condition=item.row_condition, meta={_POSITION: key + _PRESENCE}
        )
        for key, item in conditional.items()
        if hasattr(item, "column")
    }


def _judge(expectation: Any, key: str, outcomes: Mapping[str, Any]) -> ExpectationResult:
    outcome, presence = outcomes.get(key, "not evaluated"), outcomes.get(key + _PRESENCE)
    error = next((item for item in (outcome, presence) if isinstance(item, str)), "")
    if error:
        return _make_result(expectation, error=error)
    if _is_vacuous(expectation, outcome.result, presence.result if presence else {}):
        return _make_result(expectation, error=_NO_VALUES)
    share = outcome.result.get("unexpected_percent")
    known = isinstance(share, int | float) and math.isfinite(share)
    return _make_result(expectation, success=bool(outcome.success), share=float(share) if known else None)


def _is_vacuous(expectation: Any, result: Mapping[str, Any], presence: Mapping[str, Any]) -> bool:
    """Return whether a row condition, or a rule to ignore rows, left no value to check."""
    if presence:
        missing = presence["unexpected_count"] or 0  # SQL's sum over no rows is NULL
        return bool(
            presence["element_count"] == (0 if expectation.expectation_type in _VALID_WITHOUT_VALUES else missing)
        )
    return "element_count" in result and bool(result["element_count"] == result.get("missing_count", 0))


def _make_result(
    expectation: Any, *, success: bool = False, share: float | None = None, error: str = ""
) -> ExpectationResult:
    return ExpectationResult(
        expectation=expectation.expectation_type,
        column=", ".join(_find_columns(expectation)),
        success=success,
        unexpected_percent=share,
        error=error,
        severity=expectation.severity.value,
    )

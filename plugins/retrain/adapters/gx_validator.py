"""Great Expectations over the Parquet chunks of a window, evaluated by DuckDB.

The report holds no row value, and neither do the logs and the error texts: of what Great Expectations finds, just the
verdicts, the shares of rows and the kinds of errors go on.
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

__all__ = ["GxValidator"]

# Counts and percentages, but no row values: `partial_unexpected_count` keeps them from leaving DuckDB at all.
_FORMAT = {"result_format": "BASIC", "exclude_unexpected_values": True, "partial_unexpected_count": 0}

_REFUSALS = (TypeError, KeyError, AttributeError, ValueError, gx_exceptions.GreatExpectationsError)

_COLUMN_ARGUMENTS = ("column", "column_A", "column_B", "column_list")

# What says something about a column even where it holds no value.
_MEANT_FOR_MISSING = {
    "expect_column_to_exist",
    "expect_column_values_to_be_null",
    "expect_column_values_to_not_be_null",
    "expect_column_proportion_of_non_null_values_to_be_between",
    "expect_column_values_to_be_of_type",
    "expect_column_values_to_be_in_type_list",
}

# Great Expectations answers column by column; this tells which expectation an answer belongs to.
_POSITION = "retrain_position"
_PRESENCE = ".presence"

_NOTHING_SEEN = "no row has a value to look at"
_ALL_MISSING = "every value is missing"

# A context writes its configuration anew with each source, so that two threads would change it under one another.
_LOCK = threading.Lock()


class GxValidator:
    """A `Validator` that runs suites of Great Expectations on DuckDB."""

    def validate(
        self, files: Sequence[Path], suite: Mapping[str, Any], *, event_time: str, window: Window
    ) -> ValidationReport:
        """Evaluate a suite on the rows with an event time in ``[window.train_start, window.end)``.

        Args:
            files: Local Parquet files with the same columns; rows outside of the window are not looked at.
            suite: The suite in Great Expectations' JSON.
            event_time: The column that places a row in time; without a time zone it is UTC.
            window: The window.

        Raises:
            DataError: The suite is empty or not a suite, a file cannot be read, or the window holds no rows.
        """
        expectations = _parse(suite)
        with _LOCK, _source() as source:
            filled = _open_rows(source, files, expectations, event_time=event_time, window=window)
            settled = {key: error for key, item in expectations.items() if (error := _unanswerable(item, filled))}
            asked = {key: item for key, item in expectations.items() if key not in settled}
            outcomes = _evaluate(source, {**asked, **_presences(asked)}, suite)
        results = [
            _result(item, error=settled[key]) if key in settled else _judge(item, key, outcomes)
            for key, item in expectations.items()
        ]
        return ValidationReport(str(suite["name"]), tuple(results))


def _parse(suite: Mapping[str, Any]) -> dict[str, Any]:
    """Return the suite's expectations by their position.

    `ExpectationSuite` itself logs and drops what it does not know, so each one is made by hand.
    """
    items = suite.get("expectations")
    if not isinstance(items, list) or not items:
        raise DataError(
            "a suite must hold a list of expectations",
            got="none",
            fix="Say what must hold of the data, such as expect_table_row_count_to_be_between.",
        )
    try:
        gx.ExpectationSuite(**{**suite, "expectations": []})
    except _REFUSALS as error:
        raise _not_a_suite(_words(error)) from None
    return {str(number): _expectation(item, number) for number, item in enumerate(items, start=1)}


def _expectation(item: Any, number: int) -> Any:
    try:
        # A result format of its own would fetch the row values that the common one leaves alone.
        kwargs = {name: value for name, value in item["kwargs"].items() if name != "result_format"}
        meta = {**(item.get("meta") or {}), _POSITION: str(number)}
        # With an id, which a suite that was saved has, Great Expectations takes it for part of another suite.
        return ExpectationConfiguration(**{**item, "kwargs": kwargs, "meta": meta, "id": None}).to_domain_obj()
    except _REFUSALS as error:
        name = item.get("type") if isinstance(item, Mapping) else None
        raise _not_a_suite(f"expectation {number} ({name or 'no type'}): {_words(error)}") from None


def _words(error: Exception) -> str:
    """Return in short why Great Expectations refuses a part of a suite; it has seen no row yet."""
    if isinstance(error, gx.compatibility.pydantic.ValidationError):
        return "; ".join(f"{'.'.join(map(str, item['loc']))}: {item['msg']}" for item in error.errors())
    return f"{type(error).__name__}: {error}"


def _not_a_suite(problem: str) -> DataError:
    return DataError(
        "every part of a suite must be known to Great Expectations",
        got=problem,
        fix="Correct the suite; the expectations and their arguments are in the Expectation Gallery.",
    )


@lru_cache(maxsize=1)
def _context() -> Any:
    os.environ["GX_ANALYTICS_ENABLED"] = "false"
    # It logs SQL and DuckDB's messages, and these may quote a row.
    logger = logging.getLogger("great_expectations")
    logger.addHandler(logging.NullHandler())
    logger.propagate = False
    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = {"globally": False}
    return context


@contextmanager
def _source() -> Iterator[DuckDBDatasource]:
    """Yield a source over an in-memory database of its own, gone afterwards with everything in it."""
    context = _context()
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
    """Make the view ``rows`` of the window; return how many values each named column holds, as far as it is there."""
    if not files:
        raise _no_rows(event_time, window, "no files")
    named = {column for item in expectations.values() for column in _columns(item)}
    connection = source.get_engine().raw_connection()
    try:
        rows, filled = _count(connection, files, named, event_time, window)
    except duckdb.Error as error:
        broken = (file.name for file in files if not _is_readable(connection, file, named, event_time, window))
        raise DataError(
            "every chunk must be a readable Parquet file with the same columns",
            got=f"{next(broken, 'files that do not fit together')} ({type(error).__name__})",
            fix="Remove what is damaged and take the snapshot again.",
        ) from None
    finally:
        connection.close()
    if not rows:
        raise _no_rows(event_time, window, "none")
    return filled


def _count(
    connection: Any, files: Sequence[Path], named: set[str], event_time: str, window: Window
) -> tuple[int, dict[str, int]]:
    chunks = connection.read_parquet([str(file) for file in files])
    types = dict(zip(chunks.columns, map(str, chunks.types), strict=True))
    moment = duckdb.ColumnExpression(event_time)
    start, end = (_bound(types.get(event_time), instant, event_time) for instant in (window.train_start, window.end))
    rows = chunks.filter((moment >= start) & (moment < end)).select(*(_column(*item) for item in types.items()))
    rows.create_view("rows")
    present = [column for column in types if column in named]
    counted = [duckdb.FunctionExpression("count", duckdb.ColumnExpression(column)) for column in present]
    ((total, *counts),) = rows.aggregate([duckdb.FunctionExpression("count"), *counted]).fetchall()
    return total, dict(zip(present, counts, strict=True))


def _column(name: str, kind: str) -> duckdb.Expression:
    column = duckdb.ColumnExpression(name)
    if kind not in {"FLOAT", "DOUBLE"}:
        return column
    # NaN is as missing as NULL, as it is to pandas; DuckDB takes it for the greatest number.
    return duckdb.FunctionExpression("nullif", column, duckdb.ConstantExpression(math.nan)).cast(kind).alias(name)


def _bound(kind: str | None, instant: datetime, event_time: str) -> duckdb.Expression:
    if kind is None or not kind.startswith(("TIMESTAMP", "DATE")):
        raise DataError(
            f"the event time column '{event_time}' must be there and a timestamp",
            got=f"the type {kind}" if kind else "no such column",
            fix="Correct data.event_time or the query.",
        )
    # A bound of the column's own kind, so that the zone of the session has no part in it.
    return duckdb.ConstantExpression(
        instant if kind.endswith("WITH TIME ZONE") else instant.astimezone(UTC).replace(tzinfo=None)
    )


def _is_readable(connection: Any, file: Path, named: set[str], event_time: str, window: Window) -> bool:
    try:
        _count(connection, [file], named, event_time, window)
    except (duckdb.Error, DataError):
        return False
    return True


def _no_rows(event_time: str, window: Window, got: str) -> DataError:
    return DataError(
        f"there must be rows with {window.train_start.isoformat()} <= {event_time} < {window.end.isoformat()}",
        got=got,
        fix="Look at the query, the event time and the window of the pipeline.",
    )


def _columns(expectation: Any) -> list[str]:
    """Return the columns whose values an expectation is about."""
    if expectation.expectation_type.startswith("expect_table_"):
        return []  # its column_list says what the table should look like
    named = [getattr(expectation, argument, None) or () for argument in _COLUMN_ARGUMENTS]
    return [column for value in named for column in ([value] if isinstance(value, str) else value)]


def _unanswerable(expectation: Any, filled: Mapping[str, int]) -> str:
    """Return why there is no point in asking: Great Expectations calls an expectation over no values met."""
    columns = _columns(expectation)
    for column in columns:
        if column not in filled:
            return f"column '{column}' is missing"
    if expectation.expectation_type in _MEANT_FOR_MISSING or all(filled[column] for column in columns):
        return ""
    return _ALL_MISSING


def _evaluate(source: DuckDBDatasource, expectations: Mapping[str, Any], suite: Mapping[str, Any]) -> dict[str, Any]:
    """Return the outcome, or the kind of error, of each expectation by its position."""
    if not expectations:
        return {}
    batch = source.add_table_asset("rows", table_name="rows").add_batch_definition_whole_table("all").get_batch()
    outcomes = _ask(batch, expectations, suite)
    # One query answers many expectations, so one that DuckDB refuses takes others with it; alone, each has its own.
    refused = [key for key in expectations if isinstance(outcomes.get(key), str)]
    if len(expectations) > 1:
        for key in refused:
            outcomes |= _ask(batch, {key: expectations[key]}, suite)
    return outcomes


def _ask(batch: Any, expectations: Mapping[str, Any], suite: Mapping[str, Any]) -> dict[str, Any]:
    question = gx.ExpectationSuite(name=suite["name"], expectations=list(expectations.values()))
    parameters = suite.get("suite_parameters")
    try:
        answer = batch.validate(question, result_format=_FORMAT, expectation_parameters=parameters)
    except Exception as error:  # noqa: BLE001 - whatever a library raises here, its text may quote a row
        return dict.fromkeys(expectations, _kind(type(error).__name__))
    found = [(outcome.expectation_config.meta[_POSITION], outcome) for outcome in answer.results]
    return {position: _raised(outcome.exception_info) or outcome for position, outcome in found}


def _raised(information: Mapping[str, Any]) -> str:
    """Return the kind of the first error in an outcome; empty where none was raised."""
    raised = [information] if "raised_exception" in information else list(information.values())
    raised = [item for item in raised if item["raised_exception"]]
    return _kind(str(raised[0]["exception_traceback"])) if raised else ""


def _kind(traceback: str) -> str:
    """Return the root cause's class, which stands first; a word that names no known exception never goes on."""
    words = re.findall(r"^[\w.]*?(\w+)(?::|$)", traceback, re.MULTILINE)
    return f"not evaluated ({next((word for word in words if word in _exception_names()), 'unknown error')})"


@lru_cache(maxsize=1)
def _exception_names() -> frozenset[str]:
    names: set[str] = set()
    kinds: list[type[Exception]] = [Exception]
    while kinds:
        kind = kinds.pop()
        names.add(kind.__name__)
        kinds += kind.__subclasses__()
    return frozenset(names)


def _presences(expectations: Mapping[str, Any]) -> dict[str, Any]:
    """Return, for each expectation on a column under a row condition, the question whether those rows hold a value."""
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
        return _result(expectation, error=error)
    if _is_vacuous(expectation, outcome.result, presence.result if presence else {}):
        return _result(expectation, error=_NOTHING_SEEN)
    share = outcome.result.get("unexpected_percent")
    known = isinstance(share, int | float) and math.isfinite(share)
    return _result(expectation, success=bool(outcome.success), share=float(share) if known else None)


def _is_vacuous(expectation: Any, found: Mapping[str, Any], presence: Mapping[str, Any]) -> bool:
    """Whether a row condition, or a rule to ignore rows, left nothing to look at."""
    if presence:
        missing = presence["unexpected_count"] or 0  # SQL's sum over no rows is NULL
        return bool(presence["element_count"] == (0 if expectation.expectation_type in _MEANT_FOR_MISSING else missing))
    return "element_count" in found and bool(found["element_count"] == found.get("missing_count", 0))


def _result(
    expectation: Any, *, success: bool = False, share: float | None = None, error: str = ""
) -> ExpectationResult:
    return ExpectationResult(
        expectation=expectation.expectation_type,
        column=", ".join(_columns(expectation)),
        success=success,
        unexpected_percent=share,
        error=error,
        severity=expectation.severity.value,
    )

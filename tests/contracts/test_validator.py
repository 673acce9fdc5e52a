"""The contract of `Validator`, on Great Expectations and DuckDB for real."""

from __future__ import annotations

import json
import logging
import threading
import traceback
import uuid
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest

from retrain.adapters.gx_validator import GxValidator
from retrain.core.data.validation import ExpectationResult, ValidationReport
from retrain.core.data.window import Window
from retrain.core.ports import Validator
from retrain.errors import DataError

START = datetime(2024, 1, 1, tzinfo=UTC)
WINDOW = Window(
    as_of=START + timedelta(days=11),
    train_start=START,
    train_end=START + timedelta(days=6),
    holdout_start=START + timedelta(days=7),
    end=START + timedelta(days=10),
)
# Great Expectations 1.9 deprecated conditions as text, in which the suites that people have are written.
CONDITION_AS_TEXT = pytest.mark.filterwarnings("ignore:.*parameter is deprecated as of GX Core 1.9.0")
EMAIL = "ada.lovelace@example.org"

# One row an hour from the window's start, ten days and one hour: the last one lies on the window's end, outside of it.
HOURS = """
    SELECT TIMESTAMP '2024-01-01' + to_hours(n::INTEGER) AS at, n AS number, n % 24 AS hour, 'ride-' || n AS name,
        CASE n % 3 WHEN 0 THEN 'red' WHEN 1 THEN 'green' ELSE 'blue' END AS color, NULL::DOUBLE AS nothing
    FROM range(241) AS t(n)
"""

WriteRows = Callable[..., Path]


@pytest.fixture
def validator() -> Validator:
    return GxValidator()


@pytest.fixture
def rows(tmp_path: Path) -> WriteRows:
    def write(query: str = HOURS, name: str = "chunk.parquet") -> Path:
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        duckdb.connect().execute("SET TimeZone = 'UTC'").sql(query).write_parquet(str(path))
        return path

    return write


def expect(kind: str, severity: str = "critical", **kwargs: Any) -> dict[str, Any]:
    return {"type": f"expect_{kind}", "kwargs": kwargs, "severity": severity}


def suite(*expectations: Any, **more: Any) -> dict[str, Any]:
    return {"name": "rides", "expectations": list(expectations), "meta": {}, **more}


def run(validator: Validator, files: Path | Sequence[Path], *expectations: dict[str, Any]) -> ValidationReport:
    files = [files] if isinstance(files, Path) else files
    return validator.validate(files, suite(*expectations), event_time="at", window=WINDOW)


def only(report: ValidationReport) -> ExpectationResult:
    (result,) = report.results
    return result


def test_rows_that_meet_their_expectations_pass(validator: Validator, rows: WriteRows) -> None:
    report = run(
        validator,
        rows(),
        expect("table_row_count_to_equal", value=240),
        expect("table_columns_to_match_set", column_set=["at", "number", "hour", "name", "color", "nothing"]),
        expect("column_values_to_not_be_null", column="color"),
        expect("column_values_to_be_in_set", column="color", value_set=["red", "green", "blue"]),
        expect("column_values_to_be_between", column="hour", min_value=0, max_value=23),
        expect("column_mean_to_be_between", column="hour", min_value=11, max_value=12),
        expect("column_values_to_be_unique", column="number"),
        expect("column_values_to_be_of_type", column="color", type_="VARCHAR"),
        expect("column_distinct_values_to_be_in_set", column="color", value_set=["red", "green", "blue"]),
        expect("column_distinct_values_to_contain_set", column="color", value_set=["red"]),
        expect("compound_columns_to_be_unique", column_list=["number", "hour"]),
        expect("column_pair_values_a_to_be_greater_than_b", column_A="number", column_B="hour", or_equal=True),
    )

    assert report.success, report.failures
    assert report.suite == "rides"
    assert len(report.results) == 12
    json.dumps(report.to_json(), allow_nan=False)


def test_each_failing_expectation_is_reported_by_name_in_the_order_of_the_suite(
    validator: Validator, rows: WriteRows
) -> None:
    report = run(
        validator,
        rows(),
        expect("column_values_to_be_in_set", column="color", value_set=["red", "green"]),
        expect("table_row_count_to_equal", value=7),
        expect("column_values_to_be_between", column="hour", max_value=11),
        expect("column_values_to_not_be_null", column="color"),
        expect("column_mean_to_be_between", column="hour", max_value=3),
    )

    assert not report.success
    assert [(result.expectation, result.column) for result in report.failures] == [
        ("expect_column_values_to_be_in_set", "color"),
        ("expect_table_row_count_to_equal", ""),
        ("expect_column_values_to_be_between", "hour"),
        ("expect_column_mean_to_be_between", "hour"),
    ]
    shares = [result.unexpected_percent for result in report.results]
    assert shares == [pytest.approx(100 / 3), None, pytest.approx(50.0), 0.0, None]


def test_the_share_of_rows_that_may_break_an_expectation_is_respected(validator: Validator, rows: WriteRows) -> None:
    report = run(validator, rows(), expect("column_values_to_be_between", column="hour", max_value=11, mostly=0.5))

    assert report.success
    assert only(report).unexpected_percent == pytest.approx(50.0)


@pytest.mark.parametrize(
    ("kind", "arguments", "met"),
    [
        ("column_values_to_match_regex", {"regex": "^ride-[0-9]+$"}, True),
        ("column_values_to_match_regex", {"regex": "-7"}, False),
        ("column_values_to_not_match_regex", {"regex": "@"}, True),
        ("column_values_to_not_match_regex", {"regex": "-7"}, False),
        ("column_values_to_match_regex_list", {"regex_list": ["^walk", "^ride"]}, True),
        ("column_values_to_match_regex_list", {"regex_list": ["^walk", "^ride"], "match_on": "all"}, False),
        ("column_values_to_not_match_regex_list", {"regex_list": ["^walk", "@"]}, True),
        ("column_values_to_not_match_regex_list", {"regex_list": ["^walk", "^ride"]}, False),
    ],
)
def test_regular_expressions_match_anywhere_in_a_value(
    validator: Validator, rows: WriteRows, kind: str, arguments: dict[str, Any], met: bool
) -> None:
    report = run(validator, rows(), expect(kind, column="name", **arguments))

    assert report.success is met
    assert only(report).error == ""


def test_rows_outside_of_the_window_are_not_looked_at(validator: Validator, rows: WriteRows) -> None:
    outside = rows(
        """
        SELECT unnest([TIMESTAMP '2023-12-31 23:59:59.999999', TIMESTAMP '2024-01-11']) AS at,
            0 AS number, 99 AS hour, 'x' AS name, 'black' AS color, NULL::DOUBLE AS nothing
        """,
        "outside.parquet",
    )
    report = run(
        validator,
        [rows(), outside],
        expect("table_row_count_to_equal", value=240),
        expect("column_values_to_be_between", column="hour", max_value=23),
        expect("column_min_to_be_between", column="at", min_value="2024-01-01", max_value="2024-01-01"),
        expect("column_max_to_be_between", column="at", max_value="2024-01-10 23:00:00"),
    )

    assert report.success, report.failures


def test_event_times_with_a_zone_are_the_instants_they_are(
    validator: Validator, rows: WriteRows, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    zoned = rows(f'SELECT * REPLACE ("at" AT TIME ZONE \'UTC\' AS "at") FROM ({HOURS})')

    assert run(validator, zoned, expect("table_row_count_to_equal", value=240)).success


@pytest.mark.parametrize("document", [{}, {"expectations": []}, {"expectations": None}, {"expectations": "all"}])
def test_a_suite_without_expectations_is_refused(
    validator: Validator, rows: WriteRows, document: dict[str, Any]
) -> None:
    with pytest.raises(DataError, match="must hold a list of expectations"):
        validator.validate([rows()], {"name": "rides", **document}, event_time="at", window=WINDOW)


@pytest.mark.parametrize(
    ("item", "problem"),
    [
        (expect("colour_to_be_nice"), r"expectation 2 \(expect_colour_to_be_nice\): .*not found"),
        (expect("column_values_to_be_between", column="hour", min=0), "min: extra fields not permitted"),
        (expect("column_values_to_be_between", min_value=0), "column: field required"),
        (expect("column_values_to_be_between", column="hour"), "min_value and max_value cannot both be None"),
        (expect("column_values_to_not_be_null", "dire", column="hour"), "Invalid severity 'dire'"),
        ({"kwargs": {}}, r"expectation 2 \(no type\)"),
        ({"type": "expect_column_to_exist"}, "KeyError: 'kwargs'"),
        (
            {"type": "expect_column_to_exist", "kwargs": {"column": "hour"}, "mood": 1},
            "unexpected keyword argument 'mood'",
        ),
        ("expect_column_to_exist", r"expectation 2 \(no type\): TypeError"),
    ],
)
def test_what_is_not_an_expectation_is_refused_by_its_place_in_the_suite(
    validator: Validator, rows: WriteRows, item: Any, problem: str
) -> None:
    with pytest.raises(DataError, match=problem):
        run(validator, rows(), expect("column_to_exist", column="hour"), item)


def test_a_document_that_is_not_a_suite_is_refused(validator: Validator, rows: WriteRows) -> None:
    some = [expect("column_to_exist", column="hour")]
    for document in ({"expectations": some}, suite(*some, data_asset_type="Dataset")):
        with pytest.raises(DataError, match="every part of a suite must be known to Great Expectations"):
            validator.validate([rows()], document, event_time="at", window=WINDOW)


def test_a_suite_as_great_expectations_saves_it_is_understood(validator: Validator, rows: WriteRows) -> None:
    saved = expect("column_values_to_be_between", column="hour", min_value=0, result_format="COMPLETE")
    saved |= {"id": str(uuid.uuid4()), "meta": {"author": "someone"}, "notes": "why", "description": "what"}
    document = suite(saved, id=str(uuid.uuid4()), notes=None) | {"meta": {"great_expectations_version": "1.24.1"}}

    assert validator.validate([rows()], document, event_time="at", window=WINDOW).success


def test_suite_parameters_take_their_place_and_a_lacking_one_fails(validator: Validator, rows: WriteRows) -> None:
    bounded = suite(expect("column_values_to_be_between", column="hour", max_value={"$PARAMETER": "latest"}))
    for parameters, met in (({"latest": 23}, True), ({"latest": 22}, False), ({}, False)):
        document = bounded | {"suite_parameters": parameters}
        assert validator.validate([rows()], document, event_time="at", window=WINDOW).success is met


def test_a_window_without_rows_is_refused(validator: Validator, rows: WriteRows) -> None:
    later = rows(f'SELECT * REPLACE ("at" + INTERVAL 1 YEAR AS "at") FROM ({HOURS})')
    for files in ([later], []):
        with pytest.raises(DataError, match=r"there must be rows with 2024-01-01T00:00:00\+00:00 <= at < 2024-01-11"):
            run(validator, files, expect("table_row_count_to_be_between", min_value=0))


def test_the_event_time_must_be_a_column_of_timestamps(validator: Validator, rows: WriteRows) -> None:
    some = suite(expect("column_to_exist", column="hour"))
    with pytest.raises(DataError, match="'departure' must exist and be a timestamp; got no such column"):
        validator.validate([rows()], some, event_time="departure", window=WINDOW)
    with pytest.raises(DataError, match="'color' must exist and be a timestamp; got the type VARCHAR"):
        validator.validate([rows()], some, event_time="color", window=WINDOW)


@pytest.mark.parametrize(
    "expectation",
    [
        expect("column_values_to_be_between", column="nothing", min_value=0),
        expect("column_values_to_be_in_set", column="nothing", value_set=[1]),
        expect("column_values_to_be_unique", column="nothing"),
        expect("column_mean_to_be_between", column="nothing", min_value=0),
        expect("column_unique_value_count_to_be_between", column="nothing", min_value=0),
        expect(
            "column_pair_values_to_be_equal",
            column_A="hour",
            column_B="nothing",
            ignore_row_if="either_value_is_missing",
        ),
    ],
    ids=lambda item: item["type"],
)
def test_a_column_without_any_value_meets_no_expectation_on_its_values(
    validator: Validator, rows: WriteRows, expectation: dict[str, Any]
) -> None:
    result = only(run(validator, rows(), expectation))

    assert not result.success
    assert result.error == "every value is missing"


@pytest.mark.parametrize("kind", ["FLOAT", "DOUBLE"])
def test_nan_is_as_missing_as_null(validator: Validator, rows: WriteRows, kind: str) -> None:
    report = run(
        validator,
        rows(f"SELECT * REPLACE ('NaN'::{kind} AS nothing), IF(hour < 12, 'NaN', '1')::{kind} AS half FROM ({HOURS})"),
        expect("column_values_to_not_be_null", column="nothing"),
        expect("column_values_to_be_between", column="nothing", min_value=0),
        expect("column_values_to_not_be_null", column="half"),
        expect("column_mean_to_be_between", column="half", min_value=1, max_value=1),
        expect("column_values_to_be_of_type", column="half", type_=kind),
    )

    assert [result.success for result in report.results] == [False, False, False, True, True]
    assert [result.unexpected_percent for result in report.failures] == [100.0, None, 50.0]
    assert report.failures[1].error == "every value is missing"


def test_expectations_about_missing_values_are_asked_of_a_column_without_any(
    validator: Validator, rows: WriteRows
) -> None:
    report = run(
        validator,
        rows(),
        expect("column_values_to_not_be_null", column="nothing"),
        expect("column_values_to_be_null", column="nothing"),
        expect("column_to_exist", column="nothing"),
        expect("table_columns_to_match_ordered_list", column_list=["at", "number", "hour", "name", "color", "nothing"]),
    )

    assert [result.success for result in report.results] == [False, True, True, True]
    assert report.results[0].unexpected_percent == 100.0
    assert not any(result.error for result in report.results)


@pytest.mark.parametrize(
    "expectation",
    [
        expect("column_values_to_be_between", column="number", min_value=0),
        expect("column_values_to_be_null", column="number"),
        expect("column_unique_value_count_to_be_between", column="number", min_value=0),
        expect("column_distinct_values_to_be_in_set", column="number", value_set=[1]),
        expect("column_proportion_of_non_null_values_to_be_between", column="number", min_value=0),
        expect("compound_columns_to_be_unique", column_list=["number", "hour"]),
    ],
    ids=lambda item: item["type"],
)
@CONDITION_AS_TEXT
def test_a_row_condition_that_no_row_meets_does_not_pass(
    validator: Validator, rows: WriteRows, expectation: dict[str, Any]
) -> None:
    expectation["kwargs"] |= {"row_condition": 'col("hour") > 40', "condition_parser": "great_expectations"}
    result = only(run(validator, rows(), expectation))

    assert not result.success
    assert result.error == "no row has a value to check"


@CONDITION_AS_TEXT
def test_a_row_condition_that_some_rows_meet_is_asked_of_these(validator: Validator, rows: WriteRows) -> None:
    condition = {"row_condition": 'col("hour") < 3', "condition_parser": "great_expectations"}
    report = run(validator, rows(), expect("column_max_to_be_between", column="hour", max_value=2, **condition))

    assert report.success, report.failures


def test_a_column_that_the_data_lacks_fails_its_expectations_and_no_others(
    validator: Validator, rows: WriteRows
) -> None:
    report = run(
        validator,
        rows(),
        expect("column_values_to_not_be_null", column="weather"),
        expect("column_to_exist", column="weather"),
        expect("compound_columns_to_be_unique", column_list=["number", "weather"]),
        expect("column_values_to_not_be_null", column="hour"),
    )

    assert [result.success for result in report.results] == [False, False, False, True]
    assert {result.error for result in report.failures} == {"column 'weather' is missing"}


def test_an_expectation_that_cannot_be_evaluated_fails_alone(validator: Validator, rows: WriteRows) -> None:
    report = run(
        validator,
        rows(),
        expect("column_values_to_not_be_null", column="hour"),
        expect("column_values_to_match_regex", column="hour", regex="^1"),
        expect("column_values_to_match_regex", column="name", regex="("),
        expect("column_values_to_be_between", column="color", min_value=3),
        expect("column_mean_to_be_between", column="hour", min_value=0),
    )

    assert [result.success for result in report.results] == [True, False, False, False, True]
    assert [result.error for result in report.failures] == [
        "not evaluated (BinderException)",
        "not evaluated (InvalidInputException)",
        "not evaluated (InvalidColumnTypeError)",
    ]


@pytest.mark.parametrize("damage", ["cut", "empty", "text", "gone", "bytes"])
def test_a_file_that_cannot_be_read_is_named(
    validator: Validator, rows: WriteRows, tmp_path: Path, damage: str
) -> None:
    good, bad = rows(), rows(name="bad.parquet")
    content = bad.read_bytes()
    if damage == "gone":
        bad.unlink()
    else:
        middle = content[:4] + bytes(len(content) // 2) + content[4 + len(content) // 2 :]
        bad.write_bytes({"cut": content[:-50], "empty": b"", "text": EMAIL.encode() * 9, "bytes": middle}[damage])

    with pytest.raises(DataError, match=r"must be a readable Parquet file .*; got bad\.parquet \(\w+\)") as caught:
        run(validator, [good, bad], expect("column_values_to_not_be_null", column="number"))
    assert str(tmp_path) not in str(caught.value)


def test_files_that_do_not_fit_together_are_refused(validator: Validator, rows: WriteRows) -> None:
    other = rows("SELECT TIMESTAMP '2024-01-02' AS at", "other.parquet")
    with pytest.raises(DataError, match="with the same columns; got files with different columns"):
        run(validator, [rows(), other], expect("column_values_to_not_be_null", column="hour"))


def test_paths_and_columns_may_hold_quotes_and_wildcards(validator: Validator, rows: WriteRows) -> None:
    odd = rows(f'SELECT *, 1 AS "it\'s a ""%s :x" FROM ({HOURS})', "it's [a]*?/:x.parquet")

    assert run(validator, odd, expect("column_values_to_not_be_null", column="it's a \"%s :x")).success


def test_no_row_value_is_in_a_report_a_log_or_an_error_text(
    validator: Validator, rows: WriteRows, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG)
    seeded = rows(f"SELECT * REPLACE ('{EMAIL}' AS name) FROM ({HOURS})")
    query = "SELECT * FROM {batch} WHERE CAST(name AS INTEGER) > 3"
    kinds = [
        expect("column_values_to_be_in_set", column="name", value_set=["nobody"], result_format="COMPLETE"),
        expect("column_values_to_match_regex", column="name", regex="^ride"),
        expect("column_values_to_be_unique", column="name"),
        expect("column_values_to_be_null", column="name"),
        expect("column_distinct_values_to_equal_set", column="name", value_set=["nobody"]),
        expect("column_most_common_value_to_be_in_set", column="name", value_set=["nobody"]),
        expect("column_value_lengths_to_equal", column="name", value=3),
        expect("compound_columns_to_be_unique", column_list=["name", "color"]),
        {"type": "unexpected_rows_expectation", "kwargs": {"unexpected_rows_query": query}},
        {"type": "unexpected_rows_expectation", "kwargs": {"unexpected_rows_query": "SELECT * FROM {batch}"}},
    ]
    report = run(validator, seeded, *kinds)

    assert len(report.failures) == len(kinds)
    assert report.results[8].error == "not evaluated (ConversionException)"
    output = capfd.readouterr()
    assert output.err == ""
    for text in (repr(report), json.dumps(report.to_json()), *map(str, report.results), caplog.text, *output):
        assert EMAIL not in text


def test_no_row_value_is_in_the_error_on_a_damaged_file(validator: Validator, tmp_path: Path) -> None:
    path = tmp_path / "bad.parquet"
    path.write_text(EMAIL * 9)
    with pytest.raises(DataError) as caught:
        run(validator, path, expect("column_to_exist", column="hour"))
    assert EMAIL not in "".join(traceback.format_exception(caught.value))


def test_only_a_critical_expectation_fails_the_report(validator: Validator, rows: WriteRows) -> None:
    mild = [expect("column_values_to_be_between", level, column="hour", max_value=11) for level in ("warning", "info")]
    report = run(validator, rows(), *mild, expect("column_to_exist", column="hour"))

    assert report.success
    assert report.failures == ()
    assert [result.severity for result in report.warnings] == ["warning", "info"]

    report = run(validator, rows(), *mild, expect("column_to_exist", column="weather"))
    assert not report.success
    assert [result.severity for result in report.failures] == ["critical"]


def test_severity_is_kept_if_an_expectation_is_not_evaluated(validator: Validator, rows: WriteRows) -> None:
    report = run(validator, rows(), expect("column_values_to_not_be_null", "warning", column="weather"))

    assert report.success
    assert only(report).severity == "warning"


def test_a_later_validation_knows_nothing_of_an_earlier_one(validator: Validator, rows: WriteRows) -> None:
    first = rows()
    second = rows("SELECT TIMESTAMP '2024-01-02' AS at, 'one' AS other", "second.parquet")

    assert run(validator, first, expect("table_row_count_to_equal", value=240)).success
    assert run(validator, second, expect("column_values_to_not_be_null", column="other")).success
    assert not run(validator, second, expect("column_values_to_not_be_null", column="hour")).success
    assert run(GxValidator(), first, expect("table_column_count_to_equal", value=6)).success


def test_validations_in_threads_do_not_meet(validator: Validator, rows: WriteRows) -> None:
    sizes = [3, 5, 7, 11]
    files = [rows(f"SELECT * FROM ({HOURS}) LIMIT {size}", f"{size}.parquet") for size in sizes]
    together = threading.Barrier(len(sizes))

    def count(file: Path, size: int) -> bool:
        together.wait()
        return run(validator, file, expect("table_row_count_to_equal", value=size)).success

    with ThreadPoolExecutor(len(sizes)) as pool:
        assert all(pool.map(count, files, sizes))

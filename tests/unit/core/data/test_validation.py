from __future__ import annotations

import json

from retrain.core.data.validation import ExpectationResult, ValidationReport

MET = ExpectationResult("expect_column_to_exist", "hour", True)
BROKEN = ExpectationResult("expect_column_values_to_not_be_null", "hour", False, 12.345)
MILD = ExpectationResult("expect_column_values_to_be_unique", "", False, error="not evaluated", severity="warning")


def test_a_report_without_any_expectation_is_not_a_success() -> None:
    assert not ValidationReport("rides", ()).success


def test_only_critical_expectations_fail_a_report() -> None:
    assert ValidationReport("rides", (MET, MILD)).success
    report = ValidationReport("rides", (MET, BROKEN, MILD))
    assert not report.success
    assert (report.failures, report.warnings) == ((BROKEN,), (MILD,))


def test_a_result_says_what_it_is_about_and_how_many_rows_broke_it() -> None:
    assert str(MET) == "expect_column_to_exist(hour)"
    assert str(BROKEN) == "expect_column_values_to_not_be_null(hour): 12.35 % of rows"
    assert str(MILD) == "expect_column_values_to_be_unique: not evaluated"


def test_a_report_is_plain_json() -> None:
    document = json.loads(json.dumps(ValidationReport("rides", (MET, BROKEN)).to_json()))
    assert (document["suite"], document["success"]) == ("rides", False)
    assert document["results"][1]["unexpected_percent"] == 12.345

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests.builders import World

from retrain.core.data.validation import ExpectationResult, ValidationReport
from retrain.core.data.window import Window
from retrain.errors import DataError, IntegrityError
from retrain.steps import validate_snapshot

SUITE = {"name": "churn", "expectations": [{"type": "expect_column_to_exist", "kwargs": {"column": "label"}}]}
MET = ExpectationResult("expect_column_to_exist", "label", True)
BROKEN = ExpectationResult("expect_column_values_to_be_unique", "place", False, 98.5)
MILD = ExpectationResult("expect_column_values_to_be_unique", "place", False, 98.5, severity="warning")


class Answers:
    """A `Validator` with its answer ready; the real one has a contract suite of its own."""

    def __init__(self, *results: ExpectationResult) -> None:
        self.report = ValidationReport("churn", results)
        self.asked: list[tuple[list[Path], Mapping[str, Any], str, Window]] = []

    def validate(
        self, files: Sequence[Path], suite: Mapping[str, Any], *, event_time: str, window: Window
    ) -> ValidationReport:
        self.asked.append((list(files), suite, event_time, window))
        return self.report


def validate(world: World, validator: Answers, content: str = json.dumps(SUITE)) -> ValidationReport:
    (world.root / "suite.json").write_text(content, encoding="latin-1")
    return validate_snapshot(replace(world, validator=validator).of(), world.snapshot())


@pytest.mark.parametrize("results", [(MET,), (MET, MILD)])
def test_data_that_meets_its_suite_passes(world: World, results: tuple[ExpectationResult, ...]) -> None:
    validator = Answers(*results)
    assert validate(world, validator) is validator.report


def test_the_verified_files_of_the_window_are_what_is_asked(world: World) -> None:
    validator = Answers(MET)
    validate(world, validator)
    snapshot = world.snapshot()
    assert validator.asked == [(world.snapshots.files(snapshot), SUITE, "at", snapshot.window)]


def test_expectations_that_are_not_met_are_a_data_error(world: World) -> None:
    with pytest.raises(DataError) as caught:
        validate(world, Answers(MET, BROKEN, MILD))
    assert str(caught.value) == (
        "the data must meet all 3 expectations of churn; "
        "got 1 not met: expect_column_values_to_be_unique(place): 98.50 % of rows. "
        "Fix the data or the suite, then retrain again."
    )


def test_a_report_without_results_is_no_pass(world: World) -> None:
    with pytest.raises(DataError, match="must meet all 0 expectations"):
        validate(world, Answers())


def test_an_altered_chunk_is_not_even_asked(world: World) -> None:
    snapshot = world.snapshot()
    path = world.snapshots.files(snapshot)[0]
    path.write_bytes(path.read_bytes()[:-1])
    validator = Answers(MET)
    (world.root / "suite.json").write_text(json.dumps(SUITE))
    with pytest.raises(IntegrityError, match="must have the digest that its name says"):
        validate_snapshot(replace(world, validator=validator).of(), snapshot)
    assert validator.asked == []


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", r"suite\.json must be a readable JSON file; got JSONDecodeError"),
        ("\xff", r"suite\.json must be a readable JSON file; got UnicodeDecodeError"),
        ("[]", r"suite\.json must be one JSON object; got list"),
    ],
)
def test_a_suite_that_cannot_be_read_is_a_data_error(world: World, content: str, message: str) -> None:
    with pytest.raises(DataError, match=message):
        validate(world, Answers(MET), content)


def test_a_suite_that_is_not_there_is_a_data_error(world: World) -> None:
    with pytest.raises(DataError, match=r"suite\.json must be a readable JSON file; got FileNotFoundError"):
        validate_snapshot(replace(world, validator=Answers(MET)).of(), world.snapshot())

from __future__ import annotations

import json
from typing import Any

import pytest
from tests.builders import World

from retrain.adapters.gx_validator import GxValidator
from retrain.errors import DataError
from retrain.steps import validate_snapshot


def expect(kind: str, **kwargs: Any) -> dict[str, Any]:
    return {"type": f"expect_{kind}", "kwargs": kwargs}


def validate(world: World, *expectations: dict[str, Any]) -> Any:
    suite = {"name": "churn", "expectations": list(expectations), "meta": {}}
    (world.root / "suite.json").write_text(json.dumps(suite))
    return validate_snapshot(world.spec, world.snapshot(), snapshots=world.snapshots, validator=GxValidator())


def test_only_the_rows_of_the_window_are_asked(world: World) -> None:
    report = validate(world, expect("table_row_count_to_equal", value=540 + 168))
    assert report.success


def test_expectations_that_are_not_met_are_a_data_error_without_values(world: World) -> None:
    with pytest.raises(DataError) as caught:
        validate(
            world,
            expect("column_values_to_not_be_null", column="label"),
            expect("column_values_to_be_in_set", column="place", value_set=["north"]),
            expect("column_to_exist", column="shop"),
        )
    text = str(caught.value)
    assert text.startswith("the data must meet all 3 expectations of churn; got 2 not met: ")
    assert "expect_column_values_to_be_in_set(place): " in text
    assert "south" not in text


def test_an_empty_suite_is_no_pass(world: World) -> None:
    with pytest.raises(DataError, match="suite"):
        validate(world)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, r"suite\.json must be a readable JSON file; got FileNotFoundError"),
        ("{", r"suite\.json must be a readable JSON file; got JSONDecodeError"),
        ("\xff", r"suite\.json must be a readable JSON file; got UnicodeDecodeError"),
        ("[]", r"suite\.json must be one JSON object; got list"),
    ],
)
def test_a_suite_that_cannot_be_read_is_a_data_error(world: World, content: str | None, message: str) -> None:
    if content is not None:
        (world.root / "suite.json").write_text(content, encoding="latin-1")
    with pytest.raises(DataError, match=message):
        validate_snapshot(world.spec, world.snapshot(), snapshots=world.snapshots, validator=GxValidator())

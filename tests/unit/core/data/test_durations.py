from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter

from retrain.core.data.durations import (
    Duration,
    ShortDuration,
    format_duration,
    format_short_duration,
    parse_duration,
    parse_short_duration,
)


@given(st.integers(0, 999_999), st.sampled_from("mhdw"))
def test_what_is_written_is_what_was_read(number: int, unit: str) -> None:
    length = parse_duration(f"{number}{unit}")
    assert parse_duration(format_duration(length)) == length


@pytest.mark.parametrize(
    ("length", "text"),
    [
        (timedelta(minutes=90), "90m"),
        (timedelta(hours=36), "36h"),
        (timedelta(days=15), "15d"),
        (timedelta(weeks=2), "2w"),
    ],
)
def test_a_length_is_written_in_its_largest_whole_unit(length: timedelta, text: str) -> None:
    assert format_duration(length) == text
    assert parse_duration(text) == length
    assert parse_duration(length) is length


@pytest.mark.parametrize(
    "value", ["", "d", "28", "28 d", "-1d", "1.5d", "1d\n", "1y", "1234567d", "28D", 28, None, "١d"]
)
def test_anything_else_is_refused(value: Any) -> None:
    with pytest.raises(ValueError, match="a number and a unit"):
        parse_duration(value)


def test_a_field_reads_and_writes_the_text_form() -> None:
    adapter = TypeAdapter(Duration)
    assert adapter.dump_python(adapter.validate_python("120d"), mode="json") == "120d"
    assert adapter.json_schema()["pattern"] == r"^\d{1,6}[mhdw]$"


@given(st.integers(0, 999_999), st.sampled_from(["us", "ms", "s"]))
def test_a_moment_is_written_as_it_was_read(number: int, unit: str) -> None:
    moment = parse_short_duration(f"{number}{unit}")
    assert parse_short_duration(format_short_duration(moment)) == moment
    assert parse_short_duration(moment) is moment


@pytest.mark.parametrize(
    ("moment", "text"),
    [
        (timedelta(seconds=2), "2s"),
        (timedelta(milliseconds=20), "20ms"),
        (timedelta(microseconds=1500), "1500us"),
    ],
)
def test_a_moment_is_written_in_its_largest_whole_unit(moment: timedelta, text: str) -> None:
    assert format_short_duration(moment) == text


@pytest.mark.parametrize("value", ["5", "5 ms", "5m", "5ms\n", "-5ms", "1.5ms", 5, None])
def test_any_other_moment_is_refused(value: Any) -> None:
    with pytest.raises(ValueError, match=r"a number and a unit \(us, ms or s\)"):
        parse_short_duration(value)


def test_a_field_reads_and_writes_a_moment_as_text() -> None:
    adapter = TypeAdapter(ShortDuration)
    assert adapter.dump_python(adapter.validate_python("20ms"), mode="json") == "20ms"
    assert adapter.json_schema()["pattern"] == r"^\d{1,6}(us|ms|s)$"

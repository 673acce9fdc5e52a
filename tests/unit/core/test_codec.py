from __future__ import annotations

import math
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

import pytest

from retrain.core.codec import STORED_NAME, JsonDataclass, finite_or_none


class Colour(StrEnum):
    RED = "red"


@dataclass(frozen=True)
class Inner:
    count: int
    share: float


@dataclass(frozen=True)
class Outer(JsonDataclass):
    inner: Inner
    many: tuple[Inner, ...]
    pair: tuple[float, float] | None
    metrics: dict[str, float]
    colour: Colour
    at: datetime | None
    renamed: float = field(metadata={STORED_NAME: "former_name"})
    note: str = "none"


AT = datetime(2024, 7, 1, tzinfo=UTC)
ITEM = Outer(Inner(1, 0.5), (Inner(2, 1),), (0.1, 2), {"a": 0.5, "b": 1}, Colour.RED, AT, 3.5)
DOCUMENT: dict[str, Any] = {
    "inner": {"count": 1, "share": 0.5},
    "many": [{"count": 2, "share": 1}],
    "pair": [0.1, 2],
    "metrics": {"a": 0.5, "b": 1},
    "colour": "red",
    "at": "2024-07-01T00:00:00+00:00",
    "former_name": 3.5,
    "note": "none",
}


def test_a_dataclass_is_written_as_plain_json_and_read_back() -> None:
    assert ITEM.to_json() == DOCUMENT
    assert Outer.from_json(DOCUMENT) == ITEM
    assert type(ITEM.to_json()["colour"]) is str


def test_a_number_keeps_its_type_because_1_and_1_0_have_different_digests() -> None:
    again = Outer.from_json(DOCUMENT)
    assert [type(number) for number in (again.many[0].share, again.metrics["b"], again.metrics["a"])] == [
        int,
        int,
        float,
    ]


@pytest.mark.parametrize("number", [math.nan, math.inf, -math.inf])
def test_a_number_that_is_not_finite_is_written_as_null_and_read_as_nan(number: float) -> None:
    document = Outer(Inner(1, number), (), (number, 1.0), {"a": number}, Colour.RED, None, number).to_json()
    assert (document["inner"]["share"], document["pair"], document["metrics"], document["former_name"]) == (
        None,
        [None, 1.0],
        {"a": None},
        None,
    )
    again = Outer.from_json(document)
    assert again.pair is not None
    assert all(map(math.isnan, (again.inner.share, again.pair[0], again.metrics["a"], again.renamed)))


def test_null_stays_none_in_an_optional_field() -> None:
    again = Outer.from_json(DOCUMENT | {"pair": None, "at": None})
    assert (again.pair, again.at) == (None, None)


def test_a_field_with_a_default_may_be_missing() -> None:
    assert Outer.from_json({key: value for key, value in DOCUMENT.items() if key != "note"}) == ITEM


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"more": 1}, TypeError),
        ({"former_name": "3.5"}, TypeError),
        ({"renamed": 1}, TypeError),
        ({"inner": None}, TypeError),
        ({"inner": {"count": 1}}, TypeError),
        ({"many": 1}, TypeError),
        ({"pair": [1.0]}, ValueError),
        ({"colour": "blue"}, ValueError),
        ({"at": "yesterday"}, ValueError),
        ({"at": 1}, TypeError),
    ],
)
def test_a_document_of_another_shape_is_an_error(change: dict[str, Any], error: type[Exception]) -> None:
    with pytest.raises(error):
        Outer.from_json(DOCUMENT | change)


@pytest.mark.parametrize("number", [None, math.nan, math.inf])
def test_json_holds_no_number_that_is_not_finite(number: float | None) -> None:
    assert finite_or_none(number) is None
    assert finite_or_none(0.5) == 0.5

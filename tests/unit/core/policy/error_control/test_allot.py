from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from pydantic import ValidationError
from tests.builders import AS_OF
from tests.require import require

from retrain.core.policy.error_control import Allotment, ErrorControlSpec, PastTest, allot
from retrain.core.policy.error_control.lord import compute_lord_level
from retrain.errors import ConflictError


def ask(method: str, past: list[PastTest], **changes: Any) -> Allotment | None:
    known: dict[str, Any] = {
        "schedule": "@monthly",
        "test": "new",
        "sequence": "s",
        "as_of": AS_OF,
        "every": 1,
        "tests": None,
    }
    wanted = known | changes
    control = ErrorControlSpec.model_validate({"method": method, "tests": wanted.pop("tests")})
    schedule = wanted.pop("schedule")
    return allot(control, schedule, past=past, **wanted)


def before(count: int, level: float = 0.001, *, promoted: tuple[int, ...] = ()) -> list[PastTest]:
    return [
        PastTest(f"t{place}", place, AS_OF - timedelta(days=count - place + 1), level, place in promoted)
        for place in range(1, count + 1)
    ]


def test_without_control_nothing_is_allotted() -> None:
    assert ask("none", before(3)) is None


def test_a_budget_is_shared_by_the_ticks_of_a_year() -> None:
    for past, place in (([], 1), (before(3), 4)):
        allotment = require(ask("alpha_spending", past))
        assert allotment.level == pytest.approx(0.05 / 12)
        assert replace(allotment, level=0.01) == Allotment("alpha_spending", 0.01, "new", "s", place)


@pytest.mark.parametrize(
    ("changes", "planned"),
    [
        ({"tests": 5}, 5),
        ({"schedule": None, "tests": 4}, 4),
        ({"schedule": None}, 1),
        ({"every": 3}, 4),
        ({"every": 5}, 3),
    ],
)
def test_or_by_as_many_as_the_spec_says_or_a_slower_schedule_has(changes: dict[str, Any], planned: int) -> None:
    given = ask("alpha_spending", [], **changes)
    assert given is not None
    assert given.level == pytest.approx(0.05 / planned)


def test_a_spent_budget_gives_nothing_takes_no_place_and_says_until_when() -> None:
    given = ask("alpha_spending", before(5, 0.01))
    assert given is not None
    assert (given.level, given.place) == (0.0, None)
    assert given.why_none == "the error budget of 0.05 is spent; retrains can promote again from 2025-06-26"


def test_the_same_test_gets_its_level_again_and_spends_nothing() -> None:
    assert ask("lord", before(3, 0.004), test="t2") == Allotment("lord", 0.004, "t2", "s", None)
    assert ask("alpha_spending", before(5, 0.01), test="t2") == Allotment("alpha_spending", 0.01, "t2", "s", None)


def test_a_fleet_earns_by_its_promotions() -> None:
    given = ask("lord", before(3, promoted=(2,)))
    assert given == Allotment("lord", compute_lord_level(0.05, 4, [2]), "new", "s", 4)


@pytest.mark.parametrize("taken", [0, 1, 3])
def test_a_place_that_is_not_the_next_is_a_conflict(taken: int) -> None:
    given = Allotment("lord", 0.01, "t", "lord/production", 3)
    given.check_place(2)
    with pytest.raises(ConflictError, match=f"the next place of lord/production; got place 3 after {taken} tests"):
        given.check_place(taken)
    Allotment("lord", 0.01, "t", "lord/production", None).check_place(taken)


@pytest.mark.parametrize(
    "wrong", [{"budget": 0}, {"budget": 0.5}, {"period": "0d"}, {"period": "9999d"}, {"tests": 0}, {"methd": "lord"}]
)
def test_a_section_that_makes_no_sense_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError, match="1 validation error for ErrorControlSpec"):
        ErrorControlSpec.model_validate({"method": "alpha_spending"} | wrong)

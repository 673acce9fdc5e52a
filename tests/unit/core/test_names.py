from __future__ import annotations

import pytest

from retrain.core.names import check_name, is_name

GOOD = ["a", "flight_delay", "simulation-0123456789ab", "a" * 64, "x2"]
BAD = [
    "",
    "a\n",
    "\na",
    "a\x00",
    "../a",
    "a/b",
    "/a",
    "A",
    "2x",
    "-a",
    "a" * 65,
    "a" * 10_000,
    "раура",
    "a b",
    "<img>",
    "a'--",
]


@pytest.mark.parametrize("name", GOOD)
def test_a_plain_name_is_returned_as_it_is(name: str) -> None:
    assert is_name(name)
    assert check_name(name) == name


@pytest.mark.parametrize("name", BAD, ids=lambda name: repr(name[:10]))
def test_a_hostile_name_is_refused_without_being_repeated(name: str) -> None:
    assert not is_name(name)
    with pytest.raises(
        ValueError, match=r"^must be 1 to 64 lower-case letters, digits, '_' or '-', and begin with a letter$"
    ):
        check_name(name)

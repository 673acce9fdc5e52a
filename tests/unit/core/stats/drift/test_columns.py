from __future__ import annotations

import numpy as np
import pytest

from retrain.core.stats.drift.columns import MISSING, bin_by_quantiles, encode_categories, to_floats


def objects(*values: object) -> np.ndarray:
    column = np.empty(len(values), dtype=object)
    column[:] = values
    return column


def test_numbers_and_instants_are_numbers_and_a_missing_one_is_nan() -> None:
    instants = np.array(["1970-01-01T00:00:01", "NaT"], dtype="datetime64[s]")
    np.testing.assert_array_equal(to_floats(instants), [1_000_000, np.nan])
    lengths = np.array([2, "NaT"], dtype="timedelta64[ms]")
    np.testing.assert_array_equal(to_floats(lengths), [2000, np.nan])
    np.testing.assert_array_equal(to_floats(np.array([True, False])), [1, 0])
    assert to_floats(objects("a", None)) is None


def test_a_category_has_one_number_on_both_sides() -> None:
    first, second = encode_categories(objects("a", None, "b"), objects("b", "c", None))
    assert first.tolist() == [0, MISSING, 1]
    assert second.tolist() == [1, 2, MISSING]


def test_numbers_may_be_categories_too() -> None:
    first, second = encode_categories(np.array([1.0, np.nan]), np.array([2.0, 1.0]))
    assert (first.tolist(), second.tolist()) == ([0, MISSING], [1, 0])


def test_what_cannot_be_hashed_is_a_category_by_its_text() -> None:
    first, _ = encode_categories(objects([1], [1], {"a": 2}), objects())
    assert first.tolist() == [0, 0, 1]


def test_bins_hold_equal_shares_of_the_first_column() -> None:
    values = np.arange(100.0)
    first, second = bin_by_quantiles(values, np.array([-5.0, 0.0, 99.0, 1000.0, np.nan]), 4)
    assert np.bincount(first).tolist() == [25, 25, 25, 25]
    assert second.tolist() == [0, 0, 3, 3, MISSING]


@pytest.mark.parametrize("first", [np.full(5, np.nan), np.empty(0)])
def test_without_a_value_there_is_one_bin(first: np.ndarray) -> None:
    _, second = bin_by_quantiles(first, np.array([1.0, 2.0]), 4)
    assert second.tolist() == [0, 0]


def test_an_infinity_is_a_value_like_any_other() -> None:
    first, _ = bin_by_quantiles(np.array([-np.inf, 0.0, 1.0, np.inf]), np.empty(0), 2)
    assert first.tolist() == [0, 0, 1, 1]

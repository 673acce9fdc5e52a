from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from retrain.core.stats.drift.duplicates import count_duplicates

ROWS = st.lists(
    st.tuples(st.sampled_from([0.0, 1.0, np.nan]), st.sampled_from(["a", "b", None]), st.booleans()), max_size=12
)


def columns(train: list[tuple[Any, ...]], holdout: list[tuple[Any, ...]]) -> list[tuple[np.ndarray, np.ndarray]]:
    kinds = (float, object, bool)
    return [
        (np.array([row[i] for row in train], dtype=kind), np.array([row[i] for row in holdout], dtype=kind))
        for i, kind in enumerate(kinds)
    ]


@given(ROWS, ROWS)
def test_it_counts_what_a_comparison_of_all_rows_counts(
    train: list[tuple[Any, ...]], holdout: list[tuple[Any, ...]]
) -> None:
    known = {repr(row) for row in train}
    expected = sum(repr(row) in known for row in holdout)
    assert count_duplicates(columns(train, holdout), len(train), len(holdout)) == expected


def test_a_row_that_differs_in_the_last_column_alone_is_not_a_duplicate() -> None:
    many = np.arange(1000)
    other = many.copy()
    other[7] = -1
    assert count_duplicates([(many % 3, many % 3), (many, other)], 1000, 1000) == 999


@pytest.mark.parametrize(("train", "holdout"), [(0, 5), (5, 0), (0, 0)])
def test_no_rows_have_no_duplicates(train: int, holdout: int) -> None:
    assert count_duplicates([(np.zeros(train), np.zeros(holdout))], train, holdout) == 0


def test_a_column_of_two_kinds_is_compared_by_its_text() -> None:
    mixed = np.array(["True", None], dtype=object), np.array([True, False])
    assert count_duplicates([mixed], 2, 2) == 1

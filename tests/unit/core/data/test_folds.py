from __future__ import annotations

from datetime import timedelta
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.builders import make_rows

from retrain.core.data.folds import split_by_time
from retrain.errors import DataError

DAY = timedelta(days=1)


@given(
    st.lists(st.integers(0, 60), min_size=30, max_size=200),
    st.integers(2, 5),
    st.integers(0, 5),
    st.randoms(use_true_random=False),
)
def test_each_fold_is_fitted_on_what_was_known_before_it_is_scored(
    days: list[int], folds: int, delay: int, random: object
) -> None:
    random.shuffle(days)  # type: ignore[attr-defined]
    times = np.datetime64("2024-01-01", "us") + np.array(days) * np.timedelta64(1, "D")
    try:
        found = split_by_time(times, folds, delay * DAY)
    except DataError:
        return  # many rows of one instant, or a delay longer than a fold
    assert len(found) == folds
    for fold in found:
        assert not (fold.fit & fold.score).any()
        assert times[fold.fit].max() + np.timedelta64(delay, "D") < times[fold.score].min()
        assert not (set(times[fold.score]) & set(times[~fold.score])), "an instant is on both sides"
    for earlier, later in pairwise(found):
        assert fold_is_within(earlier.fit, later.fit)
        assert not (earlier.score & later.score).any()
    assert times[found[-1].score].max() == times.max()


def fold_is_within(inner: np.ndarray, outer: np.ndarray) -> bool:
    return bool((outer | ~inner).all())


def test_even_rows_make_even_folds() -> None:
    times = make_rows(days=100, rows_per_day=6)["at"]
    found = split_by_time(times, 3, DAY)
    assert [int(fold.score.sum()) for fold in found] == [150, 150, 150]
    assert [int(fold.fit.sum()) for fold in found] == [150 - 6, 300 - 6, 450 - 6]


@pytest.mark.parametrize(
    ("rows", "folds", "delay", "fold"),
    [
        (2, 3, DAY, 1),  # fewer rows than folds
        (40, 3, 20 * DAY, 1),  # no label is known in time
        (1, 2, DAY, 1),
    ],
)
def test_too_little_data_is_reported(rows: int, folds: int, delay: timedelta, fold: int) -> None:
    times = np.datetime64("2024-01-01", "us") + np.arange(rows) * np.timedelta64(1, "D")
    with pytest.raises(DataError, match=rf"in each of {folds} folds; got none in fold {fold}"):
        split_by_time(times, folds, delay)


def test_rows_of_one_instant_cannot_be_cut() -> None:
    with pytest.raises(DataError, match="got none in fold 1"):
        split_by_time(np.full(90, np.datetime64("2024-01-01", "us")), 3, timedelta(0))

from __future__ import annotations

import math

import numpy as np
import pytest

from retrain.core.stats.drift.distance import measure_distance
from retrain.core.stats.metrics.base import Ints


def test_equal_shares_lie_nowhere_apart_and_disjoint_ones_a_whole() -> None:
    train = np.repeat([0, 1, 2], 100)
    assert measure_distance(train, np.repeat([0, 1, 2], 20))[0] == pytest.approx(0, abs=1e-7)
    assert measure_distance(train, np.repeat([3, 4], 50))[0] == pytest.approx(1)


def test_the_distance_is_the_root_of_the_divergence_in_bits() -> None:
    # Against the definition by entropies: H(m) - (H(p) + H(q)) / 2, with p = (3/4, 1/4) and q = (1/4, 3/4).
    def entropy(*shares: float) -> float:
        return -sum(share * math.log2(share) for share in shares)

    divergence = entropy(0.5, 0.5) - entropy(0.75, 0.25)
    found, _ = measure_distance(np.array([0, 0, 0, 1]), np.array([0, 1, 1, 1]))
    assert found == pytest.approx(math.sqrt(divergence))


def test_more_missing_values_are_a_distance() -> None:
    full, holes = np.zeros(1000, dtype=int), np.where(np.arange(1000) < 100, -1, 0)
    distance, luck = measure_distance(full, holes)
    assert distance > 0.2 > luck


@pytest.mark.parametrize(("columns", "fewest", "most"), [(1, 8, 36), (10, 0, 8)])
def test_luck_alone_reaches_its_bound_once_in_100_windows(columns: int, fewest: int, most: int) -> None:
    # 20 of 2,000 are expected for a column on its own, 2 for one of ten; the bounds fail a true rate once in 1,000 seeds.
    random = np.random.default_rng(11)
    runs = [measure_distance(random.integers(0, 10, 3000), random.integers(0, 10, 500), columns) for _ in range(2000)]
    assert fewest <= sum(distance > luck for distance, luck in runs) <= most


def windows_of_days(random: np.random.Generator, shift: float = 0.0) -> tuple[Ints, Ints, tuple[Ints, Ints]]:
    """Return the cells of 60 and then 20 days of 30 rows, and the days; all rows of a day have its value."""
    values = np.digitize(random.normal(size=80) + shift * (np.arange(80) >= 60), [-1.2, -0.6, 0, 0.6, 1.2])
    cells = np.repeat(values, 30)
    return cells[:1800], cells[1800:], (np.repeat(np.arange(60), 30), np.repeat(np.arange(20), 30))


def test_a_column_that_belongs_to_the_day_is_noise_where_nothing_changed() -> None:
    random = np.random.default_rng(7)
    by_row = by_day = 0
    for _ in range(60):
        train, holdout, days = windows_of_days(random)
        distance, floor = measure_distance(train, holdout)
        by_row += distance > floor
        by_day += distance > measure_distance(train, holdout, days=days)[1]
    assert by_row > 50
    assert by_day <= 4  # 0.6 expected; 5 or more are one in 3,000


def test_a_column_that_belongs_to_the_day_may_still_drift() -> None:
    train, holdout, days = windows_of_days(np.random.default_rng(7), shift=3.0)
    distance, floor = measure_distance(train, holdout, days=days)
    assert distance > floor


def test_rows_that_share_nothing_with_their_day_keep_about_their_noise_floor() -> None:
    random = np.random.default_rng(7)
    train, holdout = random.integers(0, 10, 3000), random.integers(0, 10, 1000)
    days = np.repeat(np.arange(30), 100), np.repeat(np.arange(10), 100)
    distance, floor = measure_distance(train, holdout)
    _, of_days = measure_distance(train, holdout, days=days)
    assert distance < floor <= of_days < 1.5 * floor


@pytest.mark.parametrize(("train_days", "holdout_days", "known"), [(6, 1, False), (20, 5, True), (1, 1, False)])
def test_hardly_any_days_prove_no_drift(train_days: int, holdout_days: int, known: bool) -> None:
    train, holdout = np.arange(420) % 3, np.arange(420) % 3 + 3
    days = np.arange(420) % train_days, np.arange(420) % holdout_days
    distance, floor = measure_distance(train, holdout, days=days)
    assert distance == pytest.approx(1)
    assert (floor < 1) == known


def test_days_that_are_all_alike_have_the_noise_floor_of_rows() -> None:
    train, holdout = np.arange(600) % 3, np.arange(300) % 3
    days = np.repeat(np.arange(20), 30), np.repeat(np.arange(10), 30)
    assert measure_distance(train, holdout, days=days) == measure_distance(train, holdout)


def test_many_rare_categories_are_taken_together() -> None:
    ids = np.arange(10_000)
    assert measure_distance(ids, ids + 10_000)[0] < 0.1
    common = np.concatenate([ids, np.full(10_000, 20_000)])
    assert measure_distance(ids, common)[0] > 0.5


def test_many_categories_make_no_distance_by_chance() -> None:
    # As many categories as rows: each is frequent by luck on one side or the other.
    random = np.random.default_rng(13)
    runs = [measure_distance(random.integers(0, 500, 300), random.integers(0, 500, 100)) for _ in range(500)]
    assert sum(distance > luck for distance, luck in runs) <= 14  # 5 expected; 15 or more are one in 4,000


@pytest.mark.parametrize(("train", "holdout"), [([], [1]), ([1], []), ([], [])])
def test_without_rows_there_is_no_distance(train: list[int], holdout: list[int]) -> None:
    found = measure_distance(np.array(train, dtype=int), np.array(holdout, dtype=int))
    assert all(map(math.isnan, found))


def test_one_category_alone_has_no_distance_and_no_noise_floor() -> None:
    distance, luck = measure_distance(np.zeros(2, dtype=int), np.zeros(2, dtype=int))
    assert distance == 0
    assert 0 < luck <= 1

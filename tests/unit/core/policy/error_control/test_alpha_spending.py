from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from retrain.core.data.schedule import ticks_between
from retrain.core.policy.error_control import PastTest
from retrain.core.policy.error_control.alpha_spending import compute_level, count_planned_tests, find_next_level

YEAR = timedelta(days=365)
START = datetime(2024, 1, 1, tzinfo=UTC)


def past_at(*moments: tuple[float, float]) -> list[PastTest]:
    """Return tests at (day, level)."""
    return [
        PastTest(f"t{place}", place, START + timedelta(days=day), level, promoted=False)
        for place, (day, level) in enumerate(moments, start=1)
    ]


def most_of_any_stretch(past: list[PastTest]) -> float:
    return max(sum(test.level for test in past if end.as_of - YEAR < test.as_of <= end.as_of) for end in past)


@pytest.mark.parametrize("schedule", ["@weekly", "@monthly", "@quarterly", "0 6 * * 1", "0 0 1,15 * *"])
def test_a_schedule_that_is_kept_never_runs_dry_and_keeps_every_year_within_the_budget(schedule: str) -> None:
    ticks = ticks_between(schedule, START - 2 * YEAR, START + 3 * YEAR)
    past: list[PastTest] = []
    for place, tick in enumerate((tick for tick in ticks if tick > START), start=1):
        planned = count_planned_tests([earlier for earlier in ticks if tick - 2 * YEAR < earlier <= tick], YEAR)
        level = compute_level(0.05, YEAR, planned, tick, past)
        assert level == pytest.approx(0.05 / planned)
        past.append(PastTest(str(place), place, tick, level, promoted=False))
    assert most_of_any_stretch(past) <= 0.05 + 1e-12


def test_tests_beside_the_schedule_draw_from_the_same_budget_in_whatever_order_they_come() -> None:
    random = np.random.default_rng(7)
    past: list[PastTest] = []
    for place, day in enumerate(random.uniform(0, 1200, 400), start=1):
        as_of = START + timedelta(days=float(day))
        level = compute_level(0.05, YEAR, 52, as_of, past)
        past.append(PastTest(str(place), place, as_of, level, promoted=False))
    assert most_of_any_stretch(past) == pytest.approx(0.05)
    assert 0.0 in [test.level for test in past]


def test_nothing_is_left_once_the_year_is_spent_until_its_oldest_test_drops_out() -> None:
    past = past_at((0, 0.02), (100, 0.03))
    assert compute_level(0.05, YEAR, 10, START + timedelta(days=200), past) == 0
    assert find_next_level(YEAR, START + timedelta(days=200), past) == START + YEAR
    assert compute_level(0.05, YEAR, 10, START + YEAR, past) == pytest.approx(0.005)


def test_a_late_test_leaves_the_years_that_end_after_it_within_the_budget() -> None:
    assert compute_level(0.05, YEAR, 1, START, past_at((300, 0.04))) == pytest.approx(0.01)
    assert compute_level(0.05, YEAR, 1, START, past_at((365, 0.04))) == pytest.approx(0.05)
    assert compute_level(0.05, YEAR, 1, START, past_at((-200, 0.04), (200, 0.04))) == pytest.approx(0.01)


def test_rounding_is_not_a_budget() -> None:
    assert compute_level(0.05, YEAR, 10, START + timedelta(days=20), past_at(*[(day, 0.005) for day in range(10)])) == 0


def test_a_stretch_that_no_tick_falls_in_is_planned_for_one_test() -> None:
    assert count_planned_tests([], YEAR) == 1
    assert count_planned_tests(ticks_between("@yearly", START, START + 3 * YEAR), timedelta(days=30)) == 1

"""Alpha spending: an error budget per period, shared evenly among the tests planned in it.

By Boole's inequality the probability of any false promotion in a period is at most the sum of the levels spent in it. Each test
gets ``budget / planned``, and never more than what keeps every window of length `period` within the budget. So the bound holds
for dependent tests (overlapping holdouts, the same champion), and also if tests run late or outside the schedule.

Reference: Lan and DeMets, Discrete Sequential Boundaries for Clinical Trials, Biometrika 70 (1983) 659-663, with a linear
spending function and a moving window instead of a fixed end.

>>> from datetime import UTC
>>> weeks = [datetime(2024, 1, 1, tzinfo=UTC) + timedelta(weeks=week) for week in range(4)]
>>> past = [PastTest(f"t{n}", n, week, 0.02, False) for n, week in enumerate(weeks[:3], start=1)]
>>> round(compute_level(0.05, timedelta(days=365), 2, weeks[3], past), 6)
0.0
>>> round(compute_level(0.05, timedelta(days=21), 2, weeks[3], past), 6)
0.01
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Final

from retrain.core.policy.error_control.base import PastTest

__all__ = ["compute_level", "count_planned_tests", "find_next_level"]

_ROUNDING: Final = 1e-9
"""Levels below this share of the even level are rounding errors."""


def compute_level(budget: float, period: timedelta, planned: int, as_of: datetime, past: Iterable[PastTest]) -> float:
    """Return the level of a test at `as_of`; 0 if the budget of a period that contains it is spent.

    Args:
        budget: The total level of the tests in any period.
        period: The length of a period.
        planned: How many tests share the budget.
        past: The earlier tests, in any order.
    """
    near = [test for test in past if as_of - period < test.as_of < as_of + period]
    ends = {as_of, *(test.as_of for test in near if test.as_of > as_of)}
    spent = max(math.fsum(test.level for test in near if end - period < test.as_of <= end) for end in ends)
    even = budget / planned
    level = min(even, budget - spent)
    return level if level > even * _ROUNDING else 0.0


def find_next_level(period: timedelta, as_of: datetime, past: Iterable[PastTest]) -> datetime:
    """Return when the oldest test that spends budget at `as_of` leaves the period, so that a test gets a level again."""
    return min(test.as_of for test in past if as_of - period < test.as_of < as_of + period and test.level > 0) + period


def count_planned_tests(ticks: Sequence[datetime], period: timedelta) -> int:
    """Return the largest number of ticks in one period, given the ticks of a schedule in order."""
    most = first = 0
    for last, tick in enumerate(ticks):
        while ticks[first] <= tick - period:
            first += 1
        most = max(most, last - first + 1)
    return max(most, 1)

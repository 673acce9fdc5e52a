"""Alpha spending: a budget of error for every stretch of time, shared evenly among the tests planned in it.

By Boole's inequality the chance of any false promotion in a stretch of length `period` is at most the sum of the levels spent in
it. Each test gets ``budget / planned`` and never more than what keeps every such stretch within the budget, so the bound holds
whatever the tests have to do with each other (overlapping holdouts, the same champion), also when tests are asked for outside
the schedule or come late.

Reference: Lan and DeMets, Discrete Sequential Boundaries for Clinical Trials, Biometrika 70 (1983) 659-663, with a linear
spending function; the stretch moves on where theirs ends.

>>> from datetime import UTC
>>> weeks = [datetime(2024, 1, 1, tzinfo=UTC) + timedelta(weeks=week) for week in range(4)]
>>> past = [PastTest(f"t{n}", n, week, 0.02, False) for n, week in enumerate(weeks[:3], start=1)]
>>> round(spend(0.05, timedelta(days=365), 2, weeks[3], past), 6)
0.0
>>> round(spend(0.05, timedelta(days=21), 2, weeks[3], past), 6)
0.01
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Final

from retrain.core.policy.error_control.base import PastTest

__all__ = ["planned_tests", "returns_at", "spend"]

_ROUNDING: Final = 1e-9
"""A share of the even level below which nothing is left but rounding."""


def spend(budget: float, period: timedelta, planned: int, as_of: datetime, past: Iterable[PastTest]) -> float:
    """Return the level of a test at `as_of`, 0 where the budget of a stretch that it lies in is spent.

    Args:
        budget: The most error of any stretch.
        period: The length of a stretch.
        planned: How many tests share the budget.
        past: The tests before it, in any order.
    """
    near = [test for test in past if as_of - period < test.as_of < as_of + period]
    ends = {as_of, *(test.as_of for test in near if test.as_of > as_of)}
    spent = max(math.fsum(test.level for test in near if end - period < test.as_of <= end) for end in ends)
    even = budget / planned
    level = min(even, budget - spent)
    return level if level > even * _ROUNDING else 0.0


def returns_at(period: timedelta, as_of: datetime, past: Iterable[PastTest]) -> datetime:
    """Return when the oldest of the tests that hold the budget at `as_of` drops out of the stretch."""
    return min(test.as_of for test in past if as_of - period < test.as_of < as_of + period and test.level > 0) + period


def planned_tests(ticks: Sequence[datetime], period: timedelta) -> int:
    """Return the most ticks of a schedule, given in order, that one stretch holds."""
    most = first = 0
    for last, tick in enumerate(ticks):
        while ticks[first] <= tick - period:
            first += 1
        most = max(most, last - first + 1)
    return max(most, 1)

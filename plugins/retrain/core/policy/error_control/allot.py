"""The error level of the next test in a sequence."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import datetime

from retrain.core.data.schedule import ticks_between
from retrain.core.policy.error_control.alpha_spending import compute_level, count_planned_tests, find_next_level
from retrain.core.policy.error_control.base import Allotment, PastTest
from retrain.core.policy.error_control.lord import compute_lord_level
from retrain.core.policy.error_control.spec import ErrorControlSpec

__all__ = ["allot"]


def allot(
    control: ErrorControlSpec,
    schedule: str | None,
    *,
    test: str,
    sequence: str,
    as_of: datetime,
    past: Sequence[PastTest],
    every: int = 1,
) -> Allotment | None:
    """Return the error level of a test; None without error control.

    Args:
        schedule: The pipeline's schedule, which says how many tests share a budget.
        test: The identity of the test.
        sequence: The name of its sequence.
        as_of: The as-of of the retrain.
        past: The earlier tests of the sequence, by place.
        every: Test only every n-th tick of the schedule.
    """
    if control.method == "none":
        return None
    repeated = next((earlier for earlier in past if earlier.test == test), None)
    if repeated is not None:
        return Allotment(control.method, repeated.level, test, sequence, None)
    place = len(past) + 1
    if control.method == "lord":
        level = compute_lord_level(control.budget, place, [earlier.place for earlier in past if earlier.promoted])
        return Allotment(control.method, level, test, sequence, place)
    planned = control.tests or _count_planned_tests(control, schedule, as_of)
    level = compute_level(control.budget, control.period, math.ceil(planned / every), as_of, past)
    if level:
        return Allotment(control.method, level, test, sequence, place)
    back = find_next_level(control.period, as_of, past)
    why = f"the error budget of {control.budget:g} is spent; retrains can promote again from {back:%Y-%m-%d}"
    return Allotment(control.method, 0.0, test, sequence, None, why)


def _count_planned_tests(control: ErrorControlSpec, schedule: str | None, as_of: datetime) -> int:
    if schedule is None:
        return 1
    return count_planned_tests(ticks_between(schedule, as_of - 2 * control.period, as_of), control.period)

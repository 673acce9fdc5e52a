"""The error that the next test of a sequence may make."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import datetime

from retrain.core.data.schedule import ticks_between
from retrain.core.policy.error_control.alpha_spending import planned_tests, returns_at, spend
from retrain.core.policy.error_control.base import Allotment, PastTest
from retrain.core.policy.error_control.lord import lord_level
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
    """Return the error that a test may make, None where the spec does not control it.

    Args:
        schedule: The pipeline's, for how many tests share a budget.
        test: The identity of the test.
        sequence: The name of its sequence.
        as_of: Of the retrain.
        past: The tests of the sequence so far, by place.
        every: Only every n-th tick of the schedule is tested.
    """
    if control.method == "none":
        return None
    same = next((earlier for earlier in past if earlier.test == test), None)
    if same is not None:
        return Allotment(control.method, same.level, test, sequence, None)
    place = len(past) + 1
    if control.method == "lord":
        level = lord_level(control.budget, place, [earlier.place for earlier in past if earlier.promoted])
        return Allotment(control.method, level, test, sequence, place)
    planned = control.tests or _planned(control, schedule, as_of)
    level = spend(control.budget, control.period, math.ceil(planned / every), as_of, past)
    if level:
        return Allotment(control.method, level, test, sequence, place)
    back = returns_at(control.period, as_of, past)
    why = f"the error budget of {control.budget:g} is spent until {back:%Y-%m-%d}"
    return Allotment(control.method, 0.0, test, sequence, None, why)


def _planned(control: ErrorControlSpec, schedule: str | None, as_of: datetime) -> int:
    if schedule is None:
        return 1
    return planned_tests(ticks_between(schedule, as_of - 2 * control.period, as_of), control.period)

"""LORD++: levels that keep the share of false promotions among all promotions of a fleet within a budget.

The t-th test of the sequence, after promotions at places tau_1 < tau_2 < ..., gets

    level = gamma(t) * w0 + gamma(t - tau_1) * (budget - w0) + sum over j > 1 of gamma(t - tau_j) * budget

with w0 = budget / 10 and gamma(j) = 0.07720838 * log(max(j, 2)) / (j * exp(sqrt(log(j)))), which sums to 1. Each promotion adds
error budget for later tests; without promotions the levels decrease.

Assumptions: the test of a challenger that is not better is independent of earlier tests, and all tests share one budget. Tests
on overlapping holdouts are not independent: then the bound is an approximation. The share is a ratio of expected counts over
time, so alpha spending suits a single model that never improves better.

Reference: Ramdas, Yang, Wainwright and Jordan, Online Control of the False Discovery Rate with Decaying Memory, NeurIPS 30 (2017);
gamma: Javanmard and Montanari, Online Rules for Control of False Discovery Rate, Annals of Statistics 46 (2018) 526-554,
equation 31; its constant and w0: Robertson et al., onlineFDR, Bioinformatics 35 (2019) 4196-4199.

>>> [round(compute_lord_level(0.05, place, [1]), 10) for place in (1, 2, 3)]
[0.0002675839, 0.0024664457, 0.0005732818]
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Final

__all__ = ["compute_lord_level"]

_SUMS_TO_ONE: Final = 0.07720838
_FIRST_SHARE: Final = 0.1


def compute_lord_level(budget: float, place: int, promotions: Iterable[int]) -> float:
    """Return the level of the test at a place of the sequence.

    Args:
        budget: The false discovery rate.
        place: The place of the test, from 1.
        promotions: The places of tests that promoted; those from `place` on do not count.
    """
    first_wealth = _FIRST_SHARE * budget
    level = _gamma(place) * first_wealth
    for number, promoted in enumerate(sorted(earlier for earlier in promotions if earlier < place)):
        level += _gamma(place - promoted) * (budget if number else budget - first_wealth)
    return level


def _gamma(place: int) -> float:
    return _SUMS_TO_ONE * math.log(max(place, 2)) / (place * math.exp(math.sqrt(math.log(place))))

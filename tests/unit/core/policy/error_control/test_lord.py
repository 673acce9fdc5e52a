from __future__ import annotations

import math

import numpy as np
import pytest

from retrain.core.policy.error_control.lord import compute_lord_level

# The example of the vignette of onlineFDR (R, Bioconductor): p-values in its order, and the levels that LORD++ gives them.
VIGNETTE = [
    (2.9000e-14, 0.0002675839, True),
    (6.7430e-02, 0.0024664457, False),
    (1.5140e-02, 0.0005732818, False),
    (8.1740e-02, 0.0004872805, False),
    (1.7100e-03, 0.0004059066, False),
    (2.7201e-01, 0.0003447286, False),
    (3.6100e-05, 0.0002986627, True),
    (7.9149e-01, 0.0029389397, False),
    (7.5900e-08, 0.0008168502, True),
    (2.8295e-01, 0.0033835974, False),
    (6.9274e-01, 0.0011873999, False),
    (7.2342e-01, 0.0010225858, False),
    (3.0443e-01, 0.0008785607, False),
    (5.4757e-01, 0.0007679398, False),
    (4.8700e-04, 0.0006820264, True),
]


def test_the_levels_and_rejections_are_those_of_the_published_example() -> None:
    promotions: list[int] = []
    for place, (p_value, level, rejected) in enumerate(VIGNETTE, start=1):
        found = compute_lord_level(0.05, place, promotions)
        assert found == pytest.approx(level, abs=5e-11)
        assert (p_value <= found) is rejected
        if rejected:
            promotions.append(place)


def test_without_promotions_the_levels_fade_and_never_sum_to_more_than_the_first_wealth() -> None:
    levels = [compute_lord_level(0.05, place, []) for place in range(1, 20_000)]
    assert levels == sorted(levels, reverse=True)
    assert 0.4 * 0.005 < math.fsum(levels) < 0.005


def test_the_promise_holds_at_every_moment_that_levels_spent_are_within_the_budget_times_promotions() -> None:
    random = np.random.default_rng(7)
    promotions: list[int] = []
    spent = 0.0
    for place in range(1, 400):
        spent += compute_lord_level(0.1, place, promotions)
        assert spent <= 0.1 * max(1, len(promotions)) + 1e-12
        if random.random() < 0.2:
            promotions.append(place)


def test_what_comes_later_does_not_count() -> None:
    assert compute_lord_level(0.05, 5, [2, 5, 9]) == compute_lord_level(0.05, 5, [2])

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest

from retrain.core.stats.holm import adjust_p_values


def closed_testing(p_values: list[float]) -> list[float]:
    """Return the adjusted p-values by the closure of Bonferroni's test: the worst of every group that a test belongs to."""
    indices = range(len(p_values))
    groups = [group for size in range(1, len(p_values) + 1) for group in combinations(indices, size)]
    worst = {group: min(1.0, len(group) * min(p_values[index] for index in group)) for group in groups}
    return [max(worst[group] for group in groups if index in group) for index in indices]


@pytest.mark.parametrize("count", [1, 2, 5, 7])
def test_it_is_the_closure_of_bonferronis_test(count: int) -> None:
    random = np.random.default_rng(count)
    for _ in range(20):
        p_values = (random.random(count) ** 3).round(2).tolist()  # with ties
        assert adjust_p_values(p_values) == pytest.approx(closed_testing(p_values))


def test_nothing_gives_nothing() -> None:
    assert adjust_p_values([]) == []

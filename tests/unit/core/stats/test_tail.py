from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy.stats import binomtest
from sklearn.metrics import log_loss

from retrain.core.stats.tail import TailIncrease, compute_losses, estimate_tail_increase
from retrain.errors import DataError


def increase_of(bad: Any, bad_of_opponent: Any, clusters: Any = None, **changes: Any) -> TailIncrease:
    """Return the increase of a regression whose error is 9 on bad rows and 1 on the others."""
    challenger, opponent = (np.where(rows, 9.0, 1.0) for rows in (np.asarray(bad), np.asarray(bad_of_opponent)))
    rows = np.arange(len(challenger)) if clusters is None else clusters
    return estimate_tail_increase(
        np.zeros(len(challenger)), challenger, opponent, rows, **({"level": 0.025, "limit": 3.0} | changes)
    )


def first(count: int, rows: int = 1_000) -> Any:
    return np.arange(rows) < count


@pytest.mark.parametrize("count", [1, 3, 10, 40])
def test_bounds_of_one_model_that_errs_alone_are_those_of_wilson(count: int) -> None:
    found = increase_of(first(count, 200_000)[::-1], np.zeros(200_000, dtype=bool), np.arange(200_000) * 41 % 200_000)
    wilson = binomtest(count, 200_000).proportion_ci(method="wilson")
    assert found.value == count / 200_000
    assert found.high == pytest.approx(wilson.high, rel=0.05)


def test_no_bad_row_leaves_the_rule_of_three() -> None:
    found = increase_of(first(0), first(0))
    assert (found.challenger, found.opponent, found.value) == (0, 0, 0)
    assert found.high == -found.low == pytest.approx(3.84 / 1_000, rel=0.02)
    assert found.rows_to_exclude(found.high) in (1_000, 1_001)


def test_the_increase_of_the_other_side_is_its_negative() -> None:
    one, other = (increase_of(*sides) for sides in ((first(8), first(3)[::-1]), (first(3)[::-1], first(8))))
    assert (one.low, one.high) == pytest.approx((-other.high, -other.low))
    assert one.low < one.value < one.high


def test_bad_rows_of_one_cluster_say_less_than_those_of_many() -> None:
    together = np.arange(1_000) // 50
    alone, spread = (
        increase_of(first(20), first(0), together),
        increase_of(np.arange(1_000) % 50 == 0, first(1), together),
    )
    assert alone.high - alone.low > 3 * (spread.high - spread.low)


def test_losses_are_absolute_errors_or_what_the_true_class_lacks() -> None:
    assert compute_losses(np.array([1.0, 2.0]), np.array([3.0, 1.5])).tolist() == [2.0, 0.5]
    said = np.array([[0.9, 0.1], [0.7, 0.3]])
    losses = compute_losses(np.array([0.0, 1.0]), said)
    assert losses == pytest.approx([0.1, 0.7])
    assert -np.log(1 - losses).mean() == pytest.approx(log_loss([0, 1], said))


def test_without_a_limit_it_is_a_quantile_of_the_opponent() -> None:
    opponent = np.random.default_rng(7).normal(size=1_000)
    found = estimate_tail_increase(
        np.zeros(1_000), 2 * opponent, opponent, np.arange(1_000), level=0.025, quantile=0.95
    )
    assert found.limit == pytest.approx(np.quantile(np.abs(opponent), 0.95))
    assert found.opponent == 0.05
    assert found.challenger > 0.2


@pytest.mark.parametrize("limit", [None, 0.5])
def test_no_rows_and_scores_that_are_not_finite_are_errors(limit: float | None) -> None:
    nothing = np.zeros(0)
    with pytest.raises(DataError, match="at least 8 clusters; got 0"):
        estimate_tail_increase(nothing, nothing, nothing, nothing.astype(int), level=0.025, limit=limit)
    y = np.zeros(20)
    with pytest.raises(DataError, match="finite scores"):
        estimate_tail_increase(y, y, y + np.nan, np.arange(20), level=0.025, limit=limit)


def test_a_limit_that_no_probability_reaches_is_an_error() -> None:
    said = np.full((20, 2), 0.5)
    with pytest.raises(DataError, match=r"must be below 1; got 1\. A loss is 1 - probability"):
        estimate_tail_increase(np.zeros(20), said, said, np.arange(20), level=0.025, limit=1.0)


def test_a_true_increase_at_the_bound_is_excluded_as_rarely_as_stated() -> None:
    random, runs, below = np.random.default_rng(7), 400, 0
    for _ in range(runs):
        bad, other = random.random(3_000) < 0.004, random.random(3_000) < 0.002
        below += increase_of(bad, other).high < 0.002
    assert binomtest(below, runs, 0.025, alternative="greater").pvalue > 0.001

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from retrain.core.policy.evidence import Evidence
from retrain.core.policy.gates import Outcome, Tail
from retrain.testing import make_evidence, make_scores


def gate(**changes: Any) -> Tail:
    return Tail(**({"check": "tail", "limit": 3.0, "max_increase": 0.002} | changes))


def erring(bad: int, rows: int = 5_000, *, good: float = 0.5) -> Evidence:
    """Return evidence of a challenger that errs by 50 on some rows and is better than the champion on all others."""
    scores = make_scores(rows, task="regression")
    errors = np.where(np.arange(rows) % max(rows // max(bad, 1), 1) == 7, 50.0, good)
    errors = np.where(np.cumsum(errors > 3) > bad, good, errors)
    return make_evidence(replace(scores, challenger=scores.y + errors, opponent=scores.y + 1.0), slices=[])


@pytest.mark.parametrize(
    ("bad", "rows", "outcome", "words"),
    [
        (0, 5_000, Outcome.PASS, "is within the maximum of 0.002"),
        (10, 5_000, Outcome.INCONCLUSIVE, "includes the maximum of 0.002: not conclusive; evaluate on more rows"),
        (60, 5_000, Outcome.FAIL, "is above the maximum of 0.002"),
        (0, 1_000, Outcome.INCONCLUSIVE, "includes the maximum of 0.002: a holdout without bad rows needs 1,940 rows"),
    ],
)
def test_the_whole_interval_must_be_within(bad: int, rows: int, outcome: Outcome, words: str) -> None:
    evidence = erring(bad, rows)
    verdict = gate().judge(evidence)
    assert (verdict.name, verdict.outcome, verdict.bound) == ("tail", outcome, 0.002)
    assert words in verdict.reason
    assert f"share of rows with a loss above 3 {bad / rows:.4f}, of the champion 0.0000: increase" in verdict.reason
    assert verdict.value == pytest.approx(bad / rows)
    assert verdict.interval is not None
    assert verdict.interval[0] <= bad / rows <= verdict.interval[1]
    assert verdict.level == pytest.approx(0.025)


def test_the_mean_promotes_what_the_tail_holds() -> None:
    """Ten errors of 50 in 5,000 rows beside an error that is smaller by half on the others."""
    evidence = erring(10)
    assert evidence.challenger_metric("mae") < evidence.opponent_metric("mae")
    assert gate().judge(evidence).outcome is Outcome.INCONCLUSIVE
    assert gate(limit=60).judge(evidence).outcome is Outcome.PASS


def test_without_a_limit_the_champion_sets_it() -> None:
    scores = make_scores(5_000, task="regression", challenger=0.5, opponent=0.5)
    assert gate(limit=None, max_increase=0.01).judge(make_evidence(scores, slices=[])).outcome is Outcome.PASS
    worse = replace(scores, challenger=scores.y + 2 * (scores.challenger - scores.y))
    verdict = gate(limit=None, max_increase=0.01).judge(make_evidence(worse, slices=[]))
    assert verdict.outcome is Outcome.FAIL
    assert "of the champion 0.0100" in verdict.reason


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"cluster_by": "shop"}, "cluster_by must be"),
        ({"cluster_by": "month"}, "at least 8 clusters"),
        ({"limit": 1.5}, "must be below 1; got 1.5"),
    ],
)
def test_what_cannot_be_measured_is_inconclusive(fields: dict[str, Any], words: str) -> None:
    verdict = gate(**({"limit": 0.9} | fields)).judge(make_evidence(make_scores()))
    assert verdict.outcome is Outcome.INCONCLUSIVE
    assert words in verdict.reason


def test_evidence_without_an_opponent_has_no_increase() -> None:
    with pytest.raises(ValueError, match="the champion is lost"):
        make_evidence(make_scores(opponent=None)).tail_increase(0.9, 0.99, None, 0.025)


@pytest.mark.parametrize(("cluster_by", "columns"), [(None, ()), ("day", ()), ("shop", ("shop",))])
def test_it_asks_for_the_column_that_it_clusters_by(cluster_by: str | None, columns: tuple[str, ...]) -> None:
    assert gate(cluster_by=cluster_by).columns == columns

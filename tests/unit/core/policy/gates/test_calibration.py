from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from retrain.core.policy.evidence import Evidence
from retrain.core.policy.gates import Calibration, Outcome
from retrain.testing import make_evidence, make_scores


def gate(**changes: Any) -> Calibration:
    return Calibration(**({"check": "calibration", "max_error": 0.05, "resamples": 200} | changes))


def saying(shift: float, rows: int = 4000) -> Evidence:
    """Return evidence of a challenger that says `shift` too much."""
    random = np.random.default_rng(7)
    p = random.uniform(0, 0.8, size=rows)
    y = (random.uniform(size=rows) < p).astype(float)
    said = np.column_stack([1 - p - shift, p + shift])
    return make_evidence(replace(make_scores(rows), y=y, challenger=said))


@pytest.mark.parametrize(
    ("shift", "rows", "outcome", "words"),
    [
        (0.0, 4000, Outcome.PASS, "is within the maximum of 0.05"),
        (0.1, 4000, Outcome.FAIL, "is above the maximum of 0.05"),
        (0.05, 4000, Outcome.INCONCLUSIVE, "includes the maximum of 0.05: not conclusive"),
        (0.0, 500, Outcome.INCONCLUSIVE, "includes the maximum of 0.05: not conclusive"),
    ],
)
def test_the_whole_interval_must_be_within(shift: float, rows: int, outcome: Outcome, words: str) -> None:
    verdict = gate().judge(saying(shift, rows))
    assert (verdict.name, verdict.outcome, verdict.bound) == ("calibration", outcome, 0.05)
    assert words in verdict.reason
    assert verdict.interval is not None
    assert verdict.value is not None
    assert verdict.interval[0] < verdict.value < verdict.interval[1]
    assert verdict.method == "clustered bootstrap"
    assert verdict.level == pytest.approx(0.025)


@pytest.mark.parametrize(
    ("fields", "evidence", "words"),
    [
        ({}, saying(0, 499), "has 499 rows and min_rows is 500"),
        ({"cluster_by": "shop"}, saying(0), "cluster_by must be"),
        ({"cluster_by": "month"}, saying(0), "at least 8 clusters"),
        ({"min_rows": 10}, make_evidence(make_scores(task="regression")), "got a regression"),
    ],
)
def test_what_cannot_be_measured_is_inconclusive(fields: dict[str, Any], evidence: Evidence, words: str) -> None:
    verdict = gate(**fields).judge(evidence)
    assert verdict.outcome is Outcome.INCONCLUSIVE
    assert words in verdict.reason


@pytest.mark.parametrize(("by", "columns"), [(None, ()), ("day", ()), ("shop", ("shop",))])
def test_it_names_the_column_it_clusters_by(by: str | None, columns: tuple[str, ...]) -> None:
    assert gate(cluster_by=by).columns == columns

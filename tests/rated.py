"""A timeline whose retrains measured all versions, as a pipeline with the gate `fresh` leaves it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from tests.unit.core.ratings.test_rating import ERROR, FIRST, MONTH, measure

from retrain.core.digest import digest_json
from retrain.core.ledger.entries import Action, Move
from retrain.core.ledger.origin import Origin
from retrain.core.policy.decision import Challenger, Choice, Decision
from retrain.core.policy.gates import Outcome, Verdict
from retrain.core.ratings import Measurement
from retrain.core.request import RetrainRequest
from retrain.testing.evidence import make_evidence, make_scores

CHAMPION = 3
LAST = 8
PASSED = Verdict("fresh", Outcome.PASS, "better", 0.1, 0.0, (0.0, 0.2), metric="roc_auc", method="rating")


def measure_ageing_versions(last: int = LAST) -> list[Measurement]:
    """Return windows 2 to `last` of versions 1 to `last` that lose half an error a month; another loses 20 errors at once."""
    random = np.random.default_rng(3)

    def quality(version: int, window: int) -> float:
        return -0.5 * ERROR * (window - version) - 20 * ERROR * (version == CHAMPION - 1)

    return [
        replace(measure(window, range(1, window + 1), quality, random), metric="roc_auc")
        for window in range(2, last + 1)
    ]


def record_rated(ledger: Any, model: str, timeline: str, measurements: list[Measurement]) -> list[Decision]:
    """Record one decision per measurement; version 3 is champion from its window on, and version 1 before."""
    decisions = []
    for each in measurements:
        request = RetrainRequest(model, timeline, each.as_of, Origin.of_dag_run(model, f"window-{each.challenger}"))
        ledger.open_retrain(request)
        made = Challenger(digest_json([timeline, each.challenger]), each.challenger, "r" * 32, "m-1", "d" * 64)
        evidence = make_evidence(make_scores(40), key=made.key, model=model, timeline=timeline, measurements=(each,))
        wins, champion = each.challenger == CHAMPION, CHAMPION if each.challenger > CHAMPION else 1
        decision = Decision(
            request.id,
            model,
            timeline,
            each.as_of,
            Choice.PROMOTE if wins else Choice.HOLD,
            "better",
            request.origin,
            (PASSED,) if wins else (replace(PASSED, outcome=Outcome.INCONCLUSIVE),),
            made,
            champion,
            metric="roc_auc",
            scorecard=evidence.scorecard.digest,
        )
        stored = ledger.record(decision, evidence.scorecard)
        decisions.append(stored)
        if wins:
            of = (made.version, made.manifest_digest, each.as_of, made.key)
            ids = (digest_json([stored.id, "promote"]), stored.id, stored.digest, "scheduled")
            ledger.append(Move(Action.PROMOTE, model, timeline, *of, 0, *ids))
    return decisions


__all__ = ["CHAMPION", "FIRST", "LAST", "MONTH", "measure_ageing_versions", "record_rated"]

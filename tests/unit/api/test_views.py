from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from retrain.api.queries.views import decision_point
from retrain.core.ledger.origin import Origin
from retrain.core.policy.decision import Decision

STORED = Path(__file__).parents[2] / "data" / "stored_before_typed_facts.json"


def read_stored(name: str) -> Decision:
    documents = {item["name"]: item["document"] for item in json.loads(STORED.read_text(encoding="utf-8"))["decisions"]}
    return Decision.from_json(documents[name])


def test_the_gain_is_that_of_beats_champion_even_when_a_calibration_gate_stands_before_it() -> None:
    decision = read_stored("hold")
    assert decision.verdicts[0].check == "calibration"
    assert decision.verdicts[0].interval is not None
    gain = decision_point(decision).gain
    assert gain is not None
    assert (gain.name, gain.value) == ("beats_champion(roc_auc)", 0.0288)


@pytest.mark.parametrize(
    ("origin", "dag_id", "run_id"),
    [
        (Origin.of_dag_run("churn", "manual__1"), "churn", "manual__1"),
        (Origin.of_dag_run("local", "manual__1"), "local", "manual__1"),
        (Origin.of_command("ann"), None, None),
    ],
)
def test_a_decision_names_the_dag_run_that_requested_it(origin: Origin, dag_id: str | None, run_id: str | None) -> None:
    point = decision_point(replace(read_stored("hold"), origin=origin, form=3))
    assert (point.dag_id, point.run_id) == (dag_id, run_id)


def test_a_stored_decision_names_its_dag_run_too() -> None:
    point = decision_point(read_stored("hold"))
    assert (point.dag_id, point.run_id) == ("churn", "scheduled__2024-07-01")

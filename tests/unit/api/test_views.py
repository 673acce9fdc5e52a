from __future__ import annotations

import json
from pathlib import Path

from retrain.api.queries.views import decision_point
from retrain.core.policy.decision import Decision

STORED = Path(__file__).parents[2] / "data" / "stored_before_typed_facts.json"


def test_the_gain_is_that_of_beats_champion_even_when_a_calibration_gate_stands_before_it() -> None:
    documents = {item["name"]: item["document"] for item in json.loads(STORED.read_text())["decisions"]}
    decision = Decision.from_json(documents["hold"])
    assert decision.verdicts[0].check == "calibration"
    assert decision.verdicts[0].interval is not None
    gain = decision_point(decision).gain
    assert gain is not None
    assert (gain.name, gain.value) == ("beats_champion(roc_auc)", 0.0288)

from __future__ import annotations

import json
import math
from dataclasses import replace

from retrain.core.evaluation.resource_usage import Latency
from retrain.core.evaluation.scorecard import Scorecard
from retrain.testing import make_evidence, make_resource_usage, make_scores


def test_a_latency_is_found_by_its_rows() -> None:
    assert make_resource_usage().latency(1000) == Latency(1000, 300, 0.005, 0.009)
    assert make_resource_usage().latency(7) is None


def test_the_resource_usage_survives_its_json_and_nan_is_null_on_paper() -> None:
    card = make_evidence(make_scores()).scorecard
    assert Scorecard.from_json(json.loads(json.dumps(card.to_json()))).resource_usage == make_resource_usage()
    unknown = replace(
        card, resource_usage=make_resource_usage(memory=math.nan, latencies=(Latency(1, 0, math.nan, math.nan),))
    )
    again = Scorecard.from_json(json.loads(json.dumps(unknown.to_json(), allow_nan=False))).resource_usage
    assert again is not None
    assert math.isnan(again.memory)
    assert math.isnan(again.latencies[0].p99)


def test_what_no_gate_asked_for_stays_absent() -> None:
    card = replace(make_evidence(make_scores()).scorecard, profile=None, resource_usage=None)
    assert Scorecard.from_json(card.to_json()) == card

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from tests.builders import LATER, ROOT, World, make_request
from tests.estimators import EMAIL

from retrain.core.policy.decision import Choice
from retrain.core.policy.gates import Baseline, Outcome

NORTH = {"check": "custom", "gate": "tests.gates:GoodInPlace", "params": {"place": "north"}, "reads": ["place"]}
RAISING = {"check": "custom", "gate": "tests.gates:Raising"}


@pytest.fixture
def at_home(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the gates of `tests` be found, as those of a project are found below its root."""
    monkeypatch.syspath_prepend(str(ROOT))


def test_a_gate_of_the_project_decides_over_stored_evidence(at_home: None, make_world: Callable[..., World]) -> None:
    world = make_world(gate=[NORTH])
    decision = world.decide()
    assert decision.choice is Choice.PROMOTE
    assert [verdict.name for verdict in decision.verdicts] == ["good_in_place(roc_auc)"]
    assert world.ledger.decision(decision.id) == decision


def test_a_gate_that_fails_holds_and_the_next_still_judges(at_home: None, make_world: Callable[..., World]) -> None:
    decision = make_world(gate=[RAISING, NORTH]).decide()
    assert decision.choice is Choice.HOLD
    assert decision.reason == (
        "custom(Raising): tests.gates:Raising raised ValueError; test it with `retrain.testing.check_gate`"
    )
    assert [verdict.outcome for verdict in decision.verdicts] == [Outcome.INCONCLUSIVE, Outcome.PASS]
    assert EMAIL not in str(decision.to_json())


@pytest.mark.parametrize("task", ["binary", "multiclass", "regression"])
def test_stored_scores_hold_what_a_dummy_of_the_training_rows_says(task: str, make_world: Callable[..., World]) -> None:
    metric = "mae" if task == "regression" else "log_loss"
    gate = {"check": "baseline", "metric": metric, "resamples": 200}
    world = make_world(task=task, gate=[gate])
    request = make_request()
    snapshot = world.snapshot(request)
    challenger = world.train(request, snapshot)
    evidence = world.evidence.evidence(world.evaluate(request, snapshot, challenger))
    assert evidence.scores.baseline is not None
    if task == "regression":
        assert evidence.scores.baseline.shape == (1,)
    else:
        assert evidence.scores.baseline.shape == (evidence.scores.challenger.shape[1],)
        assert evidence.scores.baseline.sum() == pytest.approx(1)
    # A first challenger's opponent is that dummy.
    np.testing.assert_allclose(evidence.scores.of_baseline(), evidence.scores.opponent)
    assert Baseline(**gate).judge(evidence).outcome is Outcome.PASS


def test_a_champion_changes_nothing_of_what_the_dummy_says(crowned: World) -> None:
    crowned.respec(gate=[{"check": "baseline", "metric": "roc_auc", "resamples": 200}])
    decision = crowned.decide(LATER)
    assert (decision.opponent, decision.choice) == ("champion", Choice.PROMOTE)
    assert "over the dummy" in decision.reason


def test_a_rule_is_read_from_the_data_and_must_be_a_prediction(make_world: Callable[..., World]) -> None:
    decision = make_world(
        gate=[{"check": "baseline", "metric": "roc_auc", "rule": "signal", "resamples": 200}]
    ).decide()
    assert decision.choice is Choice.HOLD
    assert "the rule signal must be the probability of the positive class of two" in decision.reason

from __future__ import annotations

from datetime import timedelta

import pytest
from tests.builders import AS_OF, LATER, MODEL, NOT_WORSE, World, make_request

from retrain.adapters.project_gates import gates_below
from retrain.core.decision import Choice
from retrain.core.gates import Outcome
from retrain.errors import IntegrityError
from retrain.steps import decide_retrain, record_failure


def test_a_decision_says_what_it_rests_on(world: World) -> None:
    decision = world.decide()
    card = world.evidence.evidence(decision.scorecard).scorecard
    assert decision.choice is Choice.PROMOTE
    assert [verdict.gate for verdict in decision.verdicts] == ["threshold(roc_auc)", "beats_champion(roc_auc)"]
    assert (decision.champion_version, decision.champion_generation, decision.opponent) == (None, 0, "baseline")
    assert (decision.metric, decision.challenger_value) == ("roc_auc", card.challenger_metrics["roc_auc"])
    assert (decision.opponent_value, decision.train_rows, decision.holdout_rows) == (0.5, 540, 168)
    assert decision.snapshot == world.snapshot().digest
    assert decision.at is not None
    assert world.ledger.decision(decision.id) == decision


def test_deciding_again_gives_the_first_decision(world: World) -> None:
    first = world.decide()
    assert world.decide() == first
    assert world.ledger.decisions(MODEL, "production") == [first]


def test_a_key_that_was_promoted_keeps_its_decision_and_its_scorecard(crowned: World) -> None:
    (first,) = crowned.ledger.decisions(MODEL, "production")
    again = crowned.decide(make_request(origin="dag:churn/cleared"))
    assert again == first
    assert len(crowned.ledger.decisions(MODEL, "production")) == 1


def test_a_challenger_is_never_judged_by_the_scorecard_of_another(world: World) -> None:
    first = world.decide()
    for request in (make_request(nonce="again"), make_request(timeline="simulation-1")):
        snapshot = world.snapshot(request)
        with pytest.raises(IntegrityError, match="must be judged by its own scorecard; got that of key"):
            decide_retrain(
                world.spec,
                request,
                snapshot,
                world.train(request, snapshot),
                first.scorecard,
                evidence=world.evidence,
                ledger=world.ledger,
                load_gate=gates_below(world.root),
            )
    assert world.ledger.decisions(MODEL, "production") == [first]


def test_a_challenger_that_learnt_nothing_is_rejected_or_held(world: World) -> None:
    world.respec(train__params={"C": 1e-9}, gate=[{"check": "threshold", "metric": "log_loss", "max": 0.3}])
    decision = world.decide()
    assert (decision.choice, decision.verdicts[0].outcome) == (Choice.REJECT, Outcome.FAIL)
    assert decision.reason.startswith("threshold(log_loss): log_loss 0.69")


@pytest.mark.parametrize("days", [0, 14])
def test_a_challenger_that_knows_no_more_than_the_champion_is_superseded(world: World, days: int) -> None:
    world.respec(**NOT_WORSE)
    champion = world.retrain(make_request(as_of=AS_OF + timedelta(days=14)))
    late = make_request(as_of=AS_OF + timedelta(days=14 - days), origin="dag:churn/late", nonce="again")
    decision = world.decide(late)
    assert decision.choice is Choice.HOLD
    assert decision.reason.startswith("superseded: the champion (version 1) is as of 2024-07-15 00:00")
    assert [verdict.outcome for verdict in decision.verdicts] == [Outcome.PASS]
    with pytest.raises(IntegrityError, match="only a PROMOTE decision may move the pointer; got HOLD"):
        world.promote(late, decision)
    assert world.ledger.pointer(MODEL, "production") == champion.to_pointer()


def test_a_simulation_meets_champions_of_its_own(world: World) -> None:
    world.retrain(LATER)
    earlier = make_request(timeline="simulation-1", origin="dag:churn/backfill")
    entry = world.retrain(earlier)
    assert (entry.timeline, entry.generation) == ("simulation-1", 1)
    assert world.registry.alias_version(MODEL, "champion") == 1
    production = world.ledger.pointer(MODEL, "production")
    assert production is not None
    assert production.as_of == LATER.as_of


def test_a_failure_is_a_decision_that_leaves_the_champion(crowned: World) -> None:
    champion = crowned.ledger.pointer(MODEL, "production")
    decision = record_failure(crowned.spec, LATER, "train", "every row must have a label", ledger=crowned.ledger)
    assert (decision.choice, decision.failed_step) == (Choice.REJECT, "train")
    assert decision.reason == "train failed: every row must have a label"
    assert (decision.champion_version, decision.champion_generation, decision.challenger) == (1, 1, None)
    assert crowned.ledger.pointer(MODEL, "production") == champion
    with pytest.raises(IntegrityError, match="only a PROMOTE decision may move the pointer; got REJECT"):
        crowned.promote(LATER, decision)


def test_a_failure_told_again_is_the_same_decision_and_closes_the_attempt(world: World) -> None:
    first = record_failure(world.spec, make_request(), "snapshot", "no rows", ledger=world.ledger)
    again = record_failure(world.spec, make_request(), "snapshot", "no rows", ledger=world.ledger)
    assert again == first
    assert (first.champion_version, first.champion_generation) == (None, 0)
    assert world.ledger.decisions(MODEL, "production") == [first]
    assert world.ledger.open_before(LATER) == []


def test_a_failed_month_does_not_block_the_next(world: World) -> None:
    record_failure(world.spec, make_request(), "snapshot", "no rows", ledger=world.ledger)
    assert world.retrain(LATER).generation == 1

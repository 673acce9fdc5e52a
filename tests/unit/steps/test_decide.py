from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from tests.builders import AS_OF, LATER, MODEL, NOT_WORSE, World, make_origin, make_request
from tests.require import require

from retrain.core.digest import digest_json
from retrain.core.ledger.step_result import Step, StepResult
from retrain.core.policy.decision import Choice, Decision
from retrain.core.policy.error_control import Allotment
from retrain.core.policy.error_control.lord import compute_lord_level
from retrain.core.policy.gates import Outcome
from retrain.core.request import RetrainRequest
from retrain.errors import ConflictError, IntegrityError
from retrain.steps import decide_retrain, record_failure
from retrain.steps.results import describe_step


def test_a_decision_says_what_it_rests_on(world: World) -> None:
    decision = world.decide()
    card = world.evidence.evidence(decision.scorecard).scorecard
    assert decision.choice is Choice.PROMOTE
    assert [verdict.name for verdict in decision.verdicts] == ["threshold(roc_auc)", "beats_champion(roc_auc)"]
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
    again = crowned.decide(make_request(origin=make_origin("cleared")))
    assert again == first
    assert len(crowned.ledger.decisions(MODEL, "production")) == 1


def test_a_challenger_is_never_judged_by_the_scorecard_of_another(world: World) -> None:
    first = world.decide()
    for request in (make_request(nonce="again"), make_request(timeline="simulation-1")):
        snapshot = world.snapshot(request)
        world.validate(request, snapshot)
        challenger = world.train(request, snapshot)
        with pytest.raises(IntegrityError, match="the step evaluate of this retrain must have recorded"):
            decide_retrain(world.of(request), snapshot, challenger, first.scorecard)
    assert world.ledger.decisions(MODEL, "production") == [first]


def test_data_that_was_not_validated_is_not_judged(world: World) -> None:
    request = make_request()
    (world.root / "suite.json").write_text('{"name": "churn", "expectations": []}')
    snapshot = world.snapshot(request)
    challenger = world.train(request, snapshot)
    scorecard = world.evaluate(request, snapshot, challenger)
    with pytest.raises(IntegrityError, match="the step validate of this retrain must have recorded"):
        decide_retrain(world.of(request), snapshot, challenger, scorecard)
    world.validate(request, snapshot)
    (world.root / "suite.json").write_text('{"name": "stricter", "expectations": []}')
    with pytest.raises(IntegrityError, match="the step validate of this retrain must have recorded"):
        decide_retrain(world.of(request), snapshot, challenger, scorecard)
    assert world.ledger.decisions(MODEL, "production") == []


def test_a_spec_that_changed_between_two_tasks_decides_nothing(world: World) -> None:
    request = make_request()
    snapshot = world.snapshot(request)
    world.validate(request, snapshot)
    challenger = world.train(request, snapshot)
    scorecard = world.evaluate(request, snapshot, challenger)
    world.respec(gate=[{"check": "point_estimate", "metric": "roc_auc", "margin": -1}])
    with pytest.raises(IntegrityError, match="the spec changed since"):
        decide_retrain(world.of(request), snapshot, challenger, scorecard)


def test_the_decision_names_the_validation(world: World) -> None:
    decision = world.decide()
    suite = digest_json({"name": "churn", "expectations": []})
    record = StepResult(Step.VALIDATE, make_request().id, decision.snapshot, suite=suite, spec=world.spec.digest)
    assert decision.validation == record.digest
    assert world.ledger.has_result(record)


def test_a_snapshot_of_another_window_is_refused_by_every_step(world: World) -> None:
    """Also if the request's own step recorded it, as before the spec's window was changed."""
    request = make_request()
    own, later = world.snapshot(request), world.snapshot(LATER)
    challenger, other = world.train(request, own), world.train(LATER, later)
    card = world.evaluate(request, own, challenger)
    for step in (
        lambda: world.validate(request, later),
        lambda: world.train(request, later),
        lambda: world.evaluate(request, later, challenger),
        lambda: world.evaluate(request, later, other),
        lambda: world.evaluate(request, own, other),
        lambda: decide_retrain(world.of(request), later, other, card),
    ):
        with pytest.raises(IntegrityError, match="of this retrain must have recorded"):
            step()
    world.ledger.record_result(describe_step(world.of(request), Step.SNAPSHOT, later.digest))
    with pytest.raises(IntegrityError, match="must be of the window that as-of 2024-07-01 00:00 gives"):
        world.train(request, later)


def test_a_challenger_of_another_key_or_version_is_refused(world: World) -> None:
    request = make_request()
    snapshot = world.snapshot(request)
    challenger = world.train(request, snapshot)
    forged = replace(challenger, key="e" * 64)
    with pytest.raises(IntegrityError, match="the step train of this retrain must have recorded"):
        world.evaluate(request, snapshot, forged)
    world.ledger.record_result(describe_step(world.of(request), Step.TRAIN, snapshot.digest, forged))
    with pytest.raises(IntegrityError, match="must be of the key that the inputs of its retrain give; got key eeee"):
        world.evaluate(request, snapshot, forged)
    gone = replace(challenger, version=9)
    world.ledger.record_result(describe_step(world.of(request), Step.TRAIN, snapshot.digest, gone))
    with pytest.raises(IntegrityError, match=r"version 9 of churn must be in the registry .* got no such version"):
        world.evaluate(request, snapshot, gone)
    edited = replace(challenger, manifest_digest="f" * 64)
    world.ledger.record_result(describe_step(world.of(request), Step.TRAIN, snapshot.digest, edited))
    with pytest.raises(IntegrityError, match="got another key, run or digest"):
        world.evaluate(request, snapshot, edited)


def test_a_scorecard_of_another_key_is_refused_even_if_a_step_recorded_it(world: World) -> None:
    request = make_request(nonce="again")
    first = world.decide()
    snapshot = world.snapshot(request)
    world.validate(request, snapshot)
    challenger = world.train(request, snapshot)
    world.ledger.record_result(
        describe_step(world.of(request), Step.EVALUATE, snapshot.digest, challenger, scorecard=first.scorecard)
    )
    with pytest.raises(IntegrityError, match="must be judged by its own scorecard; got that of key"):
        decide_retrain(world.of(request), snapshot, challenger, first.scorecard)


def test_a_challenger_that_learnt_nothing_is_rejected_or_held(world: World) -> None:
    world.respec(train__params={"C": 1e-9}, gate=[{"check": "threshold", "metric": "log_loss", "max": 0.3}])
    decision = world.decide()
    assert (decision.choice, decision.verdicts[0].outcome) == (Choice.REJECT, Outcome.FAIL)
    assert decision.reason.startswith("threshold(log_loss): log_loss 0.69")


@pytest.mark.parametrize("days", [0, 14])
def test_a_challenger_that_knows_no_more_than_the_champion_is_superseded(world: World, days: int) -> None:
    world.respec(**NOT_WORSE)
    champion = world.retrain(make_request(as_of=AS_OF + timedelta(days=14)))
    late = make_request(as_of=AS_OF + timedelta(days=14 - days), origin=make_origin("late"), nonce="again")
    decision = world.decide(late)
    assert decision.choice is Choice.HOLD
    assert decision.reason.startswith("superseded: champion version 1 is as of 2024-07-15 00:00")
    assert [verdict.outcome for verdict in decision.verdicts] == [Outcome.PASS]
    with pytest.raises(IntegrityError, match="only a PROMOTE decision may move the pointer; got HOLD"):
        world.promote(late, decision)
    assert world.ledger.pointer(MODEL, "production") == champion.to_pointer()


def test_a_simulation_meets_champions_of_its_own(world: World) -> None:
    world.retrain(LATER)
    earlier = make_request(timeline="simulation-1", origin=make_origin("backfill"))
    entry = world.retrain(earlier)
    assert (entry.timeline, entry.generation) == ("simulation-1", 1)
    assert world.registry.alias_version(MODEL, "champion") == 1
    production = world.ledger.pointer(MODEL, "production")
    assert production is not None
    assert production.as_of == LATER.as_of


def test_a_failure_is_a_decision_that_leaves_the_champion(crowned: World) -> None:
    champion = crowned.ledger.pointer(MODEL, "production")
    decision = record_failure(crowned.of(LATER), "train", "every row must have a label")
    assert (decision.choice, decision.failed_step) == (Choice.REJECT, "train")
    assert decision.reason == "train failed: every row must have a label"
    assert (decision.champion_version, decision.champion_generation, decision.challenger) == (1, 1, None)
    assert crowned.ledger.pointer(MODEL, "production") == champion
    with pytest.raises(IntegrityError, match="only a PROMOTE decision may move the pointer; got REJECT"):
        crowned.promote(LATER, decision)


def test_a_failure_recorded_again_is_the_same_decision_and_closes_the_attempt(world: World) -> None:
    first = record_failure(world.of(), "snapshot", "no rows")
    again = record_failure(world.of(), "snapshot", "no rows")
    assert again == first
    assert (first.champion_version, first.champion_generation) == (None, 0)
    assert world.ledger.decisions(MODEL, "production") == [first]
    assert world.ledger.list_earlier_open(LATER) == []


def test_a_failed_month_does_not_block_the_next(world: World) -> None:
    record_failure(world.of(), "snapshot", "no rows")
    assert world.retrain(LATER).generation == 1


# Error control over time


SPENDING = {"error_control": {"method": "alpha_spending", "budget": 0.05, "tests": 5}}
LORD = {"error_control": {"method": "lord", "budget": 0.4}}
SEQUENCE = "alpha_spending/production/churn"


def ask(number: int, **changes: Any) -> RetrainRequest:
    return make_request(as_of=AS_OF + timedelta(days=3 * number), origin=make_origin(str(number)), **changes)


@pytest.fixture
def spending(world: World) -> World:
    world.respec(**SPENDING)
    world.retrain()
    return world


def test_the_first_model_takes_nobodys_place_and_spends_nothing(world: World) -> None:
    world.respec(**SPENDING)
    decision = world.decide()
    assert (decision.opponent, decision.choice, decision.allotment) == ("baseline", Choice.PROMOTE, None)
    assert decision.verdicts[1].level == 0.025
    assert world.ledger.tests(SEQUENCE) == []


def test_each_test_against_a_champion_spends_its_share_until_nothing_is_left(spending: World) -> None:
    decisions = [spending.decide(ask(number)) for number in range(1, 7)]
    levels = [decision.verdicts[1].level for decision in decisions]
    assert levels == pytest.approx([0.01] * 5 + [0.0])
    assert [test.level for test in spending.ledger.tests(SEQUENCE)] == levels[:5]
    assert [test.place for test in spending.ledger.tests(SEQUENCE)] == [1, 2, 3, 4, 5]
    assert decisions[5].choice is Choice.HOLD
    assert decisions[5].reason.endswith("the error budget of 0.05 is spent; retrains can promote again from 2025-07-04")


def test_nothing_is_spent_where_another_gate_rules_a_promotion_out(spending: World) -> None:
    unreachable = {"check": "threshold", "metric": "roc_auc", "min": 0.9999}
    for number, beside in ((1, "beats_champion"), (2, "strict")):
        spending.respec(**SPENDING, gate=[{"check": beside, "metric": "roc_auc", "cluster_by": "day"}, unreachable])
        decision = spending.decide(ask(number))
        assert decision.choice is Choice.REJECT
        assert decision.allotment is None
        assert [verdict.check for verdict in decision.verdicts] == [beside, "threshold"]
    assert spending.ledger.tests(SEQUENCE) == []


def test_gates_that_spend_nothing_leave_the_budget_alone(spending: World) -> None:
    spending.respec(
        gate=[{"check": "threshold", "metric": "roc_auc", "min": 0.5}, {"check": "fresh", "metric": "roc_auc"}]
    )
    assert spending.decide(ask(1)).allotment is None
    assert spending.ledger.tests(SEQUENCE) == []


def test_a_retry_and_the_same_question_asked_anew_spend_nothing(spending: World) -> None:
    first = spending.decide(ask(1))
    assert spending.decide(ask(1)) == first
    again = spending.decide(replace(ask(1), origin=make_origin("again", dag_id="rest")))
    assert again.verdicts == first.verdicts
    assert again.allotment == replace(require(first.allotment), place=None)
    assert len(spending.ledger.tests(SEQUENCE)) == 1


def test_a_fresh_challenger_and_another_policy_are_tests_of_their_own(spending: World) -> None:
    spending.decide(ask(1))
    spending.decide(ask(1, nonce="once more"))
    spending.respec(**SPENDING, gate=[{"check": "beats_champion", "metric": "roc_auc", "cluster_by": "day"}])
    spending.decide(ask(1))
    assert len({test.test for test in spending.ledger.tests(SEQUENCE)}) == 3


def test_a_timeline_has_a_budget_of_its_own(spending: World) -> None:
    spending.decide(ask(1))
    spending.retrain(make_request(timeline="simulation-1", origin=make_origin("b0")))
    decision = spending.decide(ask(1, timeline="simulation-1"))
    allotment = require(decision.allotment)
    assert allotment.sequence == "alpha_spending/simulation-1/churn"
    assert (allotment.place, len(spending.ledger.tests(SEQUENCE))) == (1, 1)


def test_a_challenger_that_could_not_be_promoted_spends_nothing(spending: World) -> None:
    superseded = spending.decide(make_request(as_of=AS_OF - timedelta(days=3), origin=make_origin("late")))
    assert superseded.reason.startswith("superseded")
    spending.freeze()
    frozen = spending.decide(ask(1))
    assert frozen.reason.startswith("someone froze promotions")
    assert spending.ledger.tests(SEQUENCE) == []
    assert (superseded.allotment, frozen.allotment) == (None, None)


def test_another_model_of_the_fleet_that_takes_the_place_first_makes_it_decide_again(world: World) -> None:
    world.respec(**LORD)
    world.retrain()
    record: Callable[..., Decision] = world.ledger.record
    taken: list[Decision] = []

    def slow(decision: Decision, card: Any = None) -> Decision:
        if not taken:  # another model decides between our reading of the sequence and our writing
            other = Allotment("lord", 0.01, "other", "lord/production", 1)
            taken.append(record(replace(decision, model="other", request_id="other", allotment=other)))
        return record(decision, card)

    world.ledger.record = slow
    decision = world.decide(ask(1))
    assert [test.test for test in world.ledger.tests("lord/production")] == ["other", require(decision.allotment).test]
    assert require(decision.allotment).level == pytest.approx(compute_lord_level(0.4, 2, []))


def test_a_place_that_is_always_gone_is_a_conflict_in_the_end(spending: World) -> None:
    def gone(*_: Any) -> None:
        raise ConflictError("a test must take the next place", got="another", fix="Again.")

    spending.ledger.record = gone
    with pytest.raises(ConflictError, match="must take the next place"):
        spending.decide(ask(1))


# The shelf-life of a holdout


def test_a_decision_counts_how_often_its_holdout_was_looked_at(crowned: World) -> None:
    week = timedelta(days=7)
    decisions = [
        crowned.decide(make_request(as_of=AS_OF + number * week, origin=make_origin(str(number))))
        for number in (1, 2, 4)
    ]
    # 28 days each, one, two and four weeks after the first: three quarters of a window, then a half and three quarters, ...
    assert [decision.consulted for decision in decisions] == pytest.approx([0.75, 1.25, 0.75])
    again = crowned.decide(make_request(as_of=AS_OF + week, origin=make_origin("again", dag_id="rest")))
    assert again.consulted == pytest.approx(0.75 + 1 + 0.75 + 0.25)
    crowned.respec(train__params={"C": 0.1})
    other = crowned.decide(
        make_request(as_of=AS_OF + week, origin=make_origin("again", dag_id="rest"))
    )  # another model, the same rows
    assert other.consulted == pytest.approx(again.consulted + 1)
    elsewhere = crowned.decide(make_request(as_of=AS_OF, timeline="simulation-1", origin=make_origin("backfill")))
    assert elsewhere.consulted == pytest.approx(1 + 0.75 + 0.5 + 0 + 0.75 + 0.75)
    assert decisions[0].holdout == (AS_OF + week - timedelta(days=29), AS_OF + week - timedelta(days=1))

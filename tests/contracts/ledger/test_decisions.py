"""The contract of `Ledger`. Retrains, decisions, the tests of a sequence and scorecards."""

from __future__ import annotations

import math
from concurrent.futures import ThreadPoolExecutor
from dataclasses import fields, replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import URL, create_engine, select
from sqlalchemy.pool import NullPool
from tests.contracts.ledger.moves import (
    INJECTION,
    MODEL,
    TIMELINE,
    decision_on,
    month,
    promotion,
    refusal,
    request_for,
    resting_on,
)

from retrain.adapters.sql_ledger import SqlLedger
from retrain.adapters.sql_ledger.tables import SCORECARD
from retrain.core.evaluation.scorecard import Scorecard, SliceScore
from retrain.core.ledger.entries import Action, Head
from retrain.core.ledger.origin import Origin
from retrain.core.ledger.step_result import Step, StepResult
from retrain.core.policy.decision import Challenger, Choice, Decision
from retrain.core.policy.error_control import Allotment, PastTest
from retrain.core.policy.gates import Outcome, Verdict
from retrain.core.ports import Ledger
from retrain.core.ratings import Measurement, VersionScore
from retrain.errors import ConflictError, NotFoundError


def test_open_before_gives_earlier_undecided_attempts_of_the_same_model_and_timeline(ledger: Ledger) -> None:
    open_ones = [request_for(3), request_for(1)]
    others = [
        request_for(2),
        request_for(4),
        request_for(5),
        request_for(1, timeline="simulation"),
        request_for(1, model="other"),
    ]
    for request in [*open_ones, *open_ones, *others]:
        ledger.open_retrain(request)
    ledger.record(decision_on(others[0]))
    found = ledger.list_earlier_open(request_for(4))
    assert [(attempt.origin, attempt.as_of) for attempt in found] == [
        (request_for(1).origin, month(1)),
        (request_for(3).origin, month(3)),
    ]
    assert all(attempt.opened_at.utcoffset() == timedelta(0) for attempt in found)


def test_a_promote_decision_is_open_until_its_promotion_or_refusal_stands_in_the_ledger(ledger: Ledger) -> None:
    for number, move in ((1, promotion), (2, refusal)):
        request = request_for(number)
        ledger.open_retrain(request)
        challenger = Challenger(f"key-{number}", number, "run", "m-1", f"{number:064d}")
        verdicts = (Verdict("threshold", Outcome.PASS, "fine", metric="auc"),)
        decision = ledger.record(decision_on(request, choice=Choice.PROMOTE, challenger=challenger, verdicts=verdicts))
        assert [attempt.as_of for attempt in ledger.list_earlier_open(request_for(4))] == [month(number)]
        ledger.append(resting_on(decision, move(number)))
        assert ledger.list_earlier_open(request_for(4)) == []


def test_a_decision_comes_back_as_it_was_stored(ledger: Ledger) -> None:
    verdicts = (
        Verdict("threshold", Outcome.PASS, "0.7 is at least 0.6", 0.7, 0.6, (0.1 + 0.2, 1e-300), metric="roc_auc"),
        Verdict("slices", Outcome.PASS, "every slice held, é☃ \u0000", metric="roc_auc"),
    )
    whole = Decision(
        request_id=request_for(1).id,
        model=MODEL,
        timeline=TIMELINE,
        as_of=month(1),
        choice=Choice.PROMOTE,
        reason="better",
        origin=request_for(1).origin,
        verdicts=verdicts,
        challenger=Challenger("key-1", 1, "run", "model", "f" * 64),
        champion_version=3,
        champion_generation=2,
        opponent="champion",
        metric="roc_auc",
        challenger_value=0.7000000000000001,
        opponent_value=0.65,
        train_rows=10,
        holdout_rows=5,
        snapshot="a" * 64,
        scorecard="b" * 64,
        failed_step="none",
    )
    stored = ledger.record(whole)
    assert stored.at is not None
    assert stored == replace(whole, at=stored.at)
    assert ledger.decision(whole.id) == stored
    assert ledger.decisions(MODEL, TIMELINE) == [stored]


def test_numbers_that_are_not_finite_are_stored_as_none(ledger: Ledger) -> None:
    verdict = Verdict(
        "threshold", Outcome.INCONCLUSIVE, "not a number", math.nan, math.inf, (math.nan, 1.0), metric="log_loss"
    )
    decision = decision_on(request_for(1), verdicts=(verdict,), challenger_value=math.nan, opponent_value=-math.inf)
    stored = ledger.record(decision)
    assert (stored.challenger_value, stored.opponent_value) == (None, None)
    assert (stored.verdicts[0].value, stored.verdicts[0].bound) == (None, None)
    interval = ledger.decision(decision.id).verdicts[0].interval
    assert interval is not None
    assert (math.isnan(interval[0]), interval[1]) == (True, 1.0)


def test_a_decision_is_stored_once(ledger: Ledger) -> None:
    decision = decision_on(request_for(1))
    first = ledger.record(decision)
    assert ledger.record(replace(decision, origin=Origin.of_dag_run(MODEL, "a_retry"))) == first
    assert ledger.decisions(MODEL, TIMELINE) == [first]


def test_the_chain_records_each_decision_once_with_who_requested_it_and_why(ledger: Ledger) -> None:
    request = request_for(1, actor="ann", reason="new data")
    ledger.open_retrain(request)
    challenger = Challenger("key-1", 7, "run", "m-1", "d" * 64)
    held = ledger.record(decision_on(request, challenger=challenger, champion_generation=3))
    rejected = ledger.record(decision_on(request_for(2), choice=Choice.REJECT))
    ledger.record(held)
    first, second = ledger.entries()
    assert [(e.action, e.generation, e.decision_id, e.decision_digest) for e in (first, second)] == [
        (Action.DECIDE, None, decision.id, decision.digest) for decision in (held, rejected)
    ]
    assert (first.version, first.manifest_digest, first.key, first.as_of) == (7, "d" * 64, "key-1", month(1))
    assert (first.actor, first.reason) == ("ann", "HOLD: new data")
    assert (second.version, second.key, second.actor, second.reason) == (0, "", "", "REJECT")
    assert dict(ledger.standing(MODEL, TIMELINE).decisions) == {held.id: first, rejected.id: second}
    assert ledger.verify() == Head.of(second)


RESULT = StepResult(Step.EVALUATE, "r" * 64, "s" * 64, "suite", "key", 3, "m" * 64, "card")


@pytest.mark.parametrize("field", [item.name for item in fields(StepResult)])
def test_the_result_of_a_step_is_found_again_and_only_as_it_was(ledger: Ledger, field: str) -> None:
    changed: Any = {"step": Step.TRAIN, "version": 4}.get(field, "another")
    assert not ledger.has_result(RESULT)
    ledger.record_result(RESULT)
    ledger.record_result(RESULT)
    assert ledger.has_result(replace(RESULT))
    assert not ledger.has_result(replace(RESULT, **{field: changed}))
    assert (ledger.entries(), ledger.verify()) == ([], Head())


def test_decisions_come_in_the_order_they_were_stored(ledger: Ledger) -> None:
    stored = [ledger.record(decision_on(request_for(number))) for number in (3, 1, 2)]
    ledger.record(decision_on(request_for(1, timeline="simulation")))
    assert ledger.decisions(MODEL, TIMELINE) == stored
    assert ledger.timelines() == [(MODEL, TIMELINE), (MODEL, "simulation")]


def test_a_decision_that_is_not_there_is_not_found(ledger: Ledger) -> None:
    with pytest.raises(NotFoundError, match="'nothing'"):
        ledger.decision("nothing")


def with_test(number: int, place: int | None, sequence: str = "lord/production", **changes: Any) -> Decision:
    """A decision whose test took a place of a sequence."""
    allotment = Allotment("lord", 0.01 / number, f"test-{number}", sequence, place)
    return decision_on(request_for(number), **({"allotment": allotment, "holdout": (month(1), month(2))} | changes))


def test_the_tests_of_a_sequence_come_by_place(ledger: Ledger) -> None:
    assert ledger.tests("lord/production") == []
    ledger.record(decision_on(request_for(1)))
    ledger.record(with_test(2, 1))
    ledger.record(with_test(3, 1, "alpha_spending/production/churn"))
    ledger.record(with_test(4, None))  # said again, or nothing left: it takes no place
    challenger = Challenger("key", 4, "run", "model", "d" * 64)
    passed = (Verdict("threshold", Outcome.PASS, "fine", 0.7, 0.6, metric="roc_auc"),)
    ledger.record(with_test(5, 2, choice=Choice.PROMOTE, challenger=challenger, verdicts=passed))
    assert ledger.tests("lord/production") == [
        PastTest("test-2", 1, month(2), 0.005, promoted=False),
        PastTest("test-5", 2, month(5), 0.002, promoted=True),
    ]
    assert [test.test for test in ledger.tests("alpha_spending/production/churn")] == ["test-3"]
    assert ledger.tests(INJECTION) == []


def test_a_place_is_taken_once_and_the_second_gets_a_conflict(ledger: Ledger) -> None:
    first = ledger.record(with_test(2, 1))
    with pytest.raises(ConflictError, match="the next place of lord/production; got place 1 after 1 tests"):
        ledger.record(with_test(3, 1))
    with pytest.raises(ConflictError, match="got place 3 after 1 tests"):
        ledger.record(with_test(3, 3))
    assert ledger.record(with_test(2, 1)) == first  # a retry, not a second test
    assert [decision.allotment for decision in ledger.decisions(MODEL, TIMELINE)] == [first.allotment]


def test_models_that_decide_at_once_take_a_place_each(ledger: Ledger) -> None:
    def decide(number: int) -> int:
        conflicts = 0
        while True:
            place = len(ledger.tests("lord/production")) + 1
            try:
                ledger.record(with_test(number, place))
            except ConflictError:
                conflicts += 1
            else:
                return conflicts

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(decide, range(1, 9)))
    assert [test.place for test in ledger.tests("lord/production")] == list(range(1, 9))


def measured(number: int, **changes: Any) -> Scorecard:
    """Return the scorecard of a month's retrain, which measured one version."""
    score = VersionScore(number, month(number), 0.7, (0.6, 0.8))
    span = month(number), month(number + 1)
    measurement = Measurement("roc_auc", "day", month(number), number, *span, 9, ordered=True, scores=(score,))
    card = Scorecard(f"key-{number}", MODEL, TIMELINE, 9, None, "", None, {}, {}, "c" * 64, measurements=(measurement,))
    return replace(card, **changes)


def test_the_ledger_gives_back_what_decided_retrains_measured_before_an_as_of(ledger: Ledger) -> None:
    assert ledger.measurements(MODEL, TIMELINE, month(9)) == []
    for number in (3, 1, 2, 5):
        ledger.record(decision_on(request_for(number), scorecard=measured(number).digest), measured(number))
    elsewhere = measured(4, timeline="simulation")
    ledger.record(decision_on(request_for(4, timeline="simulation"), scorecard=elsewhere.digest), elsewhere)
    found = ledger.measurements(MODEL, TIMELINE, month(5))
    assert [each.as_of for each in found] == [month(1), month(2), month(3)]
    assert found[0] == measured(1).measurements[0]
    assert ledger.measurements(MODEL, TIMELINE, month(1)) == []


def test_only_the_last_48_measurements_count(ledger: Ledger) -> None:
    for day in range(50):
        as_of = month(1) + timedelta(days=day)
        card = measured(1, key=f"key-{day}")
        card = replace(card, measurements=(replace(card.measurements[0], as_of=as_of),))
        ledger.record(decision_on(request_for(1, as_of=as_of), as_of=as_of, scorecard=card.digest), card)
    found = ledger.measurements(MODEL, TIMELINE, month(12))
    assert [each.as_of for each in found] == [month(1) + timedelta(days=day) for day in range(2, 50)]


def test_a_scorecard_is_stored_with_its_decision(database: URL) -> None:
    ledger = SqlLedger(database)
    slices = (SliceScore("origin", "JFK", 3, {"roc_auc": 0.5}, {}),)
    card = Scorecard(
        "key-1", MODEL, TIMELINE, 9, None, "", None, {"roc_auc": math.nan}, {"roc_auc": 0.5}, "c" * 64, slices=slices
    )
    for number in (1, 2):
        ledger.record(decision_on(request_for(number), scorecard=card.digest), card)
    assert [d.scorecard for d in ledger.decisions(MODEL, TIMELINE)] == [card.digest] * 2
    with create_engine(database, poolclass=NullPool).connect() as connection:
        row = connection.execute(select(SCORECARD)).one()
    assert Scorecard.from_json(row.document).digest == row.digest == card.digest

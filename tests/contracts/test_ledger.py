"""The contract of the `Ledger` port: in memory, in a SQLite file, in PostgreSQL."""

from __future__ import annotations

import json
import math
import subprocess
import sys
import time
import traceback
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import asdict, replace
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import URL, create_engine, event, insert, make_url, select
from sqlalchemy.pool import NullPool
from tests.require import require

from retrain.adapters.memory_ledger import MemoryLedger
from retrain.adapters.sql_ledger import SqlLedger, postgresql_url, sqlite_url
from retrain.adapters.sql_ledger import database as database_module
from retrain.adapters.sql_ledger.migrations import VERSION_TABLE
from retrain.adapters.sql_ledger.tables import LEDGER, METADATA, SCORECARD
from retrain.core.evaluation.scorecard import Scorecard, SliceScore
from retrain.core.ledger.entries import GENESIS, Action, Move
from retrain.core.policy.decision import Challenger, Choice, Decision
from retrain.core.policy.error_control import Allotment, PastTest
from retrain.core.policy.gates import Outcome, Verdict
from retrain.core.ports import Ledger
from retrain.core.request import RetrainRequest
from retrain.errors import ConflictError, IntegrityError, NotFoundError, OutageError, RetrainError

MODEL, TIMELINE = "churn", "production"
ROUNDS = 50
INJECTION = "x'; DROP TABLE ledger; --\" OR '1'='1 % é☃"


def month(number: int) -> datetime:
    return datetime(2013, number, 1, tzinfo=UTC)


def promotion(number: int, /, generation: int | None = None, **changes: Any) -> Move:
    """The wish to promote the version of a month, as of that month."""
    move = Move(
        action=Action.PROMOTE,
        model=MODEL,
        timeline=TIMELINE,
        version=number,
        manifest_digest=f"{number:064d}",
        as_of=month(number),
        key=f"key-{number}",
        expected_generation=number - 1 if generation is None else generation,
        idempotency_key=f"promote-{number}",
        decision_id=f"decision-{number}",
        actor="someone",
        reason="better",
    )
    return replace(move, **changes)


def refusal(number: int, /, **changes: Any) -> Move:
    return replace(promotion(number, action=Action.REFUSE, idempotency_key=f"refuse-{number}"), **changes)


def back(number: int, action: Action = Action.ROLLBACK, /, *, generation: int, **changes: Any) -> Move:
    """The wish to go back to the version of a month."""
    move = promotion(number, generation, action=action, idempotency_key=f"{action.value}-{number}-{generation}")
    return replace(move, **changes)


def request_for(number: int, **changes: Any) -> RetrainRequest:
    return replace(RetrainRequest(MODEL, TIMELINE, month(number), f"dag:churn/{number}"), **changes)


def decision_on(request: RetrainRequest, **changes: Any) -> Decision:
    decision = Decision(
        request_id=request.id,
        model=request.model,
        timeline=request.timeline,
        as_of=request.as_of,
        choice=Choice.HOLD,
        reason="not sure yet",
        origin=request.origin,
    )
    return replace(decision, **changes)


def sql(url: URL, *statements: str) -> None:
    """Run SQL behind the ledger's back."""
    with create_engine(url, poolclass=NullPool).begin() as connection:
        for statement in statements:
            connection.exec_driver_sql(statement)


def three_promotions(url: URL) -> SqlLedger:
    ledger = SqlLedger(url)
    for version in (1, 2, 3):
        ledger.append(promotion(version))
    return ledger


# Moves and refusals


def test_the_first_promotion_makes_generation_1(ledger: Ledger) -> None:
    assert ledger.pointer(MODEL, TIMELINE) is None
    entry = ledger.append(promotion(1))
    assert (entry.seq, entry.generation, entry.previous_version, entry.previous_hash) == (1, 1, None, GENESIS)
    assert ledger.entries() == [entry]
    assert ledger.pointer(MODEL, TIMELINE) == entry.to_pointer()


def test_the_next_promotion_names_the_version_before_it(ledger: Ledger) -> None:
    first, second = ledger.append(promotion(1)), ledger.append(promotion(2))
    assert (second.seq, second.generation, second.previous_version, second.previous_hash) == (2, 2, 1, first.hash)
    pointer = ledger.pointer(MODEL, TIMELINE)
    assert pointer is not None
    assert (pointer.version, pointer.generation, pointer.as_of) == (2, 2, month(2))


def test_a_conflict_says_who_won_and_what_to_do(ledger: Ledger) -> None:
    ledger.append(promotion(1))
    with pytest.raises(ConflictError, match=r"generation 0.*version 1 \(generation 1, as of 2013-01-01.*decide again"):
        ledger.append(promotion(2, generation=0))
    assert len(ledger.entries()) == 1


def test_a_conflict_on_an_empty_timeline_says_that_there_is_no_champion(ledger: Ledger) -> None:
    with pytest.raises(ConflictError, match="no champion yet"):
        ledger.append(promotion(2))
    assert ledger.entries() == []


def test_the_same_wish_again_returns_the_first_entry_also_after_the_pointer_has_moved_on(ledger: Ledger) -> None:
    first = ledger.append(promotion(1))
    second = ledger.append(promotion(2))
    assert ledger.append(promotion(1)) == first
    assert ledger.append(promotion(1, generation=7, actor="a retry")) == first
    assert ledger.entries() == [first, second]
    assert ledger.pointer(MODEL, TIMELINE) == second.to_pointer()


@pytest.mark.parametrize("change", [{"model": "other"}, {"timeline": "other"}, {"version": 2}])
def test_one_idempotency_key_cannot_stand_for_two_wishes(ledger: Ledger, change: dict[str, Any]) -> None:
    ledger.append(promotion(1))
    with pytest.raises(ConflictError, match="one move"):
        ledger.append(promotion(1, **change))


def test_refusals_are_chained_and_move_nothing(ledger: Ledger) -> None:
    before = ledger.append(refusal(1))
    moved = ledger.append(promotion(1))
    after = ledger.append(refusal(2, expected_generation=0))
    assert ledger.append(refusal(2)) == after
    assert [e.generation for e in ledger.entries()] == [None, 1, None]
    assert [e.previous_hash for e in ledger.entries()] == [GENESIS, before.hash, moved.hash]
    assert (before.previous_version, after.previous_version) == (None, 1)
    assert ledger.pointer(MODEL, TIMELINE) == moved.to_pointer()
    assert ledger.verify() == 3


# Rollback, break-glass, adoption, freeze


def test_nothing_stands_where_nothing_happened(ledger: Ledger) -> None:
    standing = ledger.standing(MODEL, TIMELINE)
    assert (standing.moves, standing.freeze, dict(standing.quarantined)) == ((), None, {})


def test_a_standing_is_of_one_model_and_timeline_and_refusals_do_not_count(ledger: Ledger) -> None:
    first, second = ledger.append(promotion(1)), ledger.append(promotion(2))
    ledger.append(refusal(3, expected_generation=0))
    ledger.append(promotion(1, timeline="simulation", idempotency_key="b"))
    ledger.append(promotion(1, model="other", idempotency_key="c"))
    standing = ledger.standing(MODEL, TIMELINE)
    assert standing.moves == (first, second)
    assert standing.champion == second
    assert standing.fallbacks() == [first]


def test_a_rollback_moves_the_pointer_forward_to_a_version_that_was_live(ledger: Ledger) -> None:
    first, second = ledger.append(promotion(1)), ledger.append(promotion(2))
    entry = ledger.append(back(1, generation=2))
    assert (entry.action, entry.generation, entry.previous_version) == (Action.ROLLBACK, 3, 2)
    pointer = ledger.pointer(MODEL, TIMELINE)
    assert pointer == entry.to_pointer()
    assert pointer is not None
    assert (pointer.version, pointer.generation, pointer.as_of, pointer.key) == (1, 3, first.as_of, first.key)
    assert dict(ledger.standing(MODEL, TIMELINE).quarantined) == {second.key: entry}
    assert ledger.append(back(1, generation=2)) == entry
    assert ledger.champion_as_of(MODEL, TIMELINE, month(2)) == entry
    assert ledger.champion_at(MODEL, TIMELINE, entry.at) == entry
    assert ledger.verify() == 3


def test_what_a_rollback_left_is_not_promoted_again_and_a_fresh_key_is(ledger: Ledger) -> None:
    for move in (promotion(1), promotion(2), back(1, generation=2)):
        ledger.append(move)
    assert ledger.append(promotion(2)).generation == 2
    with pytest.raises(ConflictError, match=r"in quarantine: someone rolled back.*\(better\).*nonce"):
        ledger.append(promotion(3, 3, key="key-2"))
    assert ledger.pointer(MODEL, TIMELINE) == ledger.entries()[-1].to_pointer()
    assert ledger.append(promotion(3, 3)).generation == 4
    assert ledger.verify() == 4


@pytest.mark.parametrize("action", [Action.ROLLBACK, Action.REVERT])
@pytest.mark.parametrize("change", [{"version": 3}, {"manifest_digest": "f" * 64}, {"key": "another"}])
def test_nobody_goes_back_to_what_was_never_live(ledger: Ledger, action: Action, change: dict[str, Any]) -> None:
    ledger.append(promotion(1))
    ledger.append(promotion(2))
    with pytest.raises(ConflictError, match=r"must be to a version that was live there, as it was.*one of: 1\."):
        ledger.append(back(1, action, generation=2, **change))
    assert len(ledger.entries()) == 2


@pytest.mark.parametrize("action", [action for action in Action if action.moves])
def test_every_move_names_the_generation_it_rests_on(ledger: Ledger, action: Action) -> None:
    ledger.append(promotion(1))
    ledger.append(promotion(2))
    with pytest.raises(ConflictError, match=r"must be at generation 1 .*got version 2 \(generation 2"):
        ledger.append(back(1, action, generation=1, lifetime=timedelta(days=1)))
    assert len(ledger.entries()) == 2


def test_a_forced_version_has_an_end_and_a_revert_goes_back_from_it(ledger: Ledger) -> None:
    ledger.append(promotion(1))
    ledger.append(promotion(2))
    with pytest.raises(ConflictError, match="must have a time to live"):
        ledger.append(back(7, Action.FORCE, generation=2))
    forced = ledger.append(back(7, Action.FORCE, generation=2, lifetime=timedelta(days=2, seconds=1)))
    assert forced.expires_at == forced.at + timedelta(days=2, seconds=1)
    assert ledger.standing(MODEL, TIMELINE).champion == forced
    assert [entry.version for entry in ledger.standing(MODEL, TIMELINE).fallbacks()] == [2, 1]
    reverted = ledger.append(back(2, Action.REVERT, generation=3))
    assert (reverted.generation, reverted.previous_version, reverted.expires_at) == (4, 7, None)
    assert ledger.pointer(MODEL, TIMELINE) == reverted.to_pointer()
    standing = ledger.standing(MODEL, TIMELINE)
    assert (dict(standing.quarantined), [entry.version for entry in standing.fallbacks()]) == ({}, [1])
    assert ledger.entries()[2:] == [forced, reverted]
    assert ledger.verify() == 4


def test_forcing_a_version_lifts_its_quarantine(ledger: Ledger) -> None:
    for move in (promotion(1), promotion(2), back(1, generation=2)):
        ledger.append(move)
    ledger.append(back(2, Action.FORCE, generation=3, lifetime=timedelta(days=1)))
    assert not ledger.standing(MODEL, TIMELINE).quarantined


def test_an_adoption_moves_the_pointer_also_back_in_time(ledger: Ledger) -> None:
    ledger.append(promotion(5, 0))
    entry = ledger.append(back(1, Action.ADOPT, generation=1))
    assert (entry.action, entry.generation, entry.as_of) == (Action.ADOPT, 2, month(1))
    assert ledger.pointer(MODEL, TIMELINE) == entry.to_pointer()
    assert ledger.verify() == 2


def test_a_freeze_stops_promotions_of_one_model_on_one_timeline_until_it_is_lifted(ledger: Ledger) -> None:
    ledger.append(promotion(1))
    ledger.append(promotion(2))
    frozen = ledger.append(back(2, Action.FREEZE, generation=2))
    assert (frozen.generation, ledger.standing(MODEL, TIMELINE).freeze) == (None, frozen)
    with pytest.raises(ConflictError, match=r"someone froze promotions on .*\(better\).*retrain unfreeze"):
        ledger.append(promotion(3))
    ledger.append(promotion(1, timeline="simulation", idempotency_key="b"))
    ledger.append(promotion(1, model="other", idempotency_key="c"))
    assert ledger.append(back(1, generation=2)).generation == 3
    lifted = ledger.append(back(2, Action.UNFREEZE, generation=3))
    assert (lifted.generation, ledger.standing(MODEL, TIMELINE).freeze) == (None, None)
    assert ledger.append(promotion(3, 3)).generation == 4
    assert ledger.verify() == 8


def test_a_model_without_a_champion_can_be_frozen(ledger: Ledger) -> None:
    frozen = ledger.append(back(1, Action.FREEZE, generation=0, version=0, key="", manifest_digest=""))
    with pytest.raises(ConflictError, match="someone froze promotions"):
        ledger.append(promotion(1))
    assert (ledger.pointer(MODEL, TIMELINE), ledger.entries()) == (None, [frozen])


def test_who_approved_is_in_the_entry(ledger: Ledger) -> None:
    entry = ledger.append(promotion(1, approver="grace"))
    assert ledger.entries() == [entry]
    assert ledger.standing(MODEL, TIMELINE).champion == entry
    assert (entry.approver, ledger.verify()) == ("grace", 1)


def test_now_is_the_time_that_the_next_entry_is_stamped_with(ledger: Ledger) -> None:
    before = ledger.now()
    entry = ledger.append(promotion(1))
    assert before.utcoffset() == timedelta(0)
    assert before <= entry.at <= ledger.now()


@pytest.mark.parametrize("as_of", [month(5), month(4)])
def test_a_promotion_never_goes_back_in_time(ledger: Ledger, as_of: datetime) -> None:
    ledger.append(promotion(5, generation=0))
    with pytest.raises(ConflictError, match=r"superseded.*version 5 \(generation 1, as of 2013-05-01.*roll back"):
        ledger.append(promotion(6, generation=1, as_of=as_of))
    assert len(ledger.entries()) == 1


def test_timelines_and_models_have_generations_of_their_own_and_share_one_chain(ledger: Ledger) -> None:
    moves = [
        promotion(1),
        promotion(1, timeline="simulation", idempotency_key="b"),
        promotion(1, model="other", idempotency_key="c"),
    ]
    entries = [ledger.append(move) for move in moves]
    assert [(e.seq, e.generation) for e in entries] == [(1, 1), (2, 1), (3, 1)]
    assert ledger.entries(MODEL) == entries[:2]
    assert ledger.entries(MODEL, TIMELINE) == entries[:1]
    assert ledger.entries(timeline=TIMELINE) == [entries[0], entries[2]]
    assert ledger.verify() == 3


def test_a_refused_wish_leaves_no_gap_in_the_sequence(ledger: Ledger) -> None:
    ledger.append(promotion(1))
    for _ in range(3):
        with pytest.raises(ConflictError):
            ledger.append(promotion(9, generation=5))
    assert ledger.append(promotion(2)).seq == 2


def test_an_as_of_in_another_offset_is_kept_as_the_same_instant(ledger: Ledger) -> None:
    local = month(1).astimezone(timezone(timedelta(hours=5, minutes=30)))
    entry = ledger.append(promotion(1, as_of=local))
    assert ledger.entries()[0].as_of.utcoffset() == timedelta(0)
    assert (ledger.entries(), entry.as_of, ledger.verify()) == ([entry], local, 1)


def test_an_as_of_without_an_offset_is_refused(ledger: Ledger) -> None:
    with pytest.raises(ValueError, match="offset"):
        ledger.append(promotion(1, as_of=datetime(2013, 1, 1)))  # noqa: DTZ001
    assert ledger.entries() == []


def test_the_first_promotion_of_a_key_is_found(ledger: Ledger) -> None:
    ledger.append(refusal(1))
    entry = ledger.append(promotion(1))
    ledger.append(promotion(2, key="key-1"))
    assert ledger.entry(MODEL, TIMELINE, "key-1") == entry
    assert ledger.entry(MODEL, TIMELINE, "key-9") is None
    assert ledger.entry(MODEL, "simulation", "key-1") is None


def test_champion_at_answers_by_record_time(ledger: Ledger) -> None:
    first = ledger.append(promotion(1))
    time.sleep(0.005)  # SQLite's clock counts milliseconds
    ledger.append(refusal(3))
    second = ledger.append(promotion(2))
    assert ledger.champion_at(MODEL, TIMELINE, first.at - timedelta(microseconds=1)) is None
    assert ledger.champion_at(MODEL, TIMELINE, first.at) == first
    assert ledger.champion_at(MODEL, TIMELINE, second.at - timedelta(microseconds=1)) == first
    assert ledger.champion_at(MODEL, TIMELINE, second.at + timedelta(days=1)) == second
    assert ledger.champion_at(MODEL, "simulation", second.at) is None


def test_champion_as_of_answers_by_knowledge_time(ledger: Ledger) -> None:
    first, second = ledger.append(promotion(1)), ledger.append(promotion(2))
    assert ledger.champion_as_of(MODEL, TIMELINE, month(1) - timedelta(seconds=1)) is None
    assert ledger.champion_as_of(MODEL, TIMELINE, month(2) - timedelta(seconds=1)) == first
    assert ledger.champion_as_of(MODEL, TIMELINE, month(2)) == second
    assert ledger.champion_as_of(MODEL, "simulation", month(2)) is None


def test_names_are_bound_parameters(ledger: Ledger) -> None:
    for name in (INJECTION, "control"):
        request = RetrainRequest(name, name, month(1), name, actor=name, reason=name, nonce=name)
        ledger.open_retrain(request)
        assert len(ledger.list_earlier_open(replace(request, as_of=month(2)))) == 1
        ledger.record(decision_on(request, reason=name))
        entry = ledger.append(promotion(1, model=name, timeline=name, key=name, idempotency_key=name, reason=name))
        assert ledger.entry(name, name, name) == entry
        assert ledger.pointer(name, name) == entry.to_pointer()
    assert len(ledger.entries(INJECTION)) == len(ledger.entries("control")) == 1
    assert len(ledger.decisions(INJECTION, INJECTION)) == len(ledger.decisions("control", "control")) == 1
    assert ledger.timelines() == sorted([(INJECTION, INJECTION), ("control", "control")])
    assert ledger.verify() == 2


# Retrains and decisions


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
        ("dag:churn/1", month(1)),
        ("dag:churn/3", month(3)),
    ]
    assert all(attempt.opened_at.utcoffset() == timedelta(0) for attempt in found)


def test_a_promote_decision_is_open_until_its_promotion_or_refusal_stands_in_the_ledger(ledger: Ledger) -> None:
    for number, move in ((1, promotion), (2, refusal)):
        request = request_for(number)
        ledger.open_retrain(request)
        challenger = Challenger(f"key-{number}", number, "run", "m-1", "d" * 64)
        verdicts = (Verdict("threshold", Outcome.PASS, "fine", metric="auc"),)
        decision = ledger.record(decision_on(request, choice=Choice.PROMOTE, challenger=challenger, verdicts=verdicts))
        assert [attempt.as_of for attempt in ledger.list_earlier_open(request_for(4))] == [month(number)]
        ledger.append(move(number, decision_id=decision.id))
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
        origin="dag:churn/1",
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
    assert ledger.record(replace(decision, origin="a retry")) == first
    assert ledger.decisions(MODEL, TIMELINE) == [first]


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


def test_a_place_is_taken_once_and_who_comes_second_is_told_so(ledger: Ledger) -> None:
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


def test_a_scorecard_is_stored_with_its_decision(ledger: Ledger, request: pytest.FixtureRequest) -> None:
    slices = (SliceScore("origin", "JFK", 3, {"roc_auc": 0.5}, {}),)
    card = Scorecard(
        "key-1", MODEL, TIMELINE, 9, None, "", None, {"roc_auc": math.nan}, {"roc_auc": 0.5}, "c" * 64, slices=slices
    )
    for number in (1, 2):
        ledger.record(decision_on(request_for(number), scorecard=card.digest), card)
    assert [d.scorecard for d in ledger.decisions(MODEL, TIMELINE)] == [card.digest] * 2
    if isinstance(ledger, SqlLedger):
        with ledger._database.reading() as connection:
            row = connection.execute(select(SCORECARD)).one()
        assert Scorecard.from_json(row.document).digest == row.digest == card.digest


# Tampering


@pytest.mark.parametrize(
    "edit",
    [
        "version = 99",
        "reason = 'another'",
        "actor = 'nobody'",
        "key = 'another'",
        "manifest_digest = 'another'",
        "decision_id = 'another'",
        "idempotency_key = 'another'",
        "previous_version = NULL",
        "generation = NULL",
        "as_of = '2013-02-02 00:00:00.000000'",
        "at = '2013-02-02 00:00:00.000000'",
        "action = 'refuse'",
        "action = 'unheard-of'",
        "previous_hash = 'another'",
        "approver = 'another'",
        "expires_at = '2013-02-02 00:00:00.000000'",
        "hash = 'another'",
    ],
)
def test_an_edited_row_breaks_verification(database: URL, edit: str) -> None:
    ledger = three_promotions(database)
    assert ledger.verify() == 3
    sql(database, f"UPDATE ledger SET {edit} WHERE seq = 2")
    with pytest.raises(IntegrityError, match="2"):
        ledger.verify()


@pytest.mark.parametrize("seq", [1, 2, 3])
def test_a_removed_row_breaks_verification(database: URL, seq: int) -> None:
    ledger = three_promotions(database)
    sql(database, f"DELETE FROM ledger WHERE seq = {seq}")
    with pytest.raises(IntegrityError):
        ledger.verify()


@pytest.mark.parametrize("seq", [0, 4])
def test_an_inserted_row_breaks_verification_however_well_it_is_sealed(database: URL, seq: int) -> None:
    ledger = three_promotions(database)
    last = ledger.entries()[-1]
    previous = last.hash if seq == 4 else GENESIS
    forged = replace(last, seq=seq, generation=4, idempotency_key="forged", previous_hash=previous).sealed()
    with create_engine(database, poolclass=NullPool).begin() as connection:
        connection.execute(insert(LEDGER).values(asdict(forged) | {"action": "promote"}))
    with pytest.raises(IntegrityError):
        ledger.verify()


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE pointer SET version = 1",
        "DELETE FROM pointer",
        "INSERT INTO pointer SELECT model, 'forged', version, manifest_digest, generation, as_of, key FROM pointer",
    ],
)
def test_a_pointer_that_is_not_its_last_move_breaks_verification(database: URL, statement: str) -> None:
    ledger = three_promotions(database)
    sql(database, statement)
    with pytest.raises(IntegrityError, match="pointer"):
        ledger.verify()


def test_no_promotion_follows_an_edited_head_but_a_refusal_is_still_recorded(database: URL) -> None:
    ledger = three_promotions(database)
    sql(database, "UPDATE ledger SET reason = 'another' WHERE seq = 3")
    with pytest.raises(IntegrityError, match="entry 3"):
        ledger.append(promotion(4))
    assert ledger.append(refusal(4)).seq == 4


@pytest.mark.parametrize("edit", ["reason = 'another'", "version = 99", "action = 'refuse'", "hash = ''"])
def test_no_move_follows_an_edited_older_row_of_its_timeline(database: URL, edit: str) -> None:
    ledger = three_promotions(database)
    sql(database, f"UPDATE ledger SET {edit} WHERE seq = 1")
    for move in (
        promotion(4),
        back(2, generation=3),
        back(2, Action.FORCE, generation=3, lifetime=timedelta(days=1)),
        back(3, Action.FREEZE, generation=3),
    ):
        with pytest.raises(IntegrityError, match="an edited entry 1"):
            ledger.append(move)
    assert ledger.append(refusal(4)).seq == 4
    assert ledger.append(promotion(1, timeline="simulation", idempotency_key="b")).seq == 5
    pointer = ledger.pointer(MODEL, TIMELINE)
    assert pointer is not None
    assert pointer.version == 3


@pytest.mark.parametrize("seq", [3, 4])
def test_an_edited_rollback_or_freeze_is_no_way_round_it(database: URL, seq: int) -> None:
    ledger = SqlLedger(database)
    for move in (promotion(1), promotion(2), back(1, generation=2), back(1, Action.FREEZE, generation=3)):
        ledger.append(move)
    ledger.append(promotion(1, model="other", idempotency_key="c"))
    sql(database, f"UPDATE ledger SET action = 'unfreeze' WHERE seq = {seq}")
    with pytest.raises(IntegrityError, match=f"an edited entry {seq}"):
        ledger.append(promotion(3, 3))


def test_no_promotion_moves_an_edited_pointer(database: URL) -> None:
    ledger = three_promotions(database)
    sql(database, "UPDATE pointer SET version = 1")
    with pytest.raises(IntegrityError, match="pointer"):
        ledger.append(promotion(4))
    assert len(ledger.entries()) == 3


# Many at once

CROWD = """
import json, multiprocessing, sys
from datetime import UTC, datetime, timedelta
from retrain.adapters.sql_ledger import SqlLedger, postgresql_url, sqlite_url
from retrain.core.ledger.entries import Action, Move
from retrain.errors import RetrainError

work, url, count, rounds = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
ledger = SqlLedger(url)
if work == "race":
    ledger.pointer("churn", "production")  # used before the fork, as in a warm worker
fork = multiprocessing.get_context("fork")
start, results = fork.Barrier(count), fork.Queue()

def run(number):
    for generation in range(rounds):
        version = generation * count + number
        move = Move(Action.PROMOTE, "churn", "production", version, "f" * 64,
                    datetime(2013, 1, 1, tzinfo=UTC) + timedelta(generation), f"key-{version}", generation, f"{version}")
        start.wait()
        try:
            result = ledger.append(move).version if work == "race" else ledger.migrate()
        except RetrainError as error:
            result = f"{type(error).__name__}: {error}"
        results.put((generation, result))

crowd = [fork.Process(target=run, args=(number,)) for number in range(1, count + 1)]
for process in crowd:
    process.start()
print(json.dumps([results.get(timeout=30) for _ in range(rounds * count)]))
"""


def crowd(work: str, url: URL, count: int, rounds: int = 1) -> list[list[Any]]:
    """Do the work in `count` processes at once, forked from a clean one that has used the database; results by round."""
    address = url.render_as_string(hide_password=False)
    command = [sys.executable, "-c", CROWD, work, address, str(count), str(rounds)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    results = json.loads(done.stdout)
    return [[result for at, result in results if at == number] for number in range(rounds)]


@pytest.mark.integration
def test_of_twelve_racing_processes_one_wins_and_eleven_are_told_so(database: URL) -> None:
    winners = []
    for number, results in enumerate(crowd("race", database, 12, ROUNDS), start=1):
        [winner] = [result for result in results if isinstance(result, int)]
        name = f"version {winner} (generation {number}, "
        assert sum(str(result).startswith("ConflictError") and name in result for result in results) == 11
        winners.append(winner)
    ledger = SqlLedger(database)
    assert [entry.version for entry in ledger.entries()] == winners
    assert ledger.pointer(MODEL, TIMELINE) == ledger.entries()[-1].to_pointer()
    assert ledger.verify() == ROUNDS


def test_of_twelve_racing_threads_one_wins() -> None:
    ledger = MemoryLedger()

    def attempt(version: int) -> bool:
        with suppress(ConflictError):
            return bool(ledger.append(promotion(version, generation=0)))
        return False

    with ThreadPoolExecutor(12) as pool:
        assert sum(pool.map(attempt, range(1, 13))) == 1
    assert ledger.verify() == 1


@pytest.mark.integration
def test_four_processes_may_migrate_at_once(empty_database: URL) -> None:
    assert crowd("migrate", empty_database, 4) == [[None] * 4]
    assert SqlLedger(empty_database).append(promotion(1)).seq == 1


def test_a_writer_that_waits_too_long_for_another_reports_an_outage(
    database: URL, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database_module, "LOCK_SECONDS", 0.1)
    ledger = SqlLedger(database)
    with SqlLedger(database)._database.writing(), pytest.raises(OutageError):
        ledger.append(promotion(1))
    assert ledger.append(promotion(1)).seq == 1


# The database


def test_migration_makes_the_tables_that_the_code_declares(database: URL) -> None:
    with create_engine(database, poolclass=NullPool).connect() as connection:
        context = MigrationContext.configure(connection, opts={"version_table": VERSION_TABLE, "compare_type": True})
        assert compare_metadata(context, METADATA) == []


def test_migrating_again_changes_nothing(database: URL) -> None:
    ledger = three_promotions(database)
    ledger.migrate()
    assert SqlLedger.open(database).verify() == 3


def test_tables_of_a_later_version_are_left_alone(database: URL) -> None:
    sql(database, f"UPDATE {VERSION_TABLE} SET version_num = '9999'")
    with pytest.raises(RetrainError, match="Upgrade airflow-provider-retrain"):
        SqlLedger(database).migrate()


def test_missing_tables_are_told_from_an_outage(empty_database: URL) -> None:
    ledger = SqlLedger(empty_database)
    for use in (ledger.verify, lambda: ledger.append(promotion(1)), lambda: ledger.pointer(MODEL, TIMELINE)):
        with pytest.raises(RetrainError, match="retrain ledger migrate") as caught:
            use()
        assert not isinstance(caught.value, OutageError)


@pytest.mark.parametrize(
    "url",
    [
        "postgresql+psycopg2://someone:hunter2@127.0.0.1:1/ledger",
        "postgresql+psycopg://someone:hunter2@127.0.0.1:1/ledger",
        "sqlite:////nowhere/hunter2/someone.db",
    ],
)
def test_an_outage_says_so_without_saying_who_connects(url: str) -> None:
    with pytest.raises(OutageError, match="must answer") as caught:
        SqlLedger(url).pointer(MODEL, TIMELINE)
    text = "".join(traceback.format_exception(caught.value))
    assert "hunter2" not in text
    assert "someone" not in text
    assert caught.value.__suppress_context__


@pytest.mark.parametrize(
    "url", ["postgresql//u:hunter2@h/x", "postgres://u:hunter2@h/x", "mysql://u:hunter2@h/x", "sqlite://"]
)
def test_an_address_that_cannot_be_used_is_refused_without_showing_it(url: str) -> None:
    with pytest.raises(RetrainError, match="SQLAlchemy URL") as caught:
        SqlLedger(url)
    assert "hunter2" not in str(caught.value)


def test_an_address_made_of_parts_reaches_the_same_database(database: URL) -> None:
    three_promotions(database)
    if database.get_backend_name() == "sqlite":
        url = sqlite_url(str(database.database))
    else:
        folder, name = str(database.query["host"]), str(database.database)
        url = postgresql_url(host=folder, port=None, user=database.username, password="p@ss/word", database=name)
    assert SqlLedger(url).verify() == 3


def test_no_part_of_an_address_is_mistaken_for_another() -> None:
    url = postgresql_url(host="db", port=5433, user="me@here", password="a:b@c/d", database="ledger")
    again = make_url(url.render_as_string(hide_password=False))
    assert (again.host, again.port, again.username, again.password) == ("db", 5433, "me@here", "a:b@c/d")


def test_a_row_that_the_database_refuses_is_not_shown(postgresql: URL) -> None:
    ledger = SqlLedger.open(postgresql)
    with pytest.raises(Exception, match="parameters hidden") as caught:
        ledger.append(promotion(1, version=2**40, reason="hunter2"))
    assert "hunter2" not in str(caught.value)


def test_time_comes_from_the_database_and_order_from_the_sequence(database: URL) -> None:
    engine = create_engine(database, poolclass=NullPool)
    if database.get_backend_name() == "sqlite":
        days = iter(range(28, 0, -1))

        def wrong_clock(connection: Any, _: Any) -> None:
            connection.create_function("strftime", 2, lambda *_: f"2001-02-{next(days):02d} 00:00:00.123")

        event.listen(engine, "connect", wrong_clock)
    else:
        sql(
            database,
            "CREATE SCHEMA fake",
            "CREATE SEQUENCE fake.ticks",
            "CREATE FUNCTION fake.clock_timestamp() RETURNS timestamptz LANGUAGE sql AS"
            " $$ SELECT timestamptz '2001-02-28 00:00:00.123456+00' - nextval('fake.ticks') * interval '1 day' $$",
            f"ALTER DATABASE {database.database} SET search_path = fake, public, pg_catalog",
        )
    ledger = SqlLedger(engine)
    entries = [ledger.append(promotion(version)) for version in (1, 2, 3)]
    assert [entry.at for entry in entries] == sorted((entry.at for entry in entries), reverse=True)
    assert all((entry.at.year, entry.at.month) == (2001, 2) for entry in entries)
    assert ledger.entries() == entries
    assert ledger.verify() == 3
    assert ledger.champion_at(MODEL, TIMELINE, entries[0].at) == entries[2]
    assert require(ledger.record(decision_on(request_for(1))).at) < entries[2].at


def test_an_engine_of_the_caller_keeps_one_writer_at_a_time_too(database: URL) -> None:
    engine = create_engine(database, pool_pre_ping=True)
    ledger = SqlLedger(engine)
    moves = [refusal(1, model=f"model-{number}", idempotency_key=f"{number}") for number in range(40)]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(ledger.append, moves))
    assert ledger.verify() == 40
    assert [entry.seq for entry in ledger.entries()] == list(range(1, 41))
    engine.dispose()


@pytest.mark.parametrize(("now", "then"), [("HOLD", "REJECT"), ("HOLD", "PROMOTE"), ('"reason"', '"reasons"')])
def test_a_decision_that_was_edited_into_another_is_not_believed(database: URL, now: str, then: str) -> None:
    ledger = SqlLedger(database)
    decision = ledger.record(decision_on(request_for(1)))
    changed = f"replace(CAST(document AS TEXT), '{now}', '{then}')"
    sql(
        database,
        f"UPDATE decision SET document = {changed if ledger._database._is_sqlite else f'CAST({changed} AS json)'}",
    )
    for read in (lambda: ledger.decision(decision.id), lambda: ledger.decisions(MODEL, TIMELINE)):
        with pytest.raises(IntegrityError, match="must be the one of its id"):
            read()


def decided(ledger: Ledger, number: int) -> Decision:
    """Record a PROMOTE with an uneven number, and promote by it."""
    verdict = Verdict(
        "threshold", Outcome.PASS, "0.7 keeps its bound", 0.1 + 0.2, 0.1, (1 / 3, 2 / 3), metric="roc_auc"
    )
    challenger = Challenger(f"key-{number}", number, "run", "model", f"{number:064d}")
    decision = ledger.record(
        decision_on(request_for(number), choice=Choice.PROMOTE, challenger=challenger, verdicts=(verdict,))
    )
    ledger.append(promotion(number, decision_id=decision.id, decision_digest=decision.digest))
    return decision


def test_an_entry_holds_the_digest_of_the_decision_that_it_rests_on(ledger: Ledger) -> None:
    first, second = decided(ledger, 1), decided(ledger, 2)
    assert [entry.decision_digest for entry in ledger.entries()] == [first.digest, second.digest]
    assert ledger.decision(first.id).digest == first.digest
    assert ledger.verify() == 2


@pytest.mark.parametrize(
    ("statement", "got"),
    [
        ("UPDATE decision SET document = {changed} WHERE seq = 1", "an edited decision"),
        ("DELETE FROM decision WHERE seq = 1", "no decision"),
    ],
)
def test_a_verdict_that_was_edited_or_a_decision_that_was_removed_breaks_verification(
    database: URL, statement: str, got: str
) -> None:
    ledger = SqlLedger(database)
    decided(ledger, 1)
    decided(ledger, 2)
    changed = "replace(CAST(document AS TEXT), 'keeps its bound', 'beats its bound')"
    changed = changed if database.drivername.startswith("sqlite") else f"CAST({changed} AS json)"
    sql(database, statement.format(changed=changed))
    with pytest.raises(IntegrityError, match=f"must be what it was then; got {got}"):
        ledger.verify()

"""The contract of `Ledger`. What may become champion: rollback, break-glass, adoption, freeze, and what stood when."""

from __future__ import annotations

import time
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from tests.contracts.ledger.moves import (
    INJECTION,
    MODEL,
    TIMELINE,
    acts,
    back,
    carry_out,
    count_verified,
    decision_for,
    decision_on,
    month,
    promote,
    promotion,
    refusal,
    request_for,
    resting_on,
)

from retrain.core.ledger.entries import Action
from retrain.core.ledger.origin import Origin
from retrain.core.ports import Ledger
from retrain.core.request import RetrainRequest
from retrain.errors import ConflictError


def test_an_empty_ledger_has_an_empty_standing(ledger: Ledger) -> None:
    standing = ledger.standing(MODEL, TIMELINE)
    assert (standing.moves, standing.freeze, dict(standing.quarantined)) == ((), None, {})


def test_a_standing_is_of_one_model_and_timeline_and_refusals_do_not_count(ledger: Ledger) -> None:
    first, second = promote(ledger, 1), promote(ledger, 2)
    ledger.append(refusal(3, expected_generation=0))
    promote(ledger, 1, timeline="simulation", idempotency_key="b")
    promote(ledger, 1, model="other", idempotency_key="c")
    standing = ledger.standing(MODEL, TIMELINE)
    assert standing.moves == (first, second)
    assert standing.champion == second
    assert standing.fallbacks() == [first]


def test_a_rollback_moves_the_pointer_forward_to_a_version_that_was_live(ledger: Ledger) -> None:
    first, second = promote(ledger, 1), promote(ledger, 2)
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
    assert count_verified(ledger) == 3


def test_what_a_rollback_left_is_not_promoted_again_and_a_fresh_key_is(ledger: Ledger) -> None:
    for move in (promotion(1), promotion(2), back(1, generation=2)):
        carry_out(ledger, move)
    assert promote(ledger, 2).generation == 2
    with pytest.raises(ConflictError, match=r"in quarantine: someone rolled back.*\(better\).*nonce"):
        promote(ledger, 3, 3, key="key-2")
    assert ledger.pointer(MODEL, TIMELINE) == acts(ledger)[-1].to_pointer()
    assert promote(ledger, 3, 3).generation == 4
    assert count_verified(ledger) == 4


@pytest.mark.parametrize("action", [Action.ROLLBACK, Action.REVERT])
@pytest.mark.parametrize("change", [{"version": 3}, {"manifest_digest": "f" * 64}, {"key": "another"}])
def test_nobody_goes_back_to_what_was_never_live(ledger: Ledger, action: Action, change: dict[str, Any]) -> None:
    promote(ledger, 1)
    promote(ledger, 2)
    with pytest.raises(ConflictError, match=r"must be to a version that was live there, as it was.*one of: 1\."):
        ledger.append(back(1, action, generation=2, **change))
    assert len(acts(ledger)) == 2


@pytest.mark.parametrize("action", [action for action in Action if action.moves])
def test_every_move_names_the_generation_it_rests_on(ledger: Ledger, action: Action) -> None:
    promote(ledger, 1)
    promote(ledger, 2)
    with pytest.raises(ConflictError, match=r"must be at generation 1 .*got version 2 \(generation 2"):
        ledger.append(back(1, action, generation=1, lifetime=timedelta(days=1)))
    assert len(acts(ledger)) == 2


def test_a_forced_version_has_an_end_and_a_revert_goes_back_from_it(ledger: Ledger) -> None:
    promote(ledger, 1)
    promote(ledger, 2)
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
    assert acts(ledger)[2:] == [forced, reverted]
    assert count_verified(ledger) == 4


def test_forcing_a_version_lifts_its_quarantine(ledger: Ledger) -> None:
    for move in (promotion(1), promotion(2), back(1, generation=2)):
        carry_out(ledger, move)
    ledger.append(back(2, Action.FORCE, generation=3, lifetime=timedelta(days=1)))
    assert not ledger.standing(MODEL, TIMELINE).quarantined


def test_an_adoption_may_move_the_pointer_back_in_time(ledger: Ledger) -> None:
    promote(ledger, 5, 0)
    entry = ledger.append(back(1, Action.ADOPT, generation=1))
    assert (entry.action, entry.generation, entry.as_of) == (Action.ADOPT, 2, month(1))
    assert ledger.pointer(MODEL, TIMELINE) == entry.to_pointer()
    assert count_verified(ledger) == 2


def test_a_freeze_stops_promotions_of_one_model_on_one_timeline_until_it_is_lifted(ledger: Ledger) -> None:
    promote(ledger, 1)
    promote(ledger, 2)
    frozen = ledger.append(back(2, Action.FREEZE, generation=2))
    assert (frozen.generation, ledger.standing(MODEL, TIMELINE).freeze) == (None, frozen)
    with pytest.raises(ConflictError, match=r"someone froze promotions on .*\(better\).*retrain unfreeze"):
        promote(ledger, 3)
    promote(ledger, 1, timeline="simulation", idempotency_key="b")
    promote(ledger, 1, model="other", idempotency_key="c")
    assert ledger.append(back(1, generation=2)).generation == 3
    lifted = ledger.append(back(2, Action.UNFREEZE, generation=3))
    assert (lifted.generation, ledger.standing(MODEL, TIMELINE).freeze) == (None, None)
    assert promote(ledger, 3, 3).generation == 4
    assert count_verified(ledger) == 8


def test_a_model_without_a_champion_can_be_frozen(ledger: Ledger) -> None:
    frozen = ledger.append(back(1, Action.FREEZE, generation=0, version=0, key="", manifest_digest=""))
    with pytest.raises(ConflictError, match="someone froze promotions"):
        promote(ledger, 1)
    assert (ledger.pointer(MODEL, TIMELINE), acts(ledger)) == (None, [frozen])


@pytest.mark.parametrize(
    "change", [{}, {"version": 3}, {"manifest_digest": "f" * 64}, {"key": "k"}, {"as_of": month(9)}]
)
def test_a_promotion_rests_on_a_recorded_decision_to_promote_just_that(ledger: Ledger, change: dict[str, Any]) -> None:
    decision = ledger.record(decision_for(promotion(2, 0)))
    if not change:
        decision = ledger.record(decision_on(request_for(2), challenger=decision.challenger))
    with pytest.raises(
        ConflictError, match=r"must rest on a decision .*; got (the decision HOLD|one to promote version 2)"
    ):
        ledger.append(resting_on(decision, promotion(2, 0, **change)))
    assert acts(ledger) == []


def test_no_promotion_rests_on_a_decision_that_is_not_recorded_or_another_digest(ledger: Ledger) -> None:
    decision = decision_for(promotion(1))
    for move in (promotion(1), resting_on(decision, promotion(1))):
        with pytest.raises(ConflictError, match=r"must rest on a decision in the ledger's chain; got none\. Clear"):
            ledger.append(move)
    stored = ledger.record(decision)
    with pytest.raises(ConflictError, match="got a decision that was changed since"):
        ledger.append(resting_on(decision, promotion(1)))
    with pytest.raises(ConflictError, match="got none"):
        ledger.append(resting_on(stored, promotion(1, timeline="simulation")))
    assert ledger.append(resting_on(stored, promotion(1))).seq == 2


def test_who_approved_is_in_the_entry(ledger: Ledger) -> None:
    move = resting_on(ledger.record(decision_for(promotion(1))), promotion(1, approver="grace"))
    approved = ledger.append(replace(move, action=Action.APPROVE, idempotency_key="approve"))
    entry = ledger.append(move)
    assert (approved.generation, acts(ledger)) == (None, [approved, entry])
    assert ledger.standing(MODEL, TIMELINE).champion == entry
    assert (entry.approver, count_verified(ledger)) == ("grace", 2)


@pytest.mark.parametrize("before", ["nothing", "another approver", "another decision", "a refusal since"])
def test_a_promotion_with_an_approver_needs_that_approval_of_that_decision(ledger: Ledger, before: str) -> None:
    move = resting_on(ledger.record(decision_for(promotion(1))), promotion(1, approver="grace"))
    approval = replace(move, action=Action.APPROVE, idempotency_key="approve")
    if before == "another approver":
        ledger.append(replace(approval, approver="ann"))
    elif before == "another decision":
        other = ledger.record(decision_for(promotion(1, idempotency_key="another request")))
        ledger.append(resting_on(other, approval))
    elif before == "a refusal since":
        ledger.append(approval)
        ledger.append(replace(move, action=Action.REFUSE, idempotency_key="refuse", approver=""))
    with pytest.raises(ConflictError, match=r"approval of version 1 .* must be in the ledger; got none by grace"):
        ledger.append(move)
    ledger.append(replace(approval, idempotency_key="approve again"))
    assert ledger.append(move).approver == "grace"
    assert ledger.verify().count == len(ledger.entries())


def test_only_a_recorded_decision_is_approved(ledger: Ledger) -> None:
    approval = promotion(1, action=Action.APPROVE, idempotency_key="approve", approver="grace")
    for move in (approval, resting_on(decision_for(promotion(1)), approval)):
        with pytest.raises(
            ConflictError, match=r"the approve of .* must rest on a decision in the ledger's chain; got none"
        ):
            ledger.append(move)
    assert ledger.entries() == []


def test_now_is_the_time_that_the_next_entry_is_stamped_with(ledger: Ledger) -> None:
    before = ledger.now()
    entry = promote(ledger, 1)
    assert before.utcoffset() == timedelta(0)
    assert before <= entry.at <= ledger.now()


@pytest.mark.parametrize("as_of", [month(5), month(4)])
def test_a_promotion_never_goes_back_in_time(ledger: Ledger, as_of: datetime) -> None:
    promote(ledger, 5, generation=0)
    with pytest.raises(ConflictError, match=r"superseded.*version 5 \(generation 1, as of 2013-05-01.*roll back"):
        promote(ledger, 6, generation=1, as_of=as_of)
    assert len(acts(ledger)) == 1


def test_timelines_and_models_have_generations_of_their_own_and_share_one_chain(ledger: Ledger) -> None:
    moves = [
        promotion(1),
        promotion(1, timeline="simulation", idempotency_key="b"),
        promotion(1, model="other", idempotency_key="c"),
    ]
    entries = [carry_out(ledger, move) for move in moves]
    assert [(e.seq, e.generation) for e in entries] == [(2, 1), (4, 1), (6, 1)]
    assert acts(ledger, MODEL) == entries[:2]
    assert acts(ledger, MODEL, TIMELINE) == entries[:1]
    assert acts(ledger, timeline=TIMELINE) == [entries[0], entries[2]]
    assert count_verified(ledger) == 3


def test_a_refused_move_leaves_no_gap_in_the_sequence(ledger: Ledger) -> None:
    promote(ledger, 1)
    for _ in range(3):
        with pytest.raises(ConflictError, match="must be at generation 5"):
            promote(ledger, 9, generation=5)
    promote(ledger, 2)
    assert [entry.seq for entry in ledger.entries()] == list(range(1, 6))


def test_an_as_of_in_another_offset_is_kept_as_the_same_instant(ledger: Ledger) -> None:
    local = month(1).astimezone(timezone(timedelta(hours=5, minutes=30)))
    entry = promote(ledger, 1, as_of=local)
    assert acts(ledger)[0].as_of.utcoffset() == timedelta(0)
    assert (acts(ledger), entry.as_of, count_verified(ledger)) == ([entry], local, 1)


def test_an_as_of_without_an_offset_is_refused(ledger: Ledger) -> None:
    with pytest.raises(ValueError, match="offset"):
        ledger.append(resting_on(ledger.record(decision_for(promotion(1))), promotion(1, as_of=datetime(2013, 1, 1))))  # noqa: DTZ001
    assert acts(ledger) == []


def test_the_first_promotion_of_a_key_is_found(ledger: Ledger) -> None:
    ledger.append(refusal(1))
    entry = promote(ledger, 1)
    promote(ledger, 2, key="key-1")
    assert ledger.entry(MODEL, TIMELINE, "key-1") == entry
    assert ledger.entry(MODEL, TIMELINE, "key-9") is None
    assert ledger.entry(MODEL, "simulation", "key-1") is None


def test_champion_at_answers_by_record_time(ledger: Ledger) -> None:
    first = promote(ledger, 1)
    time.sleep(0.005)  # SQLite's clock counts milliseconds
    ledger.append(refusal(3))
    second = promote(ledger, 2)
    assert ledger.champion_at(MODEL, TIMELINE, first.at - timedelta(microseconds=1)) is None
    assert ledger.champion_at(MODEL, TIMELINE, first.at) == first
    assert ledger.champion_at(MODEL, TIMELINE, second.at - timedelta(microseconds=1)) == first
    assert ledger.champion_at(MODEL, TIMELINE, second.at + timedelta(days=1)) == second
    assert ledger.champion_at(MODEL, "simulation", second.at) is None


def test_champion_as_of_answers_by_knowledge_time(ledger: Ledger) -> None:
    first, second = promote(ledger, 1), promote(ledger, 2)
    assert ledger.champion_as_of(MODEL, TIMELINE, month(1) - timedelta(seconds=1)) is None
    assert ledger.champion_as_of(MODEL, TIMELINE, month(2) - timedelta(seconds=1)) == first
    assert ledger.champion_as_of(MODEL, TIMELINE, month(2)) == second
    assert ledger.champion_as_of(MODEL, "simulation", month(2)) is None


def test_names_are_bound_parameters(ledger: Ledger) -> None:
    for name in (INJECTION, "control"):
        request = RetrainRequest(
            name, name, month(1), Origin.of_dag_run(name, name), actor=name, reason=name, nonce=name
        )
        ledger.open_retrain(request)
        assert len(ledger.list_earlier_open(replace(request, as_of=month(2)))) == 1
        ledger.record(decision_on(request, reason=name))
        entry = promote(ledger, 1, model=name, timeline=name, key=name, idempotency_key=name, reason=name)
        assert ledger.entry(name, name, name) == entry
        assert ledger.pointer(name, name) == entry.to_pointer()
    assert len(acts(ledger, INJECTION)) == len(acts(ledger, "control")) == 1
    assert len(ledger.decisions(INJECTION, INJECTION)) == len(ledger.decisions("control", "control")) == 2
    assert ledger.timelines() == sorted([(INJECTION, INJECTION), ("control", "control")])
    assert count_verified(ledger) == 2

"""The contract of `Ledger` as a suite: what one process can see. Races and tampering need tests of the implementation's own."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from itertools import pairwise
from typing import Any, Final

from retrain.core.ledger.entries import Action, Head, LedgerEntry, Move
from retrain.core.ledger.origin import Origin
from retrain.core.ledger.step_result import Step, StepResult
from retrain.core.policy.decision import Challenger, Choice, Decision
from retrain.core.policy.gates import Outcome, Verdict
from retrain.core.ports import Ledger
from retrain.core.request import RetrainRequest
from retrain.errors import ConflictError, IntegrityError, NotFoundError
from retrain.testing.promises import check_promises, must_hold, must_raise

__all__ = ["LEDGER_PROMISES", "check_ledger"]

_MODEL: Final = "checked-model"
_TIMELINE: Final = "production"


def check_ledger(make_ledger: Callable[[], Ledger]) -> None:
    """Check that a ledger keeps every promise; run each one alone with `LEDGER_PROMISES`.

    Args:
        make_ledger: Returns a new, empty ledger each time.

    Raises:
        AssertionError: It breaks a promise.
    """
    for promise in LEDGER_PROMISES:
        check_promises([promise], make_ledger())


def begins_empty(ledger: Ledger) -> None:
    """A new ledger has no champion, no decision and no entry, and verifies."""
    must_hold(ledger.pointer(_MODEL, _TIMELINE) is None, "a new ledger must have no champion")
    must_hold(ledger.entries() == [] and ledger.timelines() == [], "a new ledger must have no entry and no timeline")
    must_hold(ledger.verify() == Head(), "a new ledger must verify as 0 entries")
    must_raise(NotFoundError, lambda: ledger.decision("0" * 64), "for a decision that was never recorded")


def tells_the_time(ledger: Ledger) -> None:
    """Its clock has a zone and never goes back."""
    first, second = ledger.now(), ledger.now()
    must_hold(first.utcoffset() is not None, "the ledger's time must have a zone")
    must_hold(first <= second, "the ledger's time must never go back")


def moves_the_pointer(ledger: Ledger) -> None:
    """Each promotion is the next generation and names the version before it."""
    first, second = _promote(ledger, _promotion(1)), _promote(ledger, _promotion(2))
    numbers = [(entry.generation, entry.previous_version) for entry in (first, second)]
    must_hold(numbers == [(1, None), (2, 1)], "promotions must count generations and name the version before")
    pointer = ledger.pointer(_MODEL, _TIMELINE)
    must_hold(pointer is not None and pointer == second.to_pointer(), "the pointer must be the last move")
    entries = ledger.entries(_MODEL, _TIMELINE)
    must_hold([entry for entry in entries if entry.action.moves] == [first, second], "entries must come by sequence")
    must_hold([entry.seq for entry in entries] == [1, 2, 3, 4], "entries must be counted without a gap")
    must_hold(ledger.entry(_MODEL, _TIMELINE, "key-1") == first, "a promotion must be found by its key")


def lets_one_writer_win(ledger: Ledger) -> None:
    """A move that rests on an older generation is a ConflictError and changes nothing."""
    _promote(ledger, _promotion(1))
    must_raise(ConflictError, lambda: _promote(ledger, _promotion(2, expected_generation=0)), "for an older generation")
    must_hold(_count_moves(ledger) == 1, "a refused move must append nothing")
    pointer = ledger.pointer(_MODEL, _TIMELINE)
    must_hold(pointer is not None and pointer.version == 1, "a refused move must leave the champion as it was")


def never_goes_back_in_time(ledger: Ledger) -> None:
    """A challenger whose as-of is not later than the champion's is a ConflictError."""
    _promote(ledger, _promotion(3, expected_generation=0))
    must_raise(ConflictError, lambda: _promote(ledger, _promotion(2, expected_generation=1)), "for an earlier as-of")


def appends_a_move_once(ledger: Ledger) -> None:
    """The same idempotency key again returns the first entry, also after the pointer has moved on."""
    first = _promote(ledger, _promotion(1))
    _promote(ledger, _promotion(2))
    must_hold(_promote(ledger, _promotion(1)) == first, "the same move again must return the first entry")
    must_hold(_count_moves(ledger) == 2, "the same move again must append nothing")


def keeps_timelines_apart(ledger: Ledger) -> None:
    """A move on one timeline leaves another as it is."""
    _promote(ledger, _promotion(1))
    other = _promotion(1, timeline="simulation", idempotency_key="simulated")
    must_hold(_promote(ledger, other).generation == 1, "each timeline must count its own generations")
    others = {entry.timeline for entry in ledger.entries(_MODEL, "simulation")}
    must_hold(others == {"simulation"}, "entries of one timeline must not show another's")


def records_a_refusal(ledger: Ledger) -> None:
    """A refusal is an entry that moves nothing."""
    first = _promote(ledger, _promotion(1))
    entry = ledger.append(replace(_promotion(2), action=Action.REFUSE, idempotency_key="refused"))
    must_hold(entry.generation is None, "a refusal must have no generation")
    must_hold(ledger.pointer(_MODEL, _TIMELINE) == first.to_pointer(), "a refusal must not move the pointer")


def rolls_back_forward(ledger: Ledger) -> None:
    """A rollback is the next generation; the key that it leaves is quarantined."""
    _promote(ledger, _promotion(1))
    _promote(ledger, _promotion(2))
    entry = ledger.append(_promotion(1, action=Action.ROLLBACK, expected_generation=2, idempotency_key="back"))
    must_hold((entry.generation, entry.previous_version) == (3, 2), "a rollback must be the next generation")
    again = _promotion(2, expected_generation=3, idempotency_key="again")
    must_raise(ConflictError, lambda: _promote(ledger, again), "for a key that a rollback left")


def answers_who_was_champion(ledger: Ledger) -> None:
    """By the time of the record, and by the time of the data."""
    before = ledger.now()
    first, second = _promote(ledger, _promotion(1)), _promote(ledger, _promotion(2))
    must_hold(
        ledger.champion_at(_MODEL, _TIMELINE, second.at) == second, "champion_at must be the last move at that time"
    )
    if before < first.at:
        must_hold(ledger.champion_at(_MODEL, _TIMELINE, before) is None, "before the first move there is no champion")
    must_hold(ledger.champion_as_of(_MODEL, _TIMELINE, _month(1)) == first, "champion_as_of must go by the data's time")
    must_hold(ledger.champion_as_of(_MODEL, _TIMELINE, _month(1, year=1999)) is None, "no model knows the past of 1999")


def records_a_decision_once(ledger: Ledger) -> None:
    """A decision is stored with the ledger's time, found by its id, and not stored again."""
    request = _request(1)
    ledger.open_retrain(request)
    ledger.open_retrain(request)
    stored = ledger.record(_decision(request))
    must_hold(stored.at is not None, "a stored decision must have the ledger's time")
    must_hold(ledger.record(_decision(request)) == stored, "a decision again must be the first one")
    must_hold(ledger.decisions(_MODEL, _TIMELINE) == [stored], "a decision must be stored once")
    must_hold(ledger.decision(stored.id) == stored, "a decision must be found by its id, as it was stored")
    must_hold(ledger.timelines() == [(_MODEL, _TIMELINE)], "a timeline with a decision must be listed")


def chains_each_decision(ledger: Ledger) -> None:
    """Whatever was decided is one entry of the chain, with the decision's digest and who requested the retrain."""
    ledger.open_retrain(_request(1))
    stored = ledger.record(_decision(_request(1)))
    ledger.record(_decision(_request(1)))
    entries = [(entry.action, entry.decision_id, entry.decision_digest) for entry in ledger.entries()]
    must_hold(entries == [(Action.DECIDE, stored.id, stored.digest)], "a decision must be recorded by one entry")
    (entry,) = ledger.entries()
    must_hold(entry.generation is None, "the entry of a decision must move nothing")
    told = (entry.actor, entry.reason)
    must_hold(told == ("a suite", "HOLD: to try the ledger"), "the entry must say who requested the retrain, and why")


def promotes_by_a_recorded_decision(ledger: Ledger) -> None:
    """A promotion without a recorded decision to promote just that is a ConflictError."""
    move = _promotion(1)
    must_raise(ConflictError, lambda: ledger.append(move), "for a promotion without a decision")
    stranger = _rest_on(_decision_for(move), move)
    must_raise(ConflictError, lambda: ledger.append(stranger), "for a decision that was never recorded")
    held = _rest_on(ledger.record(_decision(_request(1))), move)
    must_raise(ConflictError, lambda: ledger.append(held), "for a decision that promotes nothing")
    stored = ledger.record(_decision_for(move))
    edited = replace(_rest_on(stored, move), decision_digest="f" * 64)
    must_raise(ConflictError, lambda: ledger.append(edited), "for a decision that was changed since")
    other = replace(_rest_on(stored, move), version=2)
    must_raise(ConflictError, lambda: ledger.append(other), "for another version than the decision's")
    must_hold(ledger.append(_rest_on(stored, move)).generation == 1, "a recorded decision must promote")


def keeps_approvals(ledger: Ledger) -> None:
    """A promotion names an approver only after that approval of that decision; a refusal ends the approval."""
    move = _promotion(1, approver="grace")
    move = _rest_on(ledger.record(_decision_for(move)), move)
    must_raise(ConflictError, lambda: ledger.append(move), "for an approval that is not in the ledger")
    ledger.append(replace(move, action=Action.APPROVE, idempotency_key="approve"))
    approvals = ledger.standing(_MODEL, _TIMELINE).approvals
    must_hold(approvals == {move.decision_digest: "grace"}, "an approval must be found by its decision's digest")
    another = replace(move, approver="ann")
    must_raise(ConflictError, lambda: ledger.append(another), "for another approver")
    ledger.append(replace(move, action=Action.REFUSE, idempotency_key="refuse"))
    must_raise(ConflictError, lambda: ledger.append(move), "for an approval that a refusal ended")
    ledger.append(replace(move, action=Action.APPROVE, idempotency_key="approve again"))
    must_hold(ledger.append(move).approver == "grace", "a promotion must hold who approved it")


def finds_the_result_of_a_step(ledger: Ledger) -> None:
    """What a step recorded is found again, and only exactly that."""
    result = StepResult(Step.TRAIN, "r" * 64, "s" * 64, key="key", version=1)
    must_hold(not ledger.has_result(result), "a result that no step recorded must not be found")
    ledger.record_result(result)
    ledger.record_result(result)
    must_hold(ledger.has_result(replace(result)), "a recorded result must be found")
    others = [replace(result, step=Step.EVALUATE), replace(result, version=2), replace(result, request_id="o" * 64)]
    must_hold(not any(map(ledger.has_result, others)), "another result must not be found")


def knows_what_is_not_settled(ledger: Ledger) -> None:
    """An attempt is open until its decision, and stands before later ones, oldest as-of first."""
    requests = [_request(number) for number in (2, 1)]
    for request in requests:
        ledger.open_retrain(request)
    waiting = [attempt.as_of for attempt in ledger.list_earlier_open(_request(3))]
    must_hold(waiting == [_month(1), _month(2)], "attempts that are not settled must be listed, oldest as-of first")
    ledger.record(_decision(requests[1]))
    waiting = [attempt.as_of for attempt in ledger.list_earlier_open(_request(3))]
    must_hold(waiting == [_month(2)], "an attempt with a decision that promotes nothing must be settled")
    must_hold(ledger.list_earlier_open(requests[1]) == [], "an attempt must not wait for later ones")


def verifies_its_chain(ledger: Ledger) -> None:
    """Every entry holds the hash of the one before, and `verify` counts them."""
    for number in (1, 2, 3):
        _promote(ledger, _promotion(number))
    entries = ledger.entries()
    links = [(entry.previous_hash, former.hash) for former, entry in pairwise(entries)]
    must_hold(all(given == hash_ for given, hash_ in links), "an entry must hold the hash of the one before it")
    must_hold(ledger.verify() == Head.of(entries[-1]), "verify must return the number of entries and the last hash")


def verifies_since_a_head(ledger: Ledger) -> None:
    """A head that the ledger had is verified on from; one that it never had is an IntegrityError."""
    _promote(ledger, _promotion(1))
    head = ledger.verify()
    must_hold(ledger.verify(head) == head, "without new entries, verify must return the head that it was given")
    _promote(ledger, _promotion(2))
    must_hold(ledger.verify(head) == ledger.verify(), "verify must come to the same head from an earlier one")
    for stranger in (replace(head, hash="f" * 64), replace(head, count=head.count + 9)):
        must_raise(IntegrityError, partial(ledger.verify, stranger), "for a head that the ledger never had")


LEDGER_PROMISES: Final[tuple[Callable[[Ledger], None], ...]] = (
    begins_empty,
    tells_the_time,
    moves_the_pointer,
    lets_one_writer_win,
    never_goes_back_in_time,
    appends_a_move_once,
    keeps_timelines_apart,
    records_a_refusal,
    rolls_back_forward,
    answers_who_was_champion,
    records_a_decision_once,
    chains_each_decision,
    promotes_by_a_recorded_decision,
    keeps_approvals,
    finds_the_result_of_a_step,
    knows_what_is_not_settled,
    verifies_its_chain,
    verifies_since_a_head,
)
"""Each takes a new, empty ledger; each raises AssertionError if the promise is broken."""


def _month(number: int, *, year: int = 2013) -> datetime:
    return datetime(year, number, 1, tzinfo=UTC)


def _promotion(number: int, **changes: Any) -> Move:
    """Return the proposed promotion of version `number`, as of that month, after the version before it."""
    move = Move(
        action=Action.PROMOTE,
        model=_MODEL,
        timeline=_TIMELINE,
        version=number,
        manifest_digest=f"{number:064d}",
        as_of=_month(number),
        key=f"key-{number}",
        expected_generation=number - 1,
        idempotency_key=f"promote-{number}",
        actor="a suite",
        reason="to try the ledger",
    )
    return replace(move, **changes)


def _promote(ledger: Ledger, move: Move) -> LedgerEntry:
    """Record a decision to promote, and append the promotion that rests on it."""
    return ledger.append(_rest_on(ledger.record(_decision_for(move)), move))


def _rest_on(decision: Decision, move: Move) -> Move:
    return replace(move, decision_id=decision.id, decision_digest=decision.digest)


def _count_moves(ledger: Ledger) -> int:
    return sum(entry.action.moves for entry in ledger.entries())


def _request(number: int) -> RetrainRequest:
    origin = Origin.of_dag_run(_MODEL, str(number))
    return RetrainRequest(_MODEL, _TIMELINE, _month(number), origin, actor="a suite", reason="to try the ledger")


def _decision(request: RetrainRequest) -> Decision:
    return Decision(
        request_id=request.id,
        model=request.model,
        timeline=request.timeline,
        as_of=request.as_of,
        choice=Choice.HOLD,
        reason="to try the ledger",
        origin=request.origin,
    )


def _decision_for(move: Move) -> Decision:
    """Return the decision that a promotion may rest on."""
    request = replace(_request(move.as_of.month), timeline=move.timeline)
    return replace(
        _decision(request),
        choice=Choice.PROMOTE,
        challenger=Challenger(move.key, move.version, "run", "model", move.manifest_digest),
        champion_generation=move.expected_generation,
        verdicts=(Verdict("threshold", Outcome.PASS, "to try the ledger"),),
    )

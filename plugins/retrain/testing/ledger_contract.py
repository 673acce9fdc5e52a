"""The contract of `Ledger` as a suite: what one process can see. Races and tampering need tests of the implementation's own."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any, Final

from retrain.core.ledger.entries import Action, Head, Move
from retrain.core.ledger.origin import Origin
from retrain.core.policy.decision import Choice, Decision
from retrain.core.ports import Ledger
from retrain.core.request import RetrainRequest
from retrain.errors import ConflictError, NotFoundError
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
    first, second = ledger.append(_promotion(1)), ledger.append(_promotion(2))
    numbers = [(entry.seq, entry.generation, entry.previous_version) for entry in (first, second)]
    must_hold(numbers == [(1, 1, None), (2, 2, 1)], "promotions must count generations and name the version before")
    pointer = ledger.pointer(_MODEL, _TIMELINE)
    must_hold(pointer is not None and pointer == second.to_pointer(), "the pointer must be the last move")
    must_hold(ledger.entries(_MODEL, _TIMELINE) == [first, second], "entries must come by sequence")
    must_hold(ledger.entry(_MODEL, _TIMELINE, "key-1") == first, "a promotion must be found by its key")


def lets_one_writer_win(ledger: Ledger) -> None:
    """A move that rests on an older generation is a ConflictError and changes nothing."""
    ledger.append(_promotion(1))
    must_raise(ConflictError, lambda: ledger.append(_promotion(2, expected_generation=0)), "for an older generation")
    must_hold(len(ledger.entries()) == 1, "a refused move must append nothing")
    pointer = ledger.pointer(_MODEL, _TIMELINE)
    must_hold(pointer is not None and pointer.version == 1, "a refused move must leave the champion as it was")


def never_goes_back_in_time(ledger: Ledger) -> None:
    """A challenger whose as-of is not later than the champion's is a ConflictError."""
    ledger.append(_promotion(3, expected_generation=0))
    must_raise(ConflictError, lambda: ledger.append(_promotion(2, expected_generation=1)), "for an earlier as-of")


def appends_a_move_once(ledger: Ledger) -> None:
    """The same idempotency key again returns the first entry, also after the pointer has moved on."""
    first = ledger.append(_promotion(1))
    ledger.append(_promotion(2))
    must_hold(ledger.append(_promotion(1)) == first, "the same move again must return the first entry")
    must_hold(len(ledger.entries()) == 2, "the same move again must append nothing")


def keeps_timelines_apart(ledger: Ledger) -> None:
    """A move on one timeline leaves another as it is."""
    ledger.append(_promotion(1))
    other = _promotion(1, timeline="simulation", idempotency_key="simulated")
    must_hold(ledger.append(other).generation == 1, "each timeline must count its own generations")
    must_hold(len(ledger.entries(_MODEL, "simulation")) == 1, "entries of one timeline must not show another's")


def records_a_refusal(ledger: Ledger) -> None:
    """A refusal is an entry that moves nothing."""
    first = ledger.append(_promotion(1))
    entry = ledger.append(replace(_promotion(2), action=Action.REFUSE, idempotency_key="refused"))
    must_hold(entry.generation is None, "a refusal must have no generation")
    must_hold(ledger.pointer(_MODEL, _TIMELINE) == first.to_pointer(), "a refusal must not move the pointer")


def rolls_back_forward(ledger: Ledger) -> None:
    """A rollback is the next generation; the key that it leaves is quarantined."""
    ledger.append(_promotion(1))
    ledger.append(_promotion(2))
    entry = ledger.append(_promotion(1, action=Action.ROLLBACK, expected_generation=2, idempotency_key="back"))
    must_hold((entry.generation, entry.previous_version) == (3, 2), "a rollback must be the next generation")
    again = _promotion(2, expected_generation=3, idempotency_key="again")
    must_raise(ConflictError, lambda: ledger.append(again), "for a key that a rollback left")


def answers_who_was_champion(ledger: Ledger) -> None:
    """By the time of the record, and by the time of the data."""
    before = ledger.now()
    first, second = ledger.append(_promotion(1)), ledger.append(_promotion(2))
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
        ledger.append(_promotion(number))
    entries = ledger.entries()
    links = [(entry.previous_hash, former.hash) for former, entry in pairwise(entries)]
    must_hold(all(given == hash_ for given, hash_ in links), "an entry must hold the hash of the one before it")
    must_hold(ledger.verify() == 3, "verify must return how many entries there are")


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
    knows_what_is_not_settled,
    verifies_its_chain,
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


def _request(number: int) -> RetrainRequest:
    return RetrainRequest(_MODEL, _TIMELINE, _month(number), Origin.of_dag_run(_MODEL, str(number)))


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

"""The queries of the ledger, each on a connection that the caller holds."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, func, insert, select, update

from retrain.adapters.sql_ledger.tables import DECISION, HEAD, LEDGER, POINTER, RETRAIN, SCORECARD, STEP_RESULT, WHOLE
from retrain.core.evaluation.scorecard import Scorecard
from retrain.core.ledger.entries import Action, Head, LedgerEntry, Pointer
from retrain.core.ledger.standing import Standing
from retrain.core.ledger.step_result import StepResult
from retrain.core.policy.decision import Choice, Decision
from retrain.core.policy.error_control import PastTest
from retrain.errors import IntegrityError

__all__ = [
    "add_entry",
    "add_result",
    "check_pointer",
    "count_tests",
    "decision_row",
    "find_decision",
    "find_entries",
    "find_head",
    "find_heads",
    "find_pointer",
    "find_requester",
    "find_scorecards",
    "find_standing",
    "find_tests",
    "first_entry",
    "has_result",
    "head",
    "keep_scorecard",
    "last_move",
    "move_head",
    "move_pointer",
    "to_decision",
    "to_entry",
    "to_pointer",
    "to_scorecard",
]


def find_decision(connection: Connection, decision_id: str) -> Decision | None:
    """Return a decision by its id."""
    document = connection.execute(select(DECISION.c.document).where(DECISION.c.id == decision_id)).scalar_one_or_none()
    return None if document is None else to_decision(document, decision_id)


def to_decision(document: dict[str, Any], decision_id: str) -> Decision:
    """Return the decision of a document.

    Raises:
        IntegrityError: Its content does not match that id.
    """
    try:
        decision = Decision.from_json(document)
        intact = decision.id == decision_id
    except (LookupError, TypeError, ValueError):
        intact = False
    if not intact:
        raise IntegrityError(
            "a stored decision must be the one of its id",
            got=f"another one in {decision_id[:12]}",
            fix="Upgrade this package if a later one wrote it; else stop promotions until it is explained, and restore the row "
            "from a backup.",
        )
    return decision


def decision_row(decision: Decision) -> dict[str, Any]:
    """Return the row of a stored decision."""
    names = ("id", "request_id", "model", "timeline", "as_of", "scorecard", "at")
    row = {name: getattr(decision, name) for name in names}
    test = decision.past_test
    if test is not None and decision.allotment is not None:
        row |= {"sequence": decision.allotment.sequence, "place": test.place, "level": test.level, "test": test.test}
    document = decision.to_json()
    row |= {name: document[name] for name in ("challenger_value", "opponent_value", "opponent")}  # finite, or null
    return row | {"choice": decision.choice.value, "document": document}


def find_tests(connection: Connection, sequence: str) -> list[PastTest]:
    """Return the tests of a sequence of error control by place."""
    found = DECISION.c
    query = select(found.test, found.place, found.as_of, found.level, found.choice == Choice.PROMOTE.value)
    rows = connection.execute(query.where(found.sequence == sequence).order_by(found.place))
    return [PastTest(test, place, as_of, level, bool(promoted)) for test, place, as_of, level, promoted in rows]


def count_tests(connection: Connection, sequence: str) -> int:
    """Return how many places of a sequence are taken."""
    query = select(func.count()).select_from(DECISION).where(DECISION.c.sequence == sequence)
    return connection.execute(query).scalar_one()


def keep_scorecard(connection: Connection, scorecard: Scorecard, at: datetime) -> None:
    """Store a scorecard, once per digest."""
    digest = scorecard.digest
    if connection.execute(select(SCORECARD.c.digest).where(SCORECARD.c.digest == digest)).first() is None:
        names = ("digest", "key", "model", "timeline")
        row = {name: getattr(scorecard, name) for name in names} | {"document": scorecard.to_json(), "at": at}
        connection.execute(insert(SCORECARD).values(row))


def to_scorecard(document: dict[str, Any], digest: str) -> Scorecard:
    """Return the scorecard of a document.

    Raises:
        IntegrityError: Its content does not match that digest.
    """
    try:
        scorecard = Scorecard.from_json(document)
        intact = scorecard.digest == digest
    except (LookupError, TypeError, ValueError):
        intact = False
    if not intact:
        raise IntegrityError(
            "a stored scorecard must be the one of its digest",
            got=f"another one in {digest[:12]}",
            fix="Stop promotions until it is explained; restore the row from a backup.",
        )
    return scorecard


def find_scorecards(connection: Connection, model: str, timeline: str, before: datetime, most: int) -> list[Scorecard]:
    """Return the scorecards of the last decided retrains with an as-of before `before`, the oldest as-of first.

    Raises:
        IntegrityError: One was altered.
    """
    query = (
        select(SCORECARD.c.document, SCORECARD.c.digest)
        .join(DECISION, DECISION.c.scorecard == SCORECARD.c.digest)
        .where(DECISION.c.model == model, DECISION.c.timeline == timeline, DECISION.c.as_of < before)
        .order_by(DECISION.c.as_of.desc(), DECISION.c.seq.desc())
        .limit(most)
    )
    return [to_scorecard(document, digest) for document, digest in reversed(connection.execute(query).all())]


def to_entry(row: Row[Any]) -> LedgerEntry:
    """Return the entry of a ledger row.

    Raises:
        IntegrityError: This version does not know its action.
    """
    try:
        return LedgerEntry(**{**row._mapping, "action": Action(row.action)})
    except ValueError:
        raise IntegrityError(
            "a ledger entry must record a known action",
            got=f"another one in entry {row.seq}",
            fix="Upgrade this package if a later one wrote it; else stop promotions until it is explained.",
        ) from None


def add_entry(connection: Connection, entry: LedgerEntry) -> None:
    """Store a sealed entry."""
    # The plain value: one driver writes an enum's name.
    connection.execute(insert(LEDGER).values(asdict(entry) | {"action": entry.action.value}))


def first_entry(connection: Connection, *conditions: ColumnElement[bool]) -> LedgerEntry | None:
    """Return the entry with the lowest sequence number that meets the conditions."""
    row = connection.execute(select(LEDGER).where(*conditions).order_by(LEDGER.c.seq).limit(1)).first()
    return to_entry(row) if row else None


def head(connection: Connection) -> LedgerEntry | None:
    """Return the last entry of the whole ledger."""
    row = connection.execute(select(LEDGER).order_by(LEDGER.c.seq.desc()).limit(1)).first()
    return to_entry(row) if row else None


def last_move(
    connection: Connection, model: str, timeline: str, *conditions: ColumnElement[bool]
) -> LedgerEntry | None:
    """Return the last move of a pointer that meets the conditions."""
    of_timeline = (LEDGER.c.model == model, LEDGER.c.timeline == timeline, LEDGER.c.generation.is_not(None))
    # By generation, which rises with the sequence: that is what the unique index is ordered by.
    query = select(LEDGER).where(*of_timeline, *conditions).order_by(LEDGER.c.generation.desc()).limit(1)
    row = connection.execute(query).first()
    return to_entry(row) if row else None


def find_entries(connection: Connection, model: str, timeline: str) -> list[LedgerEntry]:
    """Return all entries of a model and timeline by sequence."""
    of_timeline = (LEDGER.c.model == model, LEDGER.c.timeline == timeline)
    rows = connection.execute(select(LEDGER).where(*of_timeline).order_by(LEDGER.c.seq))
    return [to_entry(row) for row in rows]


def find_standing(connection: Connection, model: str, timeline: str) -> Standing:
    """Add up the entries of a model and timeline."""
    return Standing.of(find_entries(connection, model, timeline))


def find_head(connection: Connection, model: str = WHOLE, timeline: str = WHOLE) -> Head:
    """Return how far the ledger wrote: in all, or for a model and timeline."""
    of_timeline = (HEAD.c.model == model, HEAD.c.timeline == timeline)
    row = connection.execute(select(HEAD.c.entries, HEAD.c.hash).where(*of_timeline)).first()
    return Head(row[0], row[1]) if row else Head()


def find_heads(connection: Connection) -> dict[tuple[str, str], Head]:
    """Return how far the ledger wrote, by model and timeline, and in all by `WHOLE`."""
    return {(row.model, row.timeline): Head(row.entries, row.hash) for row in connection.execute(select(HEAD))}


def move_head(connection: Connection, head: Head, model: str = WHOLE, timeline: str = WHOLE) -> None:
    """Note how far the ledger wrote."""
    of_timeline = (HEAD.c.model == model, HEAD.c.timeline == timeline)
    row = {"entries": head.count, "hash": head.hash}
    if connection.execute(update(HEAD).where(*of_timeline).values(row)).rowcount == 0:
        connection.execute(insert(HEAD).values(row | {"model": model, "timeline": timeline}))


def has_result(connection: Connection, result: StepResult) -> bool:
    """Return whether a step recorded a result."""
    return (
        connection.execute(select(STEP_RESULT.c.digest).where(STEP_RESULT.c.digest == result.digest)).first()
        is not None
    )


def add_result(connection: Connection, result: StepResult, at: datetime) -> None:
    """Store a result."""
    row = {"digest": result.digest, "request_id": result.request_id, "step": result.step.value, "at": at}
    connection.execute(insert(STEP_RESULT).values(row | {"document": result.to_json()}))


def find_requester(connection: Connection, request_id: str) -> tuple[str, str]:
    """Return who requested a retrain and why; two empty texts if the ledger does not know the request."""
    row = connection.execute(select(RETRAIN.c.actor, RETRAIN.c.reason).where(RETRAIN.c.id == request_id)).first()
    return (row.actor, row.reason) if row else ("", "")


def find_pointer(connection: Connection, model: str, timeline: str) -> Pointer | None:
    """Return the pointer to the champion."""
    row = connection.execute(select(POINTER).where(POINTER.c.model == model, POINTER.c.timeline == timeline)).first()
    return to_pointer(row) if row else None


def to_pointer(row: Row[Any]) -> Pointer:
    """Return the pointer of a pointer row."""
    return Pointer(**row._mapping)


def move_pointer(connection: Connection, champion: LedgerEntry | None, pointer: Pointer) -> None:
    """Move a pointer from where `champion` set it.

    Raises:
        IntegrityError: It was not there.
    """
    stands = champion.to_pointer() if champion else None
    check_pointer(pointer.model, pointer.timeline, find_pointer(connection, pointer.model, pointer.timeline), stands)
    if stands is None:
        connection.execute(insert(POINTER).values(asdict(pointer)))
    else:
        of_timeline = (POINTER.c.model == pointer.model, POINTER.c.timeline == pointer.timeline)
        connection.execute(update(POINTER).where(*of_timeline).values(asdict(pointer)))


def check_pointer(model: str, timeline: str, pointer: Pointer | None, last_move: Pointer | None) -> None:
    """Check that a pointer is what its last move set.

    Raises:
        IntegrityError: It is not.
    """
    if pointer != last_move:
        raise IntegrityError(
            "each pointer must be its last move in the ledger",
            got=f"a pointer of {model} on {timeline} that is not",
            fix="Stop promotions until it is explained; the ledger's entries say what the pointer was.",
        )

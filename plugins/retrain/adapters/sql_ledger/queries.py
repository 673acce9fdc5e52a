"""The queries of the ledger, each on a connection that the caller holds."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import asdict
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, func, insert, or_, select, update

from retrain.adapters.sql_ledger.tables import DECISION, LEDGER, POINTER, SCORECARD
from retrain.core.digest import digest_json
from retrain.core.evaluation.scorecard import Scorecard
from retrain.core.ledger.entries import Action, LedgerEntry, Pointer
from retrain.core.ledger.standing import Standing
from retrain.core.policy.decision import Choice, Decision
from retrain.core.policy.error_control import PastTest
from retrain.errors import IntegrityError

__all__ = [
    "add_entry",
    "check_pointer",
    "count_tests",
    "decision_digests",
    "decision_row",
    "find_decision",
    "find_pointer",
    "find_standing",
    "find_tests",
    "first_entry",
    "head",
    "keep_scorecard",
    "last_move",
    "move_pointer",
    "noting",
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


def decision_digests(connection: Connection, wanted: Collection[str]) -> dict[str, str]:
    """Return the digest of each stored decision among the wanted ids, of its document as it is now."""
    streamed = select(DECISION.c.id, DECISION.c.document).execution_options(yield_per=1000)
    with connection.execute(streamed) as rows:
        return {row.id: digest_json(row.document) for row in rows if row.id in wanted}


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


def find_standing(connection: Connection, model: str, timeline: str) -> Standing:
    """Add up the entries of a model and timeline; refusals, of which there may be many, change nothing."""
    # By generation too: a move that was edited into a refusal must be seen.
    counts = or_(LEDGER.c.action != Action.REFUSE.value, LEDGER.c.generation.is_not(None))
    of_timeline = (LEDGER.c.model == model, LEDGER.c.timeline == timeline, counts)
    return Standing.of(map(to_entry, connection.execute(select(LEDGER).where(*of_timeline).order_by(LEDGER.c.seq))))


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


def noting(
    entries: Iterable[LedgerEntry], last_moves: dict[tuple[str, str], Pointer], rested_on: dict[str, str]
) -> Iterator[LedgerEntry]:
    """Yield the entries, writing down where each pointer must be after the last, and the digests of decisions by id."""
    for entry in entries:
        if entry.decision_digest:
            rested_on[entry.decision_id] = entry.decision_digest
        if entry.generation is not None:
            last_moves[entry.model, entry.timeline] = entry.to_pointer()
        yield entry


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

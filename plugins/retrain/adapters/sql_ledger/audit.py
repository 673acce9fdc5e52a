"""Verification of a SQL ledger: its entries replayed, and every other table held against them."""

from __future__ import annotations

from collections.abc import Collection, Generator
from contextlib import closing
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Column, ColumnElement, Connection, Row, Select, select, true

from retrain.adapters.sql_ledger import queries
from retrain.adapters.sql_ledger.tables import DECISION, LEDGER, POINTER, RETRAIN, WHOLE
from retrain.core.digest import digest_json
from retrain.core.ledger.entries import Action, Head, LedgerEntry, check_decisions, join_choice
from retrain.core.ledger.origin import Origin
from retrain.core.ledger.replay import LedgerReplay
from retrain.core.request import RetrainRequest
from retrain.errors import IntegrityError

__all__ = ["audit"]

_ROWS: Final = 1000
"""How many rows are in memory at a time."""
_IDS: Final = 500
"""How many ids one query names."""
_COPIED: Final = (
    "request_id",
    "model",
    "timeline",
    "choice",
    "challenger_value",
    "opponent_value",
    "opponent",
    "scorecard",
)
_COPIED_OF_TEST: Final = ("sequence", "place", "level", "test")
"""The columns beside a decision's document that say the same as it."""


def audit(connection: Connection, since: Head | None) -> Head:
    """Check the ledger on a connection that sees one moment; return the head.

    Raises:
        IntegrityError: Something was altered, added or removed.
    """
    replay = LedgerReplay()
    rest: ColumnElement[bool] = true()
    if since is not None:
        with closing(_stream(connection, LEDGER.c.seq <= since.count)) as before:
            replay = LedgerReplay(since, before)
        rest = LEDGER.c.seq > since.count
    recorded: dict[str, LedgerEntry] = {}
    with closing(_stream(connection, rest)) as entries:
        for entry in entries:
            replay.check(entry)
            if entry.action is Action.DECIDE:
                recorded[entry.decision_id] = entry
    _check_heads(replay, queries.find_heads(connection))
    _check_pointers(connection, replay)
    _check_decisions(connection, replay, recorded, whole=since is None)
    _check_requests(connection, recorded)
    return replay.head


def _stream(connection: Connection, condition: ColumnElement[bool]) -> Generator[LedgerEntry]:
    """Yield entries; close it, because SQLite keeps its lock until the last row is read or the query is closed."""
    query = select(LEDGER).where(condition).order_by(LEDGER.c.seq)
    with connection.execute(query.execution_options(yield_per=_ROWS)) as rows:
        yield from map(queries.to_entry, rows)


def _check_heads(replay: LedgerReplay, heads: dict[tuple[str, str], Head]) -> None:
    expected = replay.tips | ({(WHOLE, WHOLE): replay.head} if replay.head.count else {})
    for key in sorted(expected.keys() | heads.keys()):
        if expected.get(key) != heads.get(key):
            raise IntegrityError(
                "the ledger must end with the entry that it wrote last",
                got=f"another end {'in all' if key == (WHOLE, WHOLE) else f'of {key[0]} on {key[1]}'}",
                fix="Compare with your last export; stop promotions until it is explained.",
            )


def _check_pointers(connection: Connection, replay: LedgerReplay) -> None:
    stored = {(row.model, row.timeline): queries.to_pointer(row) for row in connection.execute(select(POINTER))}
    expected = replay.pointers
    for key in sorted(expected.keys() | stored.keys()):
        queries.check_pointer(key[0], key[1], stored.get(key), expected.get(key))


def _check_decisions(
    connection: Connection, replay: LedgerReplay, recorded: dict[str, LedgerEntry], *, whole: bool
) -> None:
    """Check each decision that an entry records or rests on; in a whole check also that no other one was added."""
    first = min((entry.at for entry in recorded.values()), default=None)
    digests: dict[str, str] = {}
    with closing(_all_decisions(connection) if whole else _decisions_of(connection, replay.decisions)) as rows:
        for row in rows:
            digests[row.id] = digest_json(row.document)
            if row.id not in recorded and first is not None and whole and row.at >= first:
                raise _strange_decision(row, "one without an entry")
            if digests[row.id] == replay.decisions.get(row.id) and not _agrees_with_document(row):
                raise _strange_decision(row, "one whose columns differ from its document")
    check_decisions(replay.decisions, digests)


def _all_decisions(connection: Connection) -> Generator[Row[Any]]:
    with connection.execute(select(DECISION).execution_options(yield_per=_ROWS)) as rows:
        yield from rows


def _decisions_of(connection: Connection, names: Collection[str]) -> Generator[Row[Any]]:
    return _in_parts(connection, select(DECISION), DECISION.c.id, names)


def _agrees_with_document(row: Row[Any]) -> bool:
    """Return whether the columns that decisions are searched by say what the document says."""
    document, found = row.document, row._mapping
    given = document.get("allotment") or {}
    test = given if given.get("place") is not None else {}
    expected = {name: document[name] for name in _COPIED} | {name: test.get(name) for name in _COPIED_OF_TEST}
    instants = all(found[name] == datetime.fromisoformat(document[name]) for name in ("as_of", "at"))
    return instants and all(found[name] == value for name, value in expected.items())


def _strange_decision(row: Row[Any], got: str) -> IntegrityError:
    return IntegrityError(
        "each stored decision must have an entry in the ledger, and columns that agree with its document",
        got=f"{got} (decision {row.id[:12]})",
        fix="Stop promotions until it is explained; something else than the ledger wrote it.",
    )


def _check_requests(connection: Connection, recorded: dict[str, LedgerEntry]) -> None:
    """Check who requested each recorded decision, and why."""
    joined = select(RETRAIN, DECISION.c.id.label("decision"), DECISION.c.choice).join(
        RETRAIN, DECISION.c.request_id == RETRAIN.c.id
    )
    rows = {row.decision: row for row in _in_parts(connection, joined, DECISION.c.id, recorded)}
    for decision_id, entry in recorded.items():
        row = rows.get(decision_id)
        if (entry.actor and row is None) or (row is not None and not _agrees(row, entry)):
            raise IntegrityError(
                "each request of a recorded decision must be what it was",
                got=f"another one, or none, behind entry {entry.seq} ({entry.model}, {entry.timeline})",
                fix="Compare with a backup; stop promotions until it is explained.",
            )


def _agrees(row: Row[Any], entry: LedgerEntry) -> bool:
    try:
        request = RetrainRequest(row.model, row.timeline, row.as_of, Origin.parse(row.origin), nonce=row.nonce)
    except ValueError:
        return False
    described = join_choice(row.choice, row.reason)
    return request.id == row.id and (row.actor, described) == (entry.actor, entry.reason)


def _in_parts(
    connection: Connection, query: Select[Any], column: Column[str], names: Collection[str]
) -> Generator[Row[Any]]:
    """Yield the rows whose column holds one of the names, by queries of a bounded length."""
    wanted = sorted(names)
    for first in range(0, len(wanted), _IDS):
        yield from connection.execute(query.where(column.in_(wanted[first : first + _IDS]))).all()

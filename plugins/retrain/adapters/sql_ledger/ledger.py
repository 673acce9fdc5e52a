"""The `Ledger` port over a SQL database: every write is one transaction of the one writer."""

from __future__ import annotations

from dataclasses import asdict, replace
from datetime import datetime
from typing import Final, Self

from sqlalchemy import URL, Connection, Engine, column, insert, or_, select, table

from retrain.adapters.sql_ledger import queries
from retrain.adapters.sql_ledger.attempts import AttemptLog
from retrain.adapters.sql_ledger.audit import audit
from retrain.adapters.sql_ledger.database import Database
from retrain.adapters.sql_ledger.overview import LedgerOverview
from retrain.adapters.sql_ledger.tables import DECISION, LEDGER, RETRAIN, REVISION, VERSION_TABLE
from retrain.core.evaluation.scorecard import Scorecard
from retrain.core.ledger.entries import Action, Head, LedgerEntry, Move, Pointer
from retrain.core.ledger.origin import Origin
from retrain.core.ledger.rules import check_intact, confirm_same_move, entry_for
from retrain.core.ledger.standing import Standing
from retrain.core.ledger.step_result import StepResult
from retrain.core.policy.decision import Choice, Decision, propose_record
from retrain.core.policy.error_control import PastTest
from retrain.core.ports import OpenRetrain
from retrain.core.ratings import MOST_WINDOWS, Measurement
from retrain.core.request import RetrainRequest
from retrain.errors import IntegrityError, NotFoundError, OutageError, RetrainError

__all__ = ["SqlLedger"]

_SETTLING: Final = (Action.PROMOTE.value, Action.REFUSE.value)
"""The entries after which a PROMOTE decision is carried out, or is not going to be."""


class SqlLedger:
    """The ledger in PostgreSQL, or in a SQLite file.

    Every method may raise `OutageError` if the database does not answer, and `RetrainError` if it has no tables.

    Args:
        url_or_engine: A SQLAlchemy URL, or an engine that the caller made.
        **limits: The limits of `Database`.

    Attributes:
        overview: Reads for many models at once, for the pages and the command line.
        attempts: The requests of users over the pages' API.
    """

    def __init__(self, url_or_engine: str | URL | Engine, **limits: int) -> None:
        self._database = Database(url_or_engine, **limits)
        self.overview = LedgerOverview(self._database)
        self.attempts = AttemptLog(self._database)

    @classmethod
    def open(cls, url_or_engine: str | URL | Engine) -> Self:
        """Return a ledger whose tables are made or brought up to date."""
        ledger = cls(url_or_engine)
        if not ledger._is_current():
            ledger.migrate()
        return ledger

    def _is_current(self) -> bool:
        """Return whether the tables are those of this version; Alembic, which knows more, takes a third of a second."""
        try:
            with self._database.reading() as connection:
                found = connection.execute(select(column("version_num")).select_from(table(VERSION_TABLE))).scalar()
        except OutageError:
            raise
        except RetrainError:
            return False
        return found == REVISION

    def migrate(self) -> None:
        """Make the tables or bring them up to date; any number of processes may do so at once."""
        from retrain.adapters.sql_ledger.migrations import upgrade

        with self._database.writing() as connection:
            upgrade(connection)

    def open_retrain(self, request: RetrainRequest) -> None:
        """Note that an attempt began; a repeated call changes nothing."""
        with self._database.writing() as connection:
            if connection.execute(select(RETRAIN.c.id).where(RETRAIN.c.id == request.id)).first() is None:
                known = {"id": request.id, "origin": str(request.origin), "opened_at": self._database.now(connection)}
                connection.execute(insert(RETRAIN).values(asdict(request) | known))

    def list_earlier_open(self, request: RetrainRequest) -> list[OpenRetrain]:
        """Return attempts on the same model and timeline with an earlier as-of that are not settled, oldest as-of first."""
        decided = select(DECISION.c.seq).where(DECISION.c.request_id == RETRAIN.c.id)
        appended = select(LEDGER.c.seq).where(LEDGER.c.decision_id == DECISION.c.id, LEDGER.c.action.in_(_SETTLING))
        pending = decided.where(DECISION.c.choice == Choice.PROMOTE.value, ~appended.exists())
        query = (
            select(RETRAIN.c.origin, RETRAIN.c.as_of, RETRAIN.c.opened_at)
            .where(RETRAIN.c.model == request.model, RETRAIN.c.timeline == request.timeline)
            .where(RETRAIN.c.as_of < request.as_of)
            .where(or_(~decided.exists(), pending.exists()))
            .order_by(RETRAIN.c.as_of, RETRAIN.c.opened_at)
        )
        with self._database.reading() as connection:
            return [
                OpenRetrain(Origin.parse(row.origin), row.as_of, row.opened_at) for row in connection.execute(query)
            ]

    def record(self, decision: Decision, scorecard: Scorecard | None = None) -> Decision:
        """Store a decision (and its scorecard), its entry in the chain, and close its attempt; return it as stored.

        If a decision with the same id is stored already, return that one.

        Raises:
            ConflictError: Its sequence of tests has grown since it was allotted its error.
            IntegrityError: One with the same id is stored that is on another challenger, and that no entry records.
        """
        with self._database.writing() as connection:
            found = queries.find_decision(connection, decision.id)
            stored = found or self._store(connection, decision, scorecard)
            actor, reason = queries.find_requester(connection, stored.request_id)
            move = propose_record(stored, actor=actor, reason=reason)
            if queries.first_entry(connection, LEDGER.c.idempotency_key == move.idempotency_key) is None:
                _check_challenger(stored, decision)  # only a version before stored decisions without an entry
                self._append(connection, move)
            return stored

    def _store(self, connection: Connection, decision: Decision, scorecard: Scorecard | None) -> Decision:
        if decision.allotment is not None:
            decision.allotment.check_place(queries.count_tests(connection, decision.allotment.sequence))
        now = self._database.now(connection)
        stored = Decision.from_json(replace(decision, at=now).to_json())
        connection.execute(insert(DECISION).values(queries.decision_row(stored)))
        if scorecard is not None:
            queries.keep_scorecard(connection, scorecard, now)
        return stored

    def record_result(self, result: StepResult) -> None:
        """Store what a step made; a repeated call changes nothing."""
        with self._database.writing() as connection:
            if not queries.has_result(connection, result):
                queries.add_result(connection, result, self._database.now(connection))

    def has_result(self, result: StepResult) -> bool:
        """Return whether a step recorded exactly this result."""
        with self._database.reading() as connection:
            return queries.has_result(connection, result)

    def tests(self, sequence: str) -> list[PastTest]:
        """Return the tests of a sequence of error control by place."""
        with self._database.reading() as connection:
            return queries.find_tests(connection, sequence)

    def measurements(self, model: str, timeline: str, before: datetime) -> list[Measurement]:
        """Return what decided retrains measured before an as-of, the oldest first.

        Raises:
            IntegrityError: A scorecard was altered.
        """
        with self._database.reading() as connection:
            cards = queries.find_scorecards(connection, model, timeline, before, MOST_WINDOWS)
        return [measurement for card in cards for measurement in card.measurements]

    def decision(self, decision_id: str) -> Decision:
        """Return one decision.

        Raises:
            NotFoundError: The ledger has no such decision.
        """
        with self._database.reading() as connection:
            found = queries.find_decision(connection, decision_id)
        if found is None:
            raise NotFoundError(
                "a decision that is asked for must be in the ledger",
                got=repr(decision_id),
                fix="List the decisions first.",
            )
        return found

    def decisions(self, model: str, timeline: str) -> list[Decision]:
        """Return all decisions in the order they were stored."""
        of_timeline = (DECISION.c.model == model, DECISION.c.timeline == timeline)
        with self._database.reading() as connection:
            rows = connection.execute(
                select(DECISION.c.document, DECISION.c.id).where(*of_timeline).order_by(DECISION.c.seq)
            )
            return [queries.to_decision(*row) for row in rows]

    def pointer(self, model: str, timeline: str) -> Pointer | None:
        """Return the pointer to the current champion."""
        with self._database.reading() as connection:
            return queries.find_pointer(connection, model, timeline)

    def append(self, move: Move) -> LedgerEntry:
        """Move the pointer (or record a refusal) and append the entry, in one transaction.

        The same idempotency key again returns the first entry and changes nothing.

        Raises:
            ConflictError: The rules of `entry_for` refuse the move: the message names the winner, or what blocks it.
            IntegrityError: The entries that the move rests on, or the pointer, are not those that the ledger wrote.
        """
        with self._database.writing() as connection:
            first = queries.first_entry(connection, LEDGER.c.idempotency_key == move.idempotency_key)
            return confirm_same_move(move, first) if first else self._append(connection, move)

    def standing(self, model: str, timeline: str) -> Standing:
        """Return champion, former champions, freeze and quarantine."""
        with self._database.reading() as connection:
            return queries.find_standing(connection, model, timeline)

    def entry(self, model: str, timeline: str, key: str) -> LedgerEntry | None:
        """Return the first promotion of a key on a timeline."""
        of_timeline = (LEDGER.c.model == model, LEDGER.c.timeline == timeline, LEDGER.c.key == key)
        with self._database.reading() as connection:
            return queries.first_entry(connection, *of_timeline, LEDGER.c.action == Action.PROMOTE.value)

    def entries(self, model: str | None = None, timeline: str | None = None) -> list[LedgerEntry]:
        """Return entries by sequence; of one model or timeline if named."""
        query = select(LEDGER).order_by(LEDGER.c.seq)
        for field, name in ((LEDGER.c.model, model), (LEDGER.c.timeline, timeline)):
            query = query if name is None else query.where(field == name)
        with self._database.reading() as connection:
            return [queries.to_entry(row) for row in connection.execute(query)]

    def champion_at(self, model: str, timeline: str, at: datetime) -> LedgerEntry | None:
        """Return the move that stood at an instant of record time."""
        with self._database.reading() as connection:
            return queries.last_move(connection, model, timeline, LEDGER.c.at <= at)

    def champion_as_of(self, model: str, timeline: str, as_of: datetime) -> LedgerEntry | None:
        """Return the last move to a version that knows nothing later than `as_of`."""
        with self._database.reading() as connection:
            return queries.last_move(connection, model, timeline, LEDGER.c.as_of <= as_of)

    def now(self) -> datetime:
        """Return the database's time."""
        with self._database.reading() as connection:
            return self._database.now(connection)

    def timelines(self) -> list[tuple[str, str]]:
        """Return every (model, timeline) that has a decision, sorted."""
        with self._database.reading() as connection:
            rows = connection.execute(select(DECISION.c.model, DECISION.c.timeline).distinct())
            # Sorted here: each database has its own idea of the alphabet.
            return sorted((row.model, row.timeline) for row in rows)

    def verify(self, since: Head | None = None) -> Head:
        """Check entries, pointers, decisions and requests; return the head.

        Raises:
            IntegrityError: The ledger was tampered with.
        """
        with self._database.auditing() as connection:
            return audit(connection, since)

    def _append(self, connection: Connection, move: Move) -> LedgerEntry:
        """Append the entry of a move and advance the heads, unless they say that the ledger was tampered with."""
        last, head = queries.head(connection), queries.find_head(connection)
        tip = queries.find_head(connection, move.model, move.timeline)
        if move.action.testifies:
            champion = queries.last_move(connection, move.model, move.timeline)
            standing = Standing((champion,) if champion else ())  # all that the entry needs
        else:
            entries = queries.find_entries(connection, move.model, move.timeline)
            check_intact(last, head, entries, tip)
            standing = Standing.of(entries)
        entry = entry_for(move, at=self._database.now(connection), head=last, standing=standing)
        queries.add_entry(connection, entry)
        if entry.generation is not None:
            queries.move_pointer(connection, standing.champion, entry.to_pointer())
        if head == Head.of(last):
            queries.move_head(connection, Head.of(entry))
        queries.move_head(connection, tip.advance(entry), move.model, move.timeline)
        return entry


def _check_challenger(stored: Decision, decision: Decision) -> None:
    if stored.challenger != decision.challenger:
        raise IntegrityError(
            "a stored decision that no entry of the ledger records must be on the challenger that was judged",
            got=f"decision {stored.id[:12]}, on another one",
            fix="Stop promotions until it is explained; something else than the ledger wrote it.",
        )

"""Reads for the pages: all models at once, and pages of entries, each in a fixed number of queries."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import CTE, ColumnElement, Connection, func, select

from retrain.adapters.sql_ledger import queries
from retrain.adapters.sql_ledger.database import Database
from retrain.adapters.sql_ledger.tables import DECISION, LEDGER, POINTER, RETRAIN, SCORECARD
from retrain.core.evaluation.scorecard import Scorecard
from retrain.core.ledger.entries import Action, LedgerEntry
from retrain.core.ledger.origin import Origin
from retrain.core.policy.decision import Choice, Decision

__all__ = ["DecisionHead", "LedgerOverview", "ModelHead", "Requester"]


@dataclass(frozen=True)
class DecisionHead:
    """The fields of a decision by which a list is searched and sorted, without its verdicts."""

    id: str
    choice: Choice
    at: datetime


@dataclass(frozen=True)
class ModelHead:
    """The state of a model on a timeline.

    Attributes:
        champion: The move that set the current pointer.
        decision: The last decision.
        frozen: Whether no automatic promotion may happen.
    """

    model: str
    champion: LedgerEntry | None = None
    decision: DecisionHead | None = None
    frozen: bool = False


@dataclass(frozen=True)
class Requester:
    """Who or what requested a retrain, and why."""

    actor: str
    reason: str


class LedgerOverview:
    """Reads for many models at once; errors as in `SqlLedger`, `IntegrityError` included."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def heads(self, timeline: str) -> list[ModelHead]:
        """Return every model that has a champion or a decision on a timeline, by name."""
        with self._database.reading() as connection:
            champions = _champions(connection, timeline)
            decisions = _last_decisions(connection, timeline)
            frozen = _frozen(connection, timeline)
        return [
            ModelHead(model, champions.get(model), decisions.get(model), model in frozen)
            for model in sorted(champions.keys() | decisions.keys())
        ]

    def champion_metrics(
        self, timeline: str, models: Collection[str], *, points: int
    ) -> dict[str, list[tuple[datetime, float]]]:
        """Return (as-of, primary metric of the champion after that decision), oldest first, the last `points` per model.

        The metric is on that decision's holdout: the challenger's if it became champion, otherwise the champion's.
        """
        with self._database.reading() as connection:
            promoted = _promoted(connection, timeline, models)
            rows = connection.execute(_last_values(timeline, models, points))
            found: defaultdict[str, list[tuple[datetime, float]]] = defaultdict(list)
            for row in rows:
                met_champion = row.opponent_value if row.opponent == "champion" else None
                value = row.challenger_value if row.id in promoted else met_champion
                if value is not None:
                    found[row.model].append((row.as_of, value))
        return found

    def decisions(self, ids: Collection[str]) -> dict[str, Decision]:
        """Return decisions by their ids."""
        query = select(DECISION.c.document, DECISION.c.id).where(DECISION.c.id.in_(ids))
        with self._database.reading() as connection:
            return {row.id: queries.to_decision(*row) for row in connection.execute(query)}

    def last_decisions(self, model: str, timeline: str, *, limit: int) -> list[Decision]:
        """Return the last decisions, oldest first."""
        of_timeline = (DECISION.c.model == model, DECISION.c.timeline == timeline)
        query = (
            select(DECISION.c.document, DECISION.c.id).where(*of_timeline).order_by(DECISION.c.seq.desc()).limit(limit)
        )
        with self._database.reading() as connection:
            return [queries.to_decision(*row) for row in connection.execute(query)][::-1]

    def decisions_of(self, origin: Origin) -> list[Decision]:
        """Return the decisions on what one DAG run or command requested, oldest first."""
        join = DECISION.join(RETRAIN, DECISION.c.request_id == RETRAIN.c.id)
        query = select(DECISION.c.document, DECISION.c.id).select_from(join).where(RETRAIN.c.origin == str(origin))
        with self._database.reading() as connection:
            return [queries.to_decision(*row) for row in connection.execute(query.order_by(DECISION.c.seq))]

    def decisions_on(self, model: str, version: int) -> list[Decision]:
        """Return the decisions on a version on all timelines, oldest first."""
        made = DECISION.c.document["challenger", "version"].as_integer()
        query = select(DECISION.c.document, DECISION.c.id).where(DECISION.c.model == model, made == version)
        with self._database.reading() as connection:
            return [queries.to_decision(*row) for row in connection.execute(query.order_by(DECISION.c.seq))]

    def scorecard(self, digest: str) -> Scorecard | None:
        """Return a stored scorecard.

        Raises:
            IntegrityError: Its content does not match its digest.
        """
        query = select(SCORECARD.c.document).where(SCORECARD.c.digest == digest)
        with self._database.reading() as connection:
            document = connection.execute(query).scalar_one_or_none()
        return None if document is None else queries.to_scorecard(document, digest)

    def decision_count(self, model: str, timeline: str) -> int:
        """Return the number of decisions."""
        of_timeline = (DECISION.c.model == model, DECISION.c.timeline == timeline)
        with self._database.reading() as connection:
            return int(connection.execute(select(func.count()).select_from(DECISION).where(*of_timeline)).scalar_one())

    def requester(self, request_id: str) -> Requester | None:
        """Return who requested a retrain; None if the ledger has no such request."""
        query = select(RETRAIN.c.actor, RETRAIN.c.reason).where(RETRAIN.c.id == request_id)
        with self._database.reading() as connection:
            row = connection.execute(query).first()
        return Requester(*row) if row else None

    def timelines(self, model: str) -> list[str]:
        """Return the timelines of a model that have a decision or a champion."""
        known = (select(table.c.timeline).where(table.c.model == model).distinct() for table in (DECISION, POINTER))
        with self._database.reading() as connection:
            return sorted({name for query in known for name in connection.execute(query).scalars()})

    def entries(
        self,
        models: Collection[str],
        *,
        timeline: str | None = None,
        actions: Collection[Action] = (),
        actor: str | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
        before: int | None = None,
        limit: int = 50,
    ) -> list[LedgerEntry]:
        """Return a page of entries on some models, the latest first; only those before a sequence number if one is given."""
        wanted: list[ColumnElement[bool]] = [LEDGER.c.model.in_(models)]
        if timeline is not None:
            wanted.append(LEDGER.c.timeline == timeline)
        if actions:
            wanted.append(LEDGER.c.action.in_([action.value for action in actions]))
        if actor is not None:
            wanted.append(LEDGER.c.actor == actor)
        if since is not None:
            wanted.append(LEDGER.c.at >= since)
        if until is not None:
            wanted.append(LEDGER.c.at < until)
        if before is not None:
            wanted.append(LEDGER.c.seq < before)
        query = select(LEDGER).where(*wanted).order_by(LEDGER.c.seq.desc()).limit(limit)
        with self._database.reading() as connection:
            return [queries.to_entry(row) for row in connection.execute(query)]

    def last_seq(self) -> int:
        """Return the sequence number of the last entry; 0 if there is none."""
        with self._database.reading() as connection:
            return connection.execute(select(func.max(LEDGER.c.seq))).scalar_one() or 0

    def entries_after(self, seq: int, models: Collection[str], *, until: int, limit: int) -> list[LedgerEntry]:
        """Return the entries on some models from after a sequence number up to another one, oldest first."""
        wanted = (LEDGER.c.model.in_(models), LEDGER.c.seq > seq, LEDGER.c.seq <= until)
        query = select(LEDGER).where(*wanted).order_by(LEDGER.c.seq).limit(limit)
        with self._database.reading() as connection:
            return [queries.to_entry(row) for row in connection.execute(query)]

    def models(self) -> set[str]:
        """Return every model of the ledger."""
        with self._database.reading() as connection:
            return {
                *connection.execute(select(LEDGER.c.model).distinct()).scalars(),
                *connection.execute(select(DECISION.c.model).distinct()).scalars(),
            }


def _champions(connection: Connection, timeline: str) -> dict[str, LedgerEntry]:
    moved = (POINTER.c.model == LEDGER.c.model, POINTER.c.timeline == LEDGER.c.timeline)
    query = select(LEDGER).join(POINTER, (POINTER.c.generation == LEDGER.c.generation) & moved[0] & moved[1])
    rows = connection.execute(query.where(POINTER.c.timeline == timeline))
    return {row.model: queries.to_entry(row) for row in rows}


def _last_decisions(connection: Connection, timeline: str) -> dict[str, DecisionHead]:
    names = _models_with_decisions(timeline)
    last = (
        select(func.max(DECISION.c.seq))
        .where(DECISION.c.timeline == timeline, DECISION.c.model == names.c.model)
        .correlate(names)
        .scalar_subquery()
    )
    columns = (DECISION.c.model, DECISION.c.id, DECISION.c.choice, DECISION.c.at)
    rows = connection.execute(select(*columns).where(DECISION.c.seq.in_(select(last).select_from(names))))
    return {row.model: DecisionHead(row.id, Choice(row.choice), row.at) for row in rows}


def _models_with_decisions(timeline: str) -> CTE:
    """Return the names of a timeline, each found by one hop through the index: there are many decisions per name."""
    here = DECISION.c.timeline == timeline
    names = select(func.min(DECISION.c.model).label("model")).where(here).cte("names", recursive=True)
    following = select(func.min(DECISION.c.model)).where(here, DECISION.c.model > names.c.model).correlate(names)
    return names.union_all(select(following.scalar_subquery()).where(names.c.model.is_not(None)))


def _frozen(connection: Connection, timeline: str) -> set[str]:
    changes = (Action.FREEZE.value, Action.UNFREEZE.value)
    query = (
        select(LEDGER.c.model, LEDGER.c.action)
        .where(LEDGER.c.action.in_(changes), LEDGER.c.timeline == timeline)
        .order_by(LEDGER.c.seq)
    )
    last = {row.model: row.action for row in connection.execute(query)}
    return {model for model, action in last.items() if action == Action.FREEZE.value}


def _promoted(connection: Connection, timeline: str, models: Collection[str]) -> set[str]:
    """Return the ids of the decisions whose challenger became champion."""
    query = select(LEDGER.c.decision_id).where(
        LEDGER.c.timeline == timeline, LEDGER.c.model.in_(models), LEDGER.c.action == Action.PROMOTE.value
    )
    return set(connection.execute(query).scalars())


def _last_values(timeline: str, models: Collection[str], points: int) -> Any:
    number = func.row_number().over(partition_by=DECISION.c.model, order_by=DECISION.c.seq.desc()).label("number")
    last = (
        select(DECISION.c.seq, number)
        .where(DECISION.c.timeline == timeline, DECISION.c.model.in_(models))
        .subquery("numbered")
    )
    values = (DECISION.c.challenger_value, DECISION.c.opponent_value, DECISION.c.opponent)
    return (
        select(DECISION.c.id, DECISION.c.model, DECISION.c.as_of, *values)
        .join(last, DECISION.c.seq == last.c.seq)
        .where(last.c.number <= points)
        .order_by(DECISION.c.model, DECISION.c.as_of, DECISION.c.seq)
    )

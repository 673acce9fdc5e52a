"""The requests of users over the pages' API and their outcomes: a row before anything is done, its outcome after."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import asdict, dataclass
from datetime import datetime

from sqlalchemy import insert, select, update

from retrain.adapters.sql_ledger.database import Database
from retrain.adapters.sql_ledger.tables import ATTEMPT

__all__ = ["Attempt", "AttemptLog", "LoggedAttempt"]


@dataclass
class Attempt:
    """What somebody tries; filled while it becomes known.

    Attributes:
        status: The HTTP status of the answer; None while there is none.
        outcome: What came of it, in words. Never a secret.
        dag_id: The DAG that does it, with `run_id` its run.
    """

    actor: str
    operation: str
    model: str
    timeline: str = ""
    reason: str = ""
    status: int | None = None
    outcome: str = ""
    dag_id: str = ""
    run_id: str = ""


@dataclass(frozen=True)
class LoggedAttempt:
    """An attempt as it is kept."""

    seq: int
    at: datetime
    attempt: Attempt


class AttemptLog:
    """The attempts in the ledger's database; errors as in `SqlLedger`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def begin(self, attempt: Attempt) -> int:
        """Write an attempt down before it is looked at; return its number."""
        with self._database.writing() as connection:
            row = asdict(attempt) | {"at": self._database.now(connection)}
            return int(connection.execute(insert(ATTEMPT).values(row).returning(ATTEMPT.c.seq)).scalar_one())

    def end(self, seq: int, attempt: Attempt) -> None:
        """Write down what came of it."""
        with self._database.writing() as connection:
            connection.execute(update(ATTEMPT).where(ATTEMPT.c.seq == seq).values(asdict(attempt)))

    def models(self) -> set[str]:
        """Return the models that something was tried on."""
        with self._database.reading() as connection:
            return set(connection.execute(select(ATTEMPT.c.model).distinct()).scalars())

    def list(self, models: Collection[str], *, before: int | None = None, limit: int = 50) -> list[LoggedAttempt]:
        """Return the attempts on some models, the latest first; those before a number where one is given."""
        query = select(ATTEMPT).where(ATTEMPT.c.model.in_(models)).order_by(ATTEMPT.c.seq.desc()).limit(limit)
        if before is not None:
            query = query.where(ATTEMPT.c.seq < before)
        with self._database.reading() as connection:
            rows = [dict(row._mapping) for row in connection.execute(query)]
        return [LoggedAttempt(row.pop("seq"), row.pop("at"), Attempt(**row)) for row in rows]

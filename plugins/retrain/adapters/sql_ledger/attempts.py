"""The log of users' requests over the pages' API: a row is written before the operation, its outcome afterwards."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import delete, insert, select, update

from retrain.adapters.sql_ledger.database import Database
from retrain.adapters.sql_ledger.tables import ATTEMPT

__all__ = ["Attempt", "AttemptLog", "LoggedAttempt"]

_DELETED_AT_ONCE: Final = 100


@dataclass
class Attempt:
    """A user's attempted operation; its fields are filled as they become known.

    Attributes:
        status: The HTTP status of the response; None until there is one.
        outcome: The outcome in words; it never holds a secret.
        dag_id: The DAG that performs it; `run_id` is its run.
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
    """A stored attempt."""

    seq: int
    at: datetime
    attempt: Attempt


class AttemptLog:
    """The attempts in the ledger's database; errors as in `SqlLedger`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def begin(self, attempt: Attempt, keep: timedelta | None = None) -> int:
        """Store an attempt before it is checked; return its number.

        Args:
            attempt: The attempt.
            keep: How long attempts stay; a few that are older are deleted on the way. None for ever.
        """
        with self._database.noting() as connection:
            now = self._database.now(connection)
            if keep is not None:
                oldest = select(ATTEMPT.c.seq).order_by(ATTEMPT.c.seq).limit(_DELETED_AT_ONCE)
                connection.execute(delete(ATTEMPT).where(ATTEMPT.c.seq.in_(oldest), ATTEMPT.c.at < now - keep))
            row = asdict(attempt) | {"at": now}
            return int(connection.execute(insert(ATTEMPT).values(row).returning(ATTEMPT.c.seq)).scalar_one())

    def update(self, seq: int, attempt: Attempt) -> None:
        """Store what has become known of an attempt, such as its outcome."""
        with self._database.noting() as connection:
            connection.execute(update(ATTEMPT).where(ATTEMPT.c.seq == seq).values(asdict(attempt)))

    def admits(self, actor: str, model: str, dag_id: str, run_id: str) -> bool:
        """Tell whether a user's attempt on a model got as far as this run; the permissions were checked before."""
        wanted = {"actor": actor, "model": model, "dag_id": dag_id, "run_id": run_id}
        query = select(ATTEMPT.c.seq).where(*(ATTEMPT.c[name] == value for name, value in wanted.items())).limit(1)
        with self._database.reading() as connection:
            return connection.execute(query).first() is not None

    def models(self) -> set[str]:
        """Return the models that have attempts."""
        with self._database.reading() as connection:
            return set(connection.execute(select(ATTEMPT.c.model).distinct()).scalars())

    def list(self, models: Collection[str], *, before: int | None = None, limit: int = 50) -> list[LoggedAttempt]:
        """Return the attempts on some models, the latest first; only those before a number if one is given."""
        query = select(ATTEMPT).where(ATTEMPT.c.model.in_(models)).order_by(ATTEMPT.c.seq.desc()).limit(limit)
        if before is not None:
            query = query.where(ATTEMPT.c.seq < before)
        with self._database.reading() as connection:
            rows = [dict(row._mapping) for row in connection.execute(query)]
        return [LoggedAttempt(row.pop("seq"), row.pop("at"), Attempt(**row)) for row in rows]

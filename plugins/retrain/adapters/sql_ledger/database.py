"""One database: its connections, its one writer at a time, its clock, and its failures in the words of this package."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any, Final

from sqlalchemy import URL, Connection, Engine, create_engine, event, func, make_url, select
from sqlalchemy.exc import ArgumentError, DBAPIError, InterfaceError, OperationalError
from sqlalchemy.pool import NullPool

from retrain.adapters.sql_ledger.tables import Instant
from retrain.core.extras import needs_extra
from retrain.errors import OutageError, RetrainError

__all__ = ["Database"]

CONNECT_SECONDS = 10
"""How long connecting may take."""
LOCK_SECONDS = 30
"""How long a writer waits for the one before it, and a reader for a lock on a table."""
WRITER_IDLE_SECONDS = 20
"""How long PostgreSQL keeps the turn of a writer that sends nothing, such as a stopped process; less than others wait for it."""
READER_IDLE_SECONDS = 120
"""How long PostgreSQL keeps the transaction of a reader that sends nothing."""
STATEMENT_SECONDS = 120
"""How long one statement may take in PostgreSQL."""

_TCP: Final = {
    "keepalives_idle": 15,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 30_000,  # milliseconds
}
"""Options of libpq: a server that is cut off is noticed within half a minute rather than two hours."""

_LOCK_KEY: Final = 0x7265_7472_6169_6E  # "retrain" in ASCII
_MISSING: Final = {"42P01", "42703"}  # PostgreSQL: undefined table, undefined column
_ENDED: Final = {"25P03", "57014", "57P01"}  # PostgreSQL: idle in a transaction, statement timeout, an administrator
_DISK_ON_SQLITE: Final = (
    "attempt to write a readonly database",
    "database or disk is full",
    "disk I/O error",
    "unable to open database file",
)
_MISSING_ON_SQLITE: Final = ("no such table", "no such column")


class Database:
    """Connections to the ledger's database.

    No connection outlives its transaction, so that an instance may travel through `fork`. Connecting costs 4 ms on a
    Unix socket, which is less than a pool with its per-process bookkeeping is worth.

    Args:
        url_or_engine: A SQLAlchemy URL, or an engine that the caller made; it gets listeners for its transactions.
        at_most: How many seconds a connection, a lock or a statement may take if that is less than usual.
    """

    def __init__(self, url_or_engine: str | URL | Engine, *, at_most: int = STATEMENT_SECONDS) -> None:
        engine = url_or_engine if isinstance(url_or_engine, Engine) else _engine(url_or_engine, at_most)
        engine.hide_parameters = True  # or an error's text would hold them
        self._is_sqlite = engine.dialect.name == "sqlite"
        event.listen(engine, "begin", _begin_on_sqlite if self._is_sqlite else partial(_begin_on_postgresql, at_most))
        if self._is_sqlite:
            event.listen(engine, "connect", partial(_leave_transactions_to_us, at_most))
            self._reader = self._auditor = engine
        else:
            # A writer must see what was committed while it waited for its lock; an audit must see one moment.
            self._reader = engine.execution_options(isolation_level="READ COMMITTED")
            self._auditor = engine.execution_options(isolation_level="REPEATABLE READ")
        self._writer = self._reader.execution_options(retrain_writes=True)

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """Give a connection for short reads.

        Raises:
            OutageError: The database does not answer.
            RetrainError: It has no ledger's tables.
        """
        with _in_own_words(self._reader), self._reader.connect() as connection:
            yield connection

    @contextmanager
    def auditing(self) -> Iterator[Connection]:
        """Give a connection on which all reads see the same moment; errors as in `reading`."""
        with _in_own_words(self._auditor), self._auditor.connect() as connection:
            yield connection

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """Give the one writer's transaction, committed at the end; errors as in `reading`."""
        with _in_own_words(self._writer), self._writer.begin() as connection:
            yield connection

    @contextmanager
    def noting(self) -> Iterator[Connection]:
        """Give a transaction for rows beside the ledger, which wait for no writer's turn; errors as in `reading`."""
        with _in_own_words(self._reader), self._reader.begin() as connection:
            yield connection

    def now(self, connection: Connection) -> datetime:
        """Return the database's time, exactly as it will come back when stored."""
        on_sqlite = func.strftime("%Y-%m-%d %H:%M:%f", "now", type_=Instant)
        clock = on_sqlite if self._is_sqlite else func.clock_timestamp(type_=Instant)
        return connection.execute(select(clock)).scalar_one()


def _engine(address: str | URL, at_most: int) -> Engine:
    try:
        url = make_url(address)
    except ArgumentError:
        raise _wrong_address() from None
    if url.get_backend_name() == "postgresql":
        tcp = _TCP | {"tcp_user_timeout": min(_TCP["tcp_user_timeout"], at_most * 1000)}
        patience = {"connect_timeout": min(CONNECT_SECONDS, at_most)} | tcp
        patience = {name: value for name, value in patience.items() if name not in url.query}
    elif url.get_backend_name() == "sqlite" and url.database not in (None, "", ":memory:"):
        patience = {}
    else:
        raise _wrong_address()
    json_of = partial(json.dumps, allow_nan=False)
    with needs_extra("postgres", "a ledger in PostgreSQL"):
        return create_engine(url, poolclass=NullPool, json_serializer=json_of, connect_args=patience)


def _wrong_address() -> RetrainError:
    return RetrainError(
        "the ledger's address must be the SQLAlchemy URL of a PostgreSQL database or a SQLite file",
        got="something else (not shown: it may hold a password)",
        fix="Write it as postgresql://host/database or sqlite:///folder/file.",
    )


def _leave_transactions_to_us(at_most: int, connection: Any, _: object) -> None:
    """Keep the driver from beginning transactions: it would begin them without a lock, at the first write."""
    connection.isolation_level = None
    connection.execute(f"PRAGMA busy_timeout = {min(LOCK_SECONDS, at_most) * 1000:.0f}")


def _begin_on_sqlite(connection: Connection) -> None:
    writes = connection.get_execution_options().get("retrain_writes")
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def _begin_on_postgresql(at_most: int, connection: Connection) -> None:
    writes = connection.get_execution_options().get("retrain_writes")
    limits = {
        "lock_timeout": min(LOCK_SECONDS, at_most),
        "statement_timeout": min(STATEMENT_SECONDS, at_most),
        "idle_in_transaction_session_timeout": WRITER_IDLE_SECONDS if writes else READER_IDLE_SECONDS,
    }
    # In one statement, and not in the connection's options, which a pooler such as PgBouncer refuses.
    connection.exec_driver_sql(";".join(f"SET LOCAL {name} = {seconds * 1000:.0f}" for name, seconds in limits.items()))
    if writes:
        connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_LOCK_KEY})")


@contextmanager
def _in_own_words(engine: Engine) -> Iterator[None]:
    try:
        yield
    except DBAPIError as error:
        # Without its cause: a driver's message may name the user, the address or the values of a row.
        raise _own_error(error, engine.url) from None


def _own_error(error: DBAPIError, url: URL) -> Exception:
    state = getattr(error.orig, "sqlstate", None) or getattr(error.orig, "pgcode", None)
    if state in _MISSING or str(error.orig).startswith(_MISSING_ON_SQLITE):
        return RetrainError(
            "the ledger's tables must be those of this version",
            got="a database without them",
            fix="Run `retrain ledger migrate` once, then try again.",
        )
    if str(error.orig) in _DISK_ON_SQLITE:
        return OutageError(
            "the ledger's SQLite file must be readable and writable",
            got=f"{error.orig}: {Path(str(url.database)).absolute()}",
            fix="Check the permissions of its folder and the free space of its disk, then try again.",
        )
    if state in _ENDED or error.connection_invalidated or isinstance(error, OperationalError | InterfaceError):
        where = f"{url.get_backend_name()} at {url.host}" if url.host else url.get_backend_name()
        return OutageError(
            "the ledger's database must answer",
            got=f"{type(error.orig).__name__} {state or ''}".rstrip() + f" from {where}",
            fix="Check that it is up and that the connection `retrain_ledger` is right, then try again.",
        )
    return error

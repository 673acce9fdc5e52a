"""The contract of `Ledger`. Migrations, addresses and errors of the database."""

from __future__ import annotations

import traceback
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import URL, create_engine, event, make_url
from sqlalchemy.pool import NullPool
from tests.contracts.ledger.moves import (
    MODEL,
    TIMELINE,
    acts,
    count_verified,
    decision_on,
    promote,
    refusal,
    request_for,
    sql,
    three_promotions,
)
from tests.require import require

from retrain.adapters.sql_ledger import SqlLedger, postgresql_url, sqlite_url
from retrain.adapters.sql_ledger.tables import METADATA, VERSION_TABLE
from retrain.errors import OutageError, RetrainError


def test_migration_makes_the_tables_that_the_code_declares(database: URL) -> None:
    with create_engine(database, poolclass=NullPool).connect() as connection:
        context = MigrationContext.configure(connection, opts={"version_table": VERSION_TABLE, "compare_type": True})
        assert compare_metadata(context, METADATA) == []


def test_migrating_again_changes_nothing(database: URL) -> None:
    ledger = three_promotions(database)
    ledger.migrate()
    assert count_verified(SqlLedger.open(database)) == 3


def test_tables_of_a_later_version_are_left_alone(database: URL) -> None:
    sql(database, f"UPDATE {VERSION_TABLE} SET version_num = '9999'")
    with pytest.raises(RetrainError, match="Upgrade airflow-provider-retrain"):
        SqlLedger(database).migrate()


def test_missing_tables_are_not_an_outage(empty_database: URL) -> None:
    ledger = SqlLedger(empty_database)
    for use in (ledger.verify, lambda: promote(ledger, 1), lambda: ledger.pointer(MODEL, TIMELINE)):
        with pytest.raises(RetrainError, match="retrain ledger migrate") as caught:
            use()
        assert not isinstance(caught.value, OutageError)


@pytest.mark.parametrize(
    "url",
    [
        "postgresql+psycopg2://someone:hunter2@127.0.0.1:1/ledger",
        "postgresql+psycopg://someone:hunter2@127.0.0.1:1/ledger",
    ],
)
def test_an_outage_says_so_without_saying_who_connects(url: str) -> None:
    with pytest.raises(OutageError, match="must answer") as caught:
        SqlLedger(url).pointer(MODEL, TIMELINE)
    text = "".join(traceback.format_exception(caught.value))
    assert "hunter2" not in text
    assert "someone" not in text
    assert caught.value.__suppress_context__


@pytest.mark.parametrize(
    "url", ["postgresql//u:hunter2@h/x", "postgres://u:hunter2@h/x", "mysql://u:hunter2@h/x", "sqlite://"]
)
def test_an_address_that_cannot_be_used_is_refused_without_showing_it(url: str) -> None:
    with pytest.raises(RetrainError, match="SQLAlchemy URL") as caught:
        SqlLedger(url)
    assert "hunter2" not in str(caught.value)


def test_a_file_that_cannot_be_opened_is_named() -> None:
    with pytest.raises(OutageError, match=r"got unable to open database file: /nowhere/ledger\.db"):
        SqlLedger("sqlite:////nowhere/ledger.db").pointer(MODEL, TIMELINE)


def test_an_address_made_of_parts_reaches_the_same_database(database: URL) -> None:
    three_promotions(database)
    if database.get_backend_name() == "sqlite":
        url = sqlite_url(str(database.database))
    else:
        folder, name = str(database.query["host"]), str(database.database)
        url = postgresql_url(host=folder, port=None, user=database.username, password="p@ss/word", database=name)
    assert count_verified(SqlLedger(url)) == 3


def test_no_part_of_an_address_is_mistaken_for_another() -> None:
    url = postgresql_url(host="db", port=5433, user="me@here", password="a:b@c/d", database="ledger")
    again = make_url(url.render_as_string(hide_password=False))
    assert (again.host, again.port, again.username, again.password) == ("db", 5433, "me@here", "a:b@c/d")


def test_a_row_that_the_database_refuses_is_not_shown(postgresql: URL) -> None:
    ledger = SqlLedger.open(postgresql)
    with pytest.raises(Exception, match="parameters hidden") as caught:
        promote(ledger, 1, version=2**40, reason="hunter2")
    assert "hunter2" not in str(caught.value)


def test_time_comes_from_the_database_and_order_from_the_sequence(database: URL) -> None:
    engine = create_engine(database, poolclass=NullPool)
    if database.get_backend_name() == "sqlite":
        days = iter(range(28, 0, -1))

        def wrong_clock(connection: Any, _: Any) -> None:
            connection.create_function("strftime", 2, lambda *_: f"2001-02-{next(days):02d} 00:00:00.123")

        event.listen(engine, "connect", wrong_clock)
    else:
        sql(
            database,
            "CREATE SCHEMA fake",
            "CREATE SEQUENCE fake.ticks",
            "CREATE FUNCTION fake.clock_timestamp() RETURNS timestamptz LANGUAGE sql AS"
            " $$ SELECT timestamptz '2001-02-28 00:00:00.123456+00' - nextval('fake.ticks') * interval '1 day' $$",
            f"ALTER DATABASE {database.database} SET search_path = fake, public, pg_catalog",
        )
    ledger = SqlLedger(engine)
    entries = [promote(ledger, version) for version in (1, 2, 3)]
    assert [entry.at for entry in entries] == sorted((entry.at for entry in entries), reverse=True)
    assert all((entry.at.year, entry.at.month) == (2001, 2) for entry in entries)
    assert acts(ledger) == entries
    assert count_verified(ledger) == 3
    assert ledger.champion_at(MODEL, TIMELINE, entries[0].at) == entries[2]
    assert require(ledger.record(decision_on(request_for(1))).at) < entries[2].at


def test_an_engine_of_the_caller_keeps_one_writer_at_a_time_too(database: URL) -> None:
    engine = create_engine(database, pool_pre_ping=True)
    ledger = SqlLedger(engine)
    moves = [refusal(1, model=f"model-{number}", idempotency_key=f"{number}") for number in range(40)]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(ledger.append, moves))
    assert count_verified(ledger) == 40
    assert [entry.seq for entry in acts(ledger)] == list(range(1, 41))
    engine.dispose()

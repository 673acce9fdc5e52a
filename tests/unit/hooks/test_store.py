"""Queries of specs on a connection: what the database refuses never brings a value into an error."""

from __future__ import annotations

import traceback
from pathlib import Path
from types import SimpleNamespace

import pytest
from sqlalchemy import URL, create_engine
from tests.builders import make_request, make_spec

from retrain.adapters.content_store import ContentStore
from retrain.adapters.duckdb_snapshots import DuckDBSnapshots
from retrain.errors import DataError, OutageError, RetrainError
from retrain.hooks import StoreHook

EMAIL = "secret.person72@example.com"


def take_snapshot(root: Path, url: URL | str, sql: str, monkeypatch: pytest.MonkeyPatch) -> RetrainError:
    """Return the error of a snapshot that reads from a database."""
    database = SimpleNamespace(get_sqlalchemy_engine=lambda: create_engine(url))
    monkeypatch.setattr("retrain.hooks.store.BaseHook.get_hook", lambda _: database)
    monkeypatch.setattr(StoreHook, "content", ContentStore(str(root / "store")))
    (root / "rows.sql").write_text(sql)
    spec = make_spec(root, data__source=None, data__query="rows.sql", data__connection="warehouse")
    snapshots: DuckDBSnapshots = StoreHook().snapshots()
    with pytest.raises(RetrainError) as caught:
        snapshots.take(spec, spec.window_at(make_request().as_of))
    assert EMAIL not in "".join(traceback.format_exception(caught.value))
    return caught.value


def test_a_value_that_cannot_be_cast_is_not_quoted(
    postgresql: URL, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sql = f"SELECT CAST(email AS integer) AS y, now()::timestamp AS at FROM (SELECT '{EMAIL}' AS email) AS mailer"
    error = take_snapshot(tmp_path, postgresql, sql, monkeypatch)
    assert isinstance(error, DataError)
    assert error.got == "InvalidTextRepresentation (SQLSTATE 22P02)"


def test_a_database_that_does_not_answer_is_an_outage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    url = URL.create("postgresql+psycopg2", "ann", EMAIL, "127.0.0.1", 9, "sales")
    error = take_snapshot(tmp_path, url, "SELECT 1 AS y", monkeypatch)
    assert isinstance(error, OutageError)
    assert error.got == "OperationalError"

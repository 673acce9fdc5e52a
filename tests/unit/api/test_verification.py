"""Whoever asks for a check of the ledger: one runs at a time."""

from __future__ import annotations

import sqlite3
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import create_engine, event

from retrain.adapters.sql_ledger import SqlLedger, sqlite_url
from retrain.api import verification
from retrain.api.capacity import BusyError
from retrain.api.verification import Verification
from retrain.steps import freeze_model


def test_a_second_check_does_not_run_beside_the_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = str(tmp_path / "ledger.db")
    SqlLedger.open(sqlite_url(path))
    engine = create_engine(sqlite_url(path))
    begun: list[str] = []
    event.listen(engine, "begin", lambda _: begun.append("a check"))
    ledger, shared = SqlLedger(engine), Verification()
    monkeypatch.setattr(verification, "FRESH", timedelta(0))

    def check_beside_one_that_waits() -> object:
        with closing(sqlite3.connect(path, isolation_level=None)) as migration, ThreadPoolExecutor(1) as pool:
            migration.execute("BEGIN EXCLUSIVE")
            before = len(begun)
            running = pool.submit(shared.check, ledger)
            while len(begun) == before:
                pass
            try:
                return shared.check(ledger)
            finally:
                migration.execute("ROLLBACK")
                assert running.result(60).entries == 0
                assert len(begun) == before + 1

    with pytest.raises(BusyError, match="a check of the ledger that runs"):
        check_beside_one_that_waits()
    last = shared.check(ledger)
    assert check_beside_one_that_waits() == last, "what is known already, with the time of its check"


def test_a_check_that_found_no_answer_is_not_kept(tmp_path: Path) -> None:
    path = str(tmp_path / "ledger.db")
    shared = Verification()
    with pytest.raises(Exception, match="the ledger's tables must be those of this version"):
        shared.check(SqlLedger(sqlite_url(path)))
    assert shared.check(SqlLedger.open(sqlite_url(path))).entries == 0


def test_between_whole_checks_only_new_entries_are_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ledger, shared = SqlLedger.open(sqlite_url(str(tmp_path / "ledger.db"))), Verification()
    monkeypatch.setattr(verification, "FRESH", timedelta(0))

    def freeze(model: str) -> None:
        freeze_model(model, "production", actor="ann", reason="a holiday", ledger=ledger)

    freeze("alpha")
    assert shared.check(ledger).entries == 1
    freeze("beta")
    with closing(sqlite3.connect(tmp_path / "ledger.db")) as connection, connection:
        connection.execute("UPDATE ledger SET reason = 'another' WHERE seq = 1")
    assert shared.check(ledger).entries == 2
    monkeypatch.setattr(verification, "WHOLE_EVERY", timedelta(0))
    assert shared.check(ledger).problem is not None

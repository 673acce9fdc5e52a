from __future__ import annotations

import json
from pathlib import Path

import pytest

from retrain.core.ledger.entries import Head
from retrain.core.spec import Distribution, SearchSpec
from retrain.core.training.search import Goal
from retrain.hooks import RetrainLedgerHook


def test_searches_are_in_a_file_beside_the_ledgers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    connection = {"conn_type": "retrain_ledger", "extra": {"sqlite_path": str(tmp_path / "ledger.db")}}
    monkeypatch.setenv("AIRFLOW_CONN_RETRAIN_LEDGER", json.dumps(connection))
    hook = RetrainLedgerHook()
    hook.get_conn().migrate()
    search = SearchSpec(params={"C": Distribution(float=(0.1, 1.0))}, trials=1)
    hook.trials().open("k" * 64, search, Goal("roc_auc", greater_is_better=True), start={}, seed=1, worker=None)
    assert (tmp_path / "ledger.db.trials").is_file()
    assert hook.get_conn().verify() == Head()
    assert hook.test_connection() == (True, "The ledger answers; its chain of 0 entries is intact")

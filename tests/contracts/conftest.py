"""What the contract suites run on: every implementation of a port, each test on a fresh one."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import URL, make_url
from tests.servers import fresh_database

from retrain.adapters.memory_ledger import MemoryLedger
from retrain.adapters.sql_ledger import SqlLedger
from retrain.core.ports import Ledger

POSTGRESQL = pytest.param("postgresql", marks=pytest.mark.integration)


@pytest.fixture(params=["sqlite", POSTGRESQL])
def empty_database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[URL]:
    """A database without tables."""
    if request.param == "sqlite":
        yield make_url(f"sqlite:///{tmp_path}/ledger.db")
    else:
        with fresh_database(request.getfixturevalue("postgresql"), "template1") as url:
            yield url


@pytest.fixture(params=["memory", "sqlite", POSTGRESQL])
def ledger(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Ledger]:
    """An empty ledger of each kind."""
    if request.param == "memory":
        yield MemoryLedger()
    elif request.param == "sqlite":
        yield SqlLedger.open(f"sqlite:///{tmp_path}/ledger.db")
    else:
        with fresh_database(request.getfixturevalue("postgresql"), "migrated") as url:
            yield SqlLedger(url)

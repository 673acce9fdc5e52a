"""The contract of `Ledger`. Many writers at once."""

from __future__ import annotations

import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any

import pytest
from sqlalchemy import URL
from tests.contracts.ledger.moves import MODEL, TIMELINE, promotion

from retrain.adapters.memory_ledger import MemoryLedger
from retrain.adapters.sql_ledger import SqlLedger
from retrain.adapters.sql_ledger import database as database_module
from retrain.adapters.sql_ledger.database import Database
from retrain.errors import ConflictError, OutageError

ROUNDS = 50


CROWD = """
import json, multiprocessing, sys
from datetime import UTC, datetime, timedelta
from retrain.adapters.sql_ledger import SqlLedger, postgresql_url, sqlite_url
from retrain.core.ledger.entries import Action, Move
from retrain.errors import RetrainError

work, url, count, rounds = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
ledger = SqlLedger(url)
if work == "race":
    ledger.pointer("churn", "production")  # used before the fork, as in a warm worker
fork = multiprocessing.get_context("fork")
start, results = fork.Barrier(count), fork.Queue()

def run(number):
    for generation in range(rounds):
        version = generation * count + number
        move = Move(Action.PROMOTE, "churn", "production", version, "f" * 64,
                    datetime(2013, 1, 1, tzinfo=UTC) + timedelta(generation), f"key-{version}", generation, f"{version}")
        start.wait()
        try:
            result = ledger.append(move).version if work == "race" else ledger.migrate()
        except RetrainError as error:
            result = f"{type(error).__name__}: {error}"
        results.put((generation, result))

crowd = [fork.Process(target=run, args=(number,)) for number in range(1, count + 1)]
for process in crowd:
    process.start()
print(json.dumps([results.get(timeout=30) for _ in range(rounds * count)]))
"""


def crowd(work: str, url: URL, count: int, rounds: int = 1) -> list[list[Any]]:
    """Do the work in `count` processes at once, forked from a clean one that has used the database; results by round."""
    address = url.render_as_string(hide_password=False)
    command = [sys.executable, "-c", CROWD, work, address, str(count), str(rounds)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    results = json.loads(done.stdout)
    return [[result for at, result in results if at == number] for number in range(rounds)]


@pytest.mark.integration
def test_of_twelve_racing_processes_one_wins_and_eleven_get_a_conflict(database: URL) -> None:
    winners = []
    for number, results in enumerate(crowd("race", database, 12, ROUNDS), start=1):
        [winner] = [result for result in results if isinstance(result, int)]
        name = f"version {winner} (generation {number}, "
        assert sum(str(result).startswith("ConflictError") and name in result for result in results) == 11
        winners.append(winner)
    ledger = SqlLedger(database)
    assert [entry.version for entry in ledger.entries()] == winners
    assert ledger.pointer(MODEL, TIMELINE) == ledger.entries()[-1].to_pointer()
    assert ledger.verify() == ROUNDS


def test_of_twelve_racing_threads_one_wins() -> None:
    ledger = MemoryLedger()

    def attempt(version: int) -> bool:
        with suppress(ConflictError):
            return bool(ledger.append(promotion(version, generation=0)))
        return False

    with ThreadPoolExecutor(12) as pool:
        assert sum(pool.map(attempt, range(1, 13))) == 1
    assert ledger.verify() == 1


@pytest.mark.integration
def test_four_processes_may_migrate_at_once(empty_database: URL) -> None:
    assert crowd("migrate", empty_database, 4) == [[None] * 4]
    assert SqlLedger(empty_database).append(promotion(1)).seq == 1


def test_a_writer_that_waits_too_long_for_another_reports_an_outage(
    database: URL, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database_module, "LOCK_SECONDS", 0.1)
    ledger = SqlLedger(database)
    with Database(database).writing(), pytest.raises(OutageError, match="database must answer"):
        ledger.append(promotion(1))
    assert ledger.append(promotion(1)).seq == 1

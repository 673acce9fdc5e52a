"""The contract of `Ledger`. Many writers at once."""

from __future__ import annotations

import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import URL
from tests.contracts.ledger.moves import MODEL, TIMELINE, acts, count_verified, promote

from retrain.adapters.memory_ledger import MemoryLedger
from retrain.adapters.sql_ledger import SqlLedger
from retrain.adapters.sql_ledger import database as database_module
from retrain.adapters.sql_ledger.database import Database
from retrain.errors import ConflictError, OutageError

ROUNDS = 10


CROWD = """
import json, multiprocessing, sys
from datetime import timedelta
from retrain.adapters.sql_ledger import SqlLedger
from retrain.errors import RetrainError
from tests.contracts.ledger.moves import decision_for, month, promotion, resting_on

work, url, count, rounds = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
ledger = SqlLedger(url)

def propose(generation, number):
    version, as_of = generation * count + number, month(1) + timedelta(generation)
    move = promotion(1, generation, version=version, as_of=as_of, key=f"key-{version}", idempotency_key=f"{version}")
    return resting_on(ledger.record(decision_for(move)), move)

moves = {}
if work == "race":  # the ledger is used before the fork, as in a warm worker
    moves = {(at, number): propose(at, number) for at in range(rounds) for number in range(1, count + 1)}
fork = multiprocessing.get_context("fork")
start, results = fork.Barrier(count), fork.Queue()

def run(number):
    for generation in range(rounds):
        start.wait()
        try:
            result = ledger.append(moves[generation, number]).version if work == "race" else ledger.migrate()
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
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, cwd=Path(__file__).parents[3])
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
    assert [entry.version for entry in acts(ledger)] == winners
    assert ledger.pointer(MODEL, TIMELINE) == acts(ledger)[-1].to_pointer()
    assert count_verified(ledger) == ROUNDS


def test_of_twelve_racing_threads_one_wins() -> None:
    ledger = MemoryLedger()

    def attempt(version: int) -> bool:
        with suppress(ConflictError):
            return bool(promote(ledger, version, generation=0))
        return False

    with ThreadPoolExecutor(12) as pool:
        assert sum(pool.map(attempt, range(1, 13))) == 1
    assert count_verified(ledger) == 1


@pytest.mark.integration
def test_four_processes_may_migrate_at_once(empty_database: URL) -> None:
    assert crowd("migrate", empty_database, 4) == [[None] * 4]
    assert promote(SqlLedger(empty_database), 1).generation == 1


def test_a_writer_that_waits_too_long_for_another_reports_an_outage(
    database: URL, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database_module, "LOCK_SECONDS", 0.1)
    ledger = SqlLedger(database)
    with Database(database).writing(), pytest.raises(OutageError, match="database must answer"):
        promote(ledger, 1)
    assert promote(ledger, 1).generation == 1

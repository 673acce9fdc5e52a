"""Builders of the ledger's contract: moves, requests and decisions, numbered by month."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, replace
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import URL, create_engine, insert
from sqlalchemy.pool import NullPool

from retrain.adapters.sql_ledger import SqlLedger
from retrain.adapters.sql_ledger.tables import HEAD, LEDGER, POINTER
from retrain.core.ledger.entries import Action, Head, LedgerEntry, Move
from retrain.core.ledger.origin import Origin
from retrain.core.policy.decision import Challenger, Choice, Decision
from retrain.core.policy.gates import Outcome, Verdict
from retrain.core.ports import Ledger
from retrain.core.request import RetrainRequest

MODEL, TIMELINE = "churn", "production"
INJECTION = "x'; DROP TABLE ledger; --\" OR '1'='1 % é☃"


def month(number: int) -> datetime:
    return datetime(2013, number, 1, tzinfo=UTC)


def promotion(number: int, /, generation: int | None = None, **changes: Any) -> Move:
    """Return the move that promotes the version of a month, as of that month; it rests on no decision yet."""
    move = Move(
        action=Action.PROMOTE,
        model=MODEL,
        timeline=TIMELINE,
        version=number,
        manifest_digest=f"{number:064d}",
        as_of=month(number),
        key=f"key-{number}",
        expected_generation=number - 1 if generation is None else generation,
        idempotency_key=f"promote-{number}",
        actor="someone",
        reason="better",
    )
    return replace(move, **changes)


def refusal(number: int, /, **changes: Any) -> Move:
    return replace(promotion(number, action=Action.REFUSE, idempotency_key=f"refuse-{number}"), **changes)


def back(number: int, action: Action = Action.ROLLBACK, /, *, generation: int, **changes: Any) -> Move:
    """Return the move back to the version of a month."""
    move = promotion(number, generation, action=action, idempotency_key=f"{action.value}-{number}-{generation}")
    return replace(move, **changes)


def request_for(number: int, **changes: Any) -> RetrainRequest:
    return replace(RetrainRequest(MODEL, TIMELINE, month(number), Origin.of_dag_run("churn", str(number))), **changes)


def decision_on(request: RetrainRequest, **changes: Any) -> Decision:
    decision = Decision(
        request_id=request.id,
        model=request.model,
        timeline=request.timeline,
        as_of=request.as_of,
        choice=Choice.HOLD,
        reason="not sure yet",
        origin=request.origin,
    )
    return replace(decision, **changes)


def sql(url: URL, *statements: str) -> None:
    """Run SQL behind the ledger's back."""
    with create_engine(url, poolclass=NullPool).begin() as connection:
        for statement in statements:
            connection.exec_driver_sql(statement)


def decision_for(move: Move, **changes: Any) -> Decision:
    """Return the PROMOTE, with uneven numbers, that a promotion may rest on."""
    origin = Origin.of_dag_run("churn", move.idempotency_key)
    request = RetrainRequest(move.model, move.timeline, move.as_of, origin, actor="someone", reason="better")
    reason = "0.7 meets its minimum"
    verdict = Verdict("threshold", Outcome.PASS, reason, 0.1 + 0.2, 0.1, (1 / 3, 2 / 3), metric="roc_auc")
    made = decision_on(
        request,
        choice=Choice.PROMOTE,
        challenger=Challenger(move.key, move.version, "run", "model", move.manifest_digest),
        champion_generation=move.expected_generation,
        verdicts=(verdict,),
    )
    return replace(made, **changes)


def resting_on(decision: Decision, move: Move) -> Move:
    return replace(move, decision_id=decision.id, decision_digest=decision.digest)


def carry_out(ledger: Ledger, move: Move) -> LedgerEntry:
    """Append a move; of a promotion, record the decision first."""
    if move.action is not Action.PROMOTE:
        return ledger.append(move)
    return ledger.append(resting_on(ledger.record(decision_for(move)), move))


def promote(ledger: Ledger, number: int, /, generation: int | None = None, **changes: Any) -> LedgerEntry:
    """Record a PROMOTE of the version of a month, and append the promotion that rests on it."""
    return carry_out(ledger, promotion(number, generation, **changes))


def acts(ledger: Ledger, model: str | None = None, timeline: str | None = None) -> list[LedgerEntry]:
    """Return the entries but those that record decisions."""
    return [entry for entry in ledger.entries(model, timeline) if entry.action is not Action.DECIDE]


def count_verified(ledger: Ledger) -> int:
    """Verify a ledger, and return how many of its entries record no decision."""
    entries = ledger.entries()
    assert ledger.verify() == Head.of(entries[-1] if entries else None)
    return len(acts(ledger))


def three_promotions(url: URL) -> SqlLedger:
    """Return a ledger whose entries 2, 4 and 6 are promotions, each after its decision."""
    ledger = SqlLedger(url)
    for version in (1, 2, 3):
        promote(ledger, version)
    return ledger


def insert_entries(url: URL, *entries: LedgerEntry) -> None:
    """Put entries into the ledger's table behind its back."""
    with create_engine(url, poolclass=NullPool).begin() as connection:
        for entry in entries:
            connection.execute(insert(LEDGER).values(asdict(entry) | {"action": entry.action.value}))


def rechain(entries: Sequence[LedgerEntry], before: LedgerEntry | None = None) -> list[LedgerEntry]:
    """Return the entries with fresh numbers and hashes."""
    chain = [] if before is None else [before]
    for entry in entries:
        last = Head.of(chain[-1] if chain else None)
        chain.append(replace(entry, seq=last.count + 1, previous_hash=last.hash).sealed())
    return chain if before is None else chain[1:]


def rewrite(url: URL, entries: Sequence[LedgerEntry]) -> None:
    """Write the ledger anew, as somebody would who knows how: all hashes, heads and pointers fit the entries."""
    chain = rechain(entries)
    heads, pointers = {("", ""): Head.of(chain[-1])}, {}
    for entry in chain:
        key = entry.model, entry.timeline
        heads[key] = heads.get(key, Head()).advance(entry)
        if entry.generation is not None:
            pointers[key] = entry.to_pointer()
    sql(url, "DELETE FROM ledger", "DELETE FROM head", "DELETE FROM pointer")
    insert_entries(url, *chain)
    with create_engine(url, poolclass=NullPool).begin() as connection:
        for (model, timeline), head in heads.items():
            row = {"model": model, "timeline": timeline, "entries": head.count, "hash": head.hash}
            connection.execute(insert(HEAD).values(row))
        for pointer in pointers.values():
            connection.execute(insert(POINTER).values(asdict(pointer)))

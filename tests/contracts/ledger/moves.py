"""Builders of the ledger's contract: moves, requests and decisions, numbered by month."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import URL, create_engine
from sqlalchemy.pool import NullPool

from retrain.adapters.sql_ledger import SqlLedger
from retrain.core.ledger.entries import Action, Move
from retrain.core.ledger.origin import Origin
from retrain.core.policy.decision import Choice, Decision
from retrain.core.request import RetrainRequest

MODEL, TIMELINE = "churn", "production"
INJECTION = "x'; DROP TABLE ledger; --\" OR '1'='1 % é☃"


def month(number: int) -> datetime:
    return datetime(2013, number, 1, tzinfo=UTC)


def promotion(number: int, /, generation: int | None = None, **changes: Any) -> Move:
    """Return the move that promotes the version of a month, as of that month."""
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
        decision_id=f"decision-{number}",
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


def three_promotions(url: URL) -> SqlLedger:
    ledger = SqlLedger(url)
    for version in (1, 2, 3):
        ledger.append(promotion(version))
    return ledger

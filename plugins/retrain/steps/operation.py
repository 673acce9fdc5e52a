"""An operation on a champion, and its refusal."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, replace

from retrain.core.digest import digest_json
from retrain.core.ledger.entries import Action, LedgerEntry, Move
from retrain.core.ledger.origin import Origin
from retrain.core.ports import Ledger
from retrain.core.spec import PipelineSpec
from retrain.steps.pointer import LONG_AGO, refuse

__all__ = ["Operation", "propose_no_move", "refuse_operation"]


@dataclass(frozen=True)
class Operation:
    """An operation on a pipeline's champion: on which timeline, by whom, and why.

    Attributes:
        origin: The DAG run that requests it: the same run moves the pointer only once. None if each call counts.
    """

    spec: PipelineSpec
    timeline: str
    actor: str
    reason: str
    origin: Origin | None = None

    def idempotency_key(self, action: Action) -> str:
        """Return the key of the one move that the origin may make."""
        return digest_json([action.value, self.spec.model, self.timeline, str(self.origin)])

    def find_earlier_move(self, action: Action, ledger: Ledger) -> LedgerEntry | None:
        """Return the move that the origin has already made; None if it has made none."""
        if self.origin is None:
            return None
        key = self.idempotency_key(action)
        entries = ledger.entries(self.spec.model, self.timeline)
        return next((entry for entry in entries if entry.idempotency_key == key), None)


def refuse_operation(operation: Operation, version: int | None, reason: str, *, ledger: Ledger) -> LedgerEntry:
    """Record that an operation was refused before it came to a proposed move."""
    model, timeline = operation.spec.model, operation.timeline
    champion = ledger.standing(model, timeline).champion
    move = propose_no_move(Action.REFUSE, model, timeline, champion, operation.actor, operation.reason)
    return refuse(ledger, replace(move, version=version or move.version), f"{operation.reason}: {reason}")


def propose_no_move(
    action: Action, model: str, timeline: str, champion: LedgerEntry | None, actor: str, reason: str
) -> Move:
    """Return an entry that leaves the pointer at its champion, such as a freeze."""
    return Move(
        action=action,
        model=model,
        timeline=timeline,
        version=champion.version if champion else 0,
        manifest_digest=champion.manifest_digest if champion else "",
        as_of=champion.as_of if champion else LONG_AGO,
        key=champion.key if champion else "",
        expected_generation=(champion.generation or 0) if champion else 0,
        idempotency_key=uuid.uuid4().hex,
        decision_id="",
        actor=actor,
        reason=reason,
    )

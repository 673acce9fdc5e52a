"""Move a pointer: a refusal is recorded as well, and the registry alias follows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Final

from retrain.core.digest import digest_json
from retrain.core.failpoints import failpoint
from retrain.core.ledger.entries import Action, LedgerEntry, Move, Pointer
from retrain.core.names import PRODUCTION
from retrain.core.policy.decision import Challenger
from retrain.core.ports import Ledger, ModelRegistry
from retrain.core.resources import Resources
from retrain.core.spec import PipelineSpec
from retrain.errors import ConflictError, IntegrityError, NotFoundError

__all__ = ["LONG_AGO", "follow_pointer", "move_pointer", "project_alias", "propose_move", "propose_return", "refuse"]

LONG_AGO: Final = datetime(1970, 1, 1, tzinfo=UTC)
"""The as-of of a first champion without a decision: every later challenger may follow it."""


def move_pointer(spec: PipelineSpec, move: Move, check: Callable[[], object], resources: Resources) -> LedgerEntry:
    """Move a pointer if `check` raises nothing, then set the alias.

    Raises:
        ConflictError: The ledger's rules refuse the move; the refusal is recorded.
        IntegrityError: `check` found the version altered; the refusal is recorded.
        NotFoundError: `check` found the version gone; the refusal is recorded.
    """
    ledger = resources.ledger
    try:
        check()
        entry = ledger.append(move)
    except (ConflictError, IntegrityError, NotFoundError) as error:
        refuse(ledger, move, str(error))
        raise
    failpoint("pointer_moved")
    follow_pointer(spec, move.timeline, resources)
    return entry


def follow_pointer(spec: PipelineSpec, timeline: str, resources: Resources) -> None:
    """Set the registry alias after a move, or after an earlier try that died before it did; only production has an alias."""
    if timeline == PRODUCTION:
        project_alias(spec, resources)
        failpoint("alias_set")


def project_alias(spec: PipelineSpec, resources: Resources) -> int | None:
    """Point the registry alias at the version of the production pointer; return the version.

    Raises:
        NotFoundError: The version is gone, or its number stands for another model now.
    """
    registry, pointer = resources.registry, resources.ledger.pointer(spec.model, PRODUCTION)
    if pointer is None:
        return None
    if registry.alias_version(spec.model, spec.promotion.alias) != pointer.version:
        _check_identity(pointer, registry)
        registry.set_alias(spec.model, spec.promotion.alias, pointer.version)
    return pointer.version


def _check_identity(pointer: Pointer, registry: ModelRegistry) -> None:
    """Check that the version's number still stands for the champion: a registry that was emptied starts again at 1."""
    found = registry.find_version(pointer.model, pointer.version)
    if found is None or (found.key, found.manifest_digest) != (pointer.key, pointer.manifest_digest):
        raise NotFoundError(
            f"the champion of {pointer.model}, version {pointer.version}, must be in the registry",
            got="no such version" if found is None else "another model under that number",
            fix="Restore it, or run `retrain reconcile`.",
        )


def refuse(ledger: Ledger, move: Move, reason: str) -> LedgerEntry:
    """Record that a proposed move was refused; the same refusal twice is one row."""
    idempotency_key = digest_json(["refuse", move.idempotency_key, move.expected_generation, reason])
    return ledger.append(
        replace(move, action=Action.REFUSE, idempotency_key=idempotency_key, reason=reason, lifetime=None)
    )


def propose_return(action: Action, target: LedgerEntry, champion: LedgerEntry, *, actor: str, reason: str) -> Move:
    """Propose to make a former champion champion again."""
    generation = champion.generation or 0
    return Move(
        action=action,
        model=target.model,
        timeline=target.timeline,
        version=target.version,
        manifest_digest=target.manifest_digest,
        as_of=target.as_of,
        key=target.key,
        expected_generation=generation,
        idempotency_key=digest_json([action.value, target.model, target.timeline, target.version, generation]),
        decision_id=target.decision_id,
        decision_digest=target.decision_digest,
        actor=actor,
        reason=reason,
    )


def propose_move(
    action: Action,
    model: str,
    timeline: str,
    challenger: Challenger,
    *,
    actor: str,
    reason: str,
    ledger: Ledger,
    lifetime: timedelta | None = None,
) -> Move:
    """Propose to make a version champion without a PROMOTE decision, with as-of and decision as far as they are known."""
    standing = ledger.standing(model, timeline)
    champion = standing.champion
    live_move = standing.was_live(challenger.version, challenger.manifest_digest, challenger.key)
    decisions = [decision for decision in ledger.decisions(model, timeline) if decision.challenger == challenger]
    generation = (champion.generation or 0) if champion else 0
    # A version without a decision gets the champion's as-of, so that no older challenger can follow it.
    default_as_of = champion.as_of if champion else LONG_AGO
    return Move(
        action=action,
        model=model,
        timeline=timeline,
        version=challenger.version,
        manifest_digest=challenger.manifest_digest,
        as_of=live_move.as_of if live_move else decisions[-1].as_of if decisions else default_as_of,
        key=challenger.key,
        expected_generation=generation,
        idempotency_key=digest_json([action.value, model, timeline, challenger.version, generation]),
        decision_id=live_move.decision_id if live_move else decisions[-1].id if decisions else "",
        decision_digest=live_move.decision_digest if live_move else decisions[-1].digest if decisions else "",
        actor=actor,
        reason=reason,
        lifetime=lifetime,
    )

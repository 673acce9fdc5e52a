"""What every move of a pointer shares: a refusal is a row too, and the alias follows the pointer."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Final

from retrain.core.digest import digest_json
from retrain.core.failpoints import failpoint
from retrain.core.ledger.entries import Action, LedgerEntry, Move
from retrain.core.names import PRODUCTION
from retrain.core.policy.decision import Challenger
from retrain.core.ports import Ledger, ModelRegistry
from retrain.core.spec import PipelineSpec
from retrain.errors import ConflictError, IntegrityError, NotFoundError

__all__ = ["LONG_AGO", "move_pointer", "project_alias", "refuse", "wish_back", "wish_for"]

LONG_AGO: Final = datetime(1970, 1, 1, tzinfo=UTC)
"""The as-of of a first champion that no decision tells about: any later challenger may follow it."""


def move_pointer(
    spec: PipelineSpec, move: Move, check: Callable[[], object], *, registry: ModelRegistry, ledger: Ledger
) -> LedgerEntry:
    """Move a pointer once `check` has found nothing against it, then project it onto the alias.

    Raises:
        ConflictError: The ledger's rules refuse the move; the refusal is recorded.
        IntegrityError: `check` found the version altered; the refusal is recorded.
        NotFoundError: `check` found the version gone; the refusal is recorded.
    """
    try:
        check()
        entry = ledger.append(move)
    except (ConflictError, IntegrityError, NotFoundError) as error:
        refuse(ledger, move, str(error))
        raise
    failpoint("pointer_moved")
    if move.timeline == PRODUCTION:
        project_alias(spec, registry=registry, ledger=ledger)
        failpoint("alias_set")
    return entry


def project_alias(spec: PipelineSpec, *, registry: ModelRegistry, ledger: Ledger) -> int | None:
    """Make the registry alias say what the production pointer says now; return the version."""
    pointer = ledger.pointer(spec.model, PRODUCTION)
    if pointer is None:
        return None
    if registry.alias_version(spec.model, spec.promotion.alias) != pointer.version:
        registry.set_alias(spec.model, spec.promotion.alias, pointer.version)
    return pointer.version


def refuse(ledger: Ledger, move: Move, why: str) -> LedgerEntry:
    """Record that a wish was not granted; the same refusal again is the same row."""
    idempotency_key = digest_json(["refuse", move.idempotency_key, move.expected_generation, why])
    return ledger.append(
        replace(move, action=Action.REFUSE, idempotency_key=idempotency_key, reason=why, lifetime=None)
    )


def wish_back(action: Action, target: LedgerEntry, champion: LedgerEntry, *, actor: str, reason: str) -> Move:
    """Return the wish to make a former champion champion again."""
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


def wish_for(
    action: Action,
    model: str,
    timeline: str,
    made: Challenger,
    *,
    actor: str,
    reason: str,
    ledger: Ledger,
    lifetime: timedelta | None = None,
) -> Move:
    """Return the wish to make a version champion that no PROMOTE decision stands for, with what is known of it."""
    standing = ledger.standing(model, timeline)
    champion, lived = standing.champion, standing.was_live(made.version)
    if lived is not None and (lived.manifest_digest, lived.key) != (made.manifest_digest, made.key):
        lived = None  # the registry's tags were edited: this is not what was live
    about = [item for item in ledger.decisions(model, timeline) if item.challenger == made]
    generation = (champion.generation or 0) if champion else 0
    # Of a version that no decision tells about: what the champion knew, or older challengers could follow it.
    unknown = champion.as_of if champion else LONG_AGO
    return Move(
        action=action,
        model=model,
        timeline=timeline,
        version=made.version,
        manifest_digest=made.manifest_digest,
        as_of=lived.as_of if lived else about[-1].as_of if about else unknown,
        key=made.key,
        expected_generation=generation,
        idempotency_key=digest_json([action.value, model, timeline, made.version, generation]),
        decision_id=lived.decision_id if lived else about[-1].id if about else "",
        decision_digest=lived.decision_digest if lived else about[-1].digest if about else "",
        actor=actor,
        reason=reason,
        lifetime=lifetime,
    )

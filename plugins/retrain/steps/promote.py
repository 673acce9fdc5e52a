"""Move the pointer to a challenger that may be promoted, then project it onto the registry alias."""

from __future__ import annotations

import tempfile
from pathlib import Path

from retrain.core.decision import Choice, Decision
from retrain.core.digest import digest_of
from retrain.core.ledger import Action, LedgerEntry, Move
from retrain.core.names import PRODUCTION
from retrain.core.ports import Ledger, ModelRegistry
from retrain.core.request import RetrainRequest
from retrain.core.spec import PipelineSpec
from retrain.errors import ConflictError, IntegrityError, NotFoundError

__all__ = ["project_alias", "promote_challenger"]


def promote_challenger(
    spec: PipelineSpec, request: RetrainRequest, decision: Decision, *, registry: ModelRegistry, ledger: Ledger
) -> LedgerEntry:
    """Make the challenger of a PROMOTE decision the champion of its timeline; saying it again changes nothing.

    Raises:
        ConflictError: Another promotion moved the pointer since the evaluation.
        IntegrityError: The artifact is not what was made, or the decision is not PROMOTE.
    """
    challenger = decision.challenger
    if decision.choice is not Choice.PROMOTE or challenger is None:
        raise IntegrityError(
            "only a PROMOTE decision may move the pointer", got=decision.choice.value, fix="See the decision's reason."
        )
    move = Move(
        action=Action.PROMOTE,
        model=spec.model,
        timeline=decision.timeline,
        version=challenger.version,
        manifest_digest=challenger.manifest_digest,
        as_of=decision.as_of,
        key=challenger.key,
        expected_generation=decision.champion_generation,
        idempotency_key=digest_of(["promote", spec.model, decision.timeline, challenger.key]),
        decision_id=decision.id,
        actor=request.actor,
        reason=request.reason or decision.reason,
    )
    try:
        with tempfile.TemporaryDirectory(prefix="retrain-") as scratch:
            registry.fetch(spec.model, challenger.version, challenger.manifest_digest, Path(scratch))
        entry = ledger.append(move)
    except (ConflictError, IntegrityError, NotFoundError) as error:
        _record_refusal(ledger, move, error)
        raise
    if decision.timeline == PRODUCTION:
        project_alias(spec, registry=registry, ledger=ledger)
    return entry


def project_alias(spec: PipelineSpec, *, registry: ModelRegistry, ledger: Ledger) -> int | None:
    """Make the registry alias say what the production pointer says now; return the version."""
    pointer = ledger.pointer(spec.model, PRODUCTION)
    if pointer is None:
        return None
    if registry.alias_version(spec.model, spec.promotion.alias) != pointer.version:
        registry.set_alias(spec.model, spec.promotion.alias, pointer.version)
    return pointer.version


def _record_refusal(ledger: Ledger, move: Move, error: Exception) -> None:
    refusal = Move(
        action=Action.REFUSE,
        model=move.model,
        timeline=move.timeline,
        version=move.version,
        manifest_digest=move.manifest_digest,
        as_of=move.as_of,
        key=move.key,
        expected_generation=move.expected_generation,
        idempotency_key=digest_of(["refuse", move.idempotency_key, move.expected_generation, str(error)]),
        decision_id=move.decision_id,
        actor=move.actor,
        reason=str(error),
    )
    ledger.append(refusal)

"""Break the glass: make a version champion without a decision, for a limited time."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from retrain.core.ledger.entries import Action, LedgerEntry, Move
from retrain.core.ports import Ledger
from retrain.core.resources import Resources
from retrain.errors import ConflictError, IntegrityError, NotFoundError
from retrain.steps.operation import Operation, refuse_operation
from retrain.steps.pointer import follow_pointer, move_pointer, propose_move
from retrain.steps.smoke_test import smoke_test_version

__all__ = ["force_champion"]


def force_champion(version: int, operation: Operation, resources: Resources, *, lifetime: timedelta) -> LedgerEntry:
    """Make any version of the model champion without a decision, until it expires.

    Raises:
        NotFoundError: The version is gone, or no retrain made it.
        ConflictError: It is champion already, or another move came first.
        IntegrityError: It was altered, does not load or score, or its key or digest in the registry is not the ledger's.
    """
    spec, timeline, ledger = operation.spec, operation.timeline, resources.ledger
    if (earlier := operation.find_earlier_move(Action.FORCE, ledger)) is not None:
        follow_pointer(spec, timeline, resources)
        return earlier
    challenger = resources.registry.find_version(spec.model, version)
    if challenger is None:
        gone = NotFoundError(
            f"version {version} of {spec.model} must exist and be made by a retrain",
            got="no such version",
            fix=f"See `retrain history {spec.model}`.",
        )
        refuse_operation(operation, version, str(gone), ledger=ledger)
        raise gone
    pointer = ledger.pointer(spec.model, timeline)
    identity = (version, challenger.manifest_digest, challenger.key)
    if pointer is not None and (pointer.version, pointer.manifest_digest, pointer.key) == identity:
        follow_pointer(spec, timeline, resources)
        raise ConflictError(
            f"version {version} of {spec.model} must not be champion already", got="the champion", fix="Nothing to do."
        )
    move = propose_move(
        Action.FORCE,
        spec.model,
        timeline,
        challenger,
        actor=operation.actor,
        reason=operation.reason,
        ledger=ledger,
        lifetime=lifetime,
    )
    if operation.origin is not None:
        move = replace(move, idempotency_key=operation.idempotency_key(Action.FORCE))

    def check() -> None:
        _check_recorded(move, ledger)
        smoke_test_version(spec, move, resources)

    return move_pointer(spec, move, check, resources)


def _check_recorded(move: Move, ledger: Ledger) -> None:
    """Compare key and digest in the registry, whose tags can be edited, with those that were live or decided on."""
    known = {
        (entry.key, entry.manifest_digest)
        for entry in ledger.entries(move.model)
        if entry.generation is not None and entry.version == move.version
    }
    for model, timeline in ledger.timelines():
        if model == move.model:
            challengers = (item.challenger for item in ledger.decisions(model, timeline) if item.challenger)
            known |= {(item.key, item.manifest_digest) for item in challengers if item.version == move.version}
    if known and (move.key, move.manifest_digest) not in known:
        raise IntegrityError(
            f"version {move.version} of {move.model} must be in the registry as it is in the ledger",
            got="another key or manifest digest",
            fix="Do not promote it: somebody edited its tags. Choose another version.",
        )

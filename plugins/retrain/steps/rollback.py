"""Go back, by a move forward, to a version that was live; break the glass; freeze."""

from __future__ import annotations

import tempfile
import uuid
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

from retrain.core.digest import digest_json
from retrain.core.ledger.entries import Action, LedgerEntry, Move
from retrain.core.names import PRODUCTION
from retrain.core.ports import Ledger, ModelRegistry, SmokeTest, SnapshotStore
from retrain.core.spec import PipelineSpec
from retrain.errors import ConflictError, IntegrityError, NotFoundError
from retrain.steps.pointer import LONG_AGO, move_pointer, project_alias, refuse, wish_back, wish_for

__all__ = [
    "Operation",
    "RollbackPlan",
    "force_champion",
    "freeze_model",
    "plan_rollback",
    "refuse_operation",
    "roll_back",
    "smoke_test_version",
    "unfreeze_model",
]


@dataclass(frozen=True)
class Operation:
    """Who does something to which pipeline's champion, on which timeline, and why.

    Attributes:
        origin: What asked for it, such as ``retrain_rollback/<run>``: asked again by the same, it was done already. Empty where
            each time counts.
    """

    spec: PipelineSpec
    timeline: str
    actor: str
    reason: str
    origin: str = ""

    def idempotency_key(self, action: Action) -> str:
        """Return the key of the one move that the origin may make."""
        return digest_json([action.value, self.spec.model, self.timeline, self.origin])

    def done_before(self, action: Action, ledger: Ledger) -> LedgerEntry | None:
        """Return the move that the origin made already."""
        key = self.idempotency_key(action) if self.origin else ""
        made = (entry for entry in ledger.entries(self.spec.model, self.timeline) if entry.idempotency_key == key)
        return next(made, None)


@dataclass(frozen=True)
class RollbackPlan:
    """What a rollback would do.

    Attributes:
        current: The move that made today's champion.
        target: The move that last made the other version champion; `current` where nothing is left to do.
    """

    current: LedgerEntry
    target: LedgerEntry

    @property
    def done(self) -> bool:
        """Whether the pointer is there already."""
        return self.current.version == self.target.version


def plan_rollback(operation: Operation, *, to: int | None, ledger: Ledger) -> RollbackPlan:
    """Say what a rollback would do; without `to` the version that was live before is its target.

    Where a rollback already set the champion, one without `to` has nothing left to do: asked twice, it goes back once.

    Raises:
        NotFoundError: There is no champion, or nothing to roll back to.
        ConflictError: The version was never live, or is in quarantine.
    """
    model, timeline = operation.spec.model, operation.timeline
    if (before := operation.done_before(Action.ROLLBACK, ledger)) is not None:
        return RollbackPlan(before, before)
    standing = ledger.standing(model, timeline)
    current = standing.champion
    if current is None:
        raise NotFoundError(f"{model} must have a champion on {timeline}", got="none", fix="Promote one first.")
    if to == current.version or (to is None and current.action is Action.ROLLBACK):
        return RollbackPlan(current, current)
    fallbacks = standing.fallbacks()
    known = ", ".join(str(entry.version) for entry in fallbacks) or "none"
    target = next((entry for entry in fallbacks if to in (None, entry.version)), None)
    if target is None and to is None:
        raise NotFoundError(
            f"{model} must have been another version on {timeline} before, not in quarantine",
            got="none",
            fix=f"Stop automatic promotions with `retrain freeze {model}`, or force a version.",
        )
    if target is None:
        raise ConflictError(
            f"a rollback of {model} on {timeline} must be to a version that was live there and is not in quarantine",
            got=f"version {to}",
            fix=f"Choose one of: {known}. `retrain promote {model} {to} --force` goes to any version.",
        )
    return RollbackPlan(current, target)


def refuse_operation(operation: Operation, version: int | None, why: str, *, ledger: Ledger) -> LedgerEntry:
    """Record that an operation was not granted, before there was a move to refuse."""
    model, timeline = operation.spec.model, operation.timeline
    champion = ledger.standing(model, timeline).champion
    move = _still(Action.REFUSE, model, timeline, champion, operation.actor, operation.reason)
    return refuse(ledger, replace(move, version=version or move.version), f"{operation.reason}: {why}")


def roll_back(
    plan: RollbackPlan,
    operation: Operation,
    *,
    registry: ModelRegistry,
    ledger: Ledger,
    snapshots: SnapshotStore,
    smoke_test: SmokeTest,
) -> LedgerEntry:
    """Move the pointer to the plan's target, once that was fetched, loaded and scored; quarantine the key it leaves.

    Saying it again changes nothing but an alias that did not follow yet.

    Raises:
        ConflictError: The pointer moved since the plan was made.
        IntegrityError: The target is not what was made, or does not load and score.
        NotFoundError: The target is gone.
    """
    if plan.done:
        if operation.timeline == PRODUCTION:
            project_alias(operation.spec, registry=registry, ledger=ledger)
        return plan.current
    move = wish_back(Action.ROLLBACK, plan.target, plan.current, actor=operation.actor, reason=operation.reason)
    if operation.origin:
        move = replace(move, idempotency_key=operation.idempotency_key(Action.ROLLBACK))

    def check() -> None:
        smoke_test_version(
            operation.spec, move, registry=registry, ledger=ledger, snapshots=snapshots, smoke_test=smoke_test
        )

    return move_pointer(operation.spec, move, check, registry=registry, ledger=ledger)


def smoke_test_version(
    spec: PipelineSpec,
    version: LedgerEntry | Move,
    *,
    registry: ModelRegistry,
    ledger: Ledger,
    snapshots: SnapshotStore,
    smoke_test: SmokeTest,
) -> int:
    """Prove that a version still is what was made, loads, and scores the holdout of its own decision; return the rows.

    Raises:
        IntegrityError: It is not, or does not.
        NotFoundError: It is gone.
    """
    decision = ledger.decision(version.decision_id) if version.decision_id else None
    snapshot = snapshots.load(decision.snapshot) if decision and decision.snapshot else None
    with tempfile.TemporaryDirectory(prefix="retrain-") as scratch:
        folder = registry.fetch(version.model, version.version, version.manifest_digest, Path(scratch))
        return smoke_test(spec, folder, snapshot)


def force_champion(
    version: int,
    operation: Operation,
    *,
    lifetime: timedelta,
    registry: ModelRegistry,
    ledger: Ledger,
    snapshots: SnapshotStore,
    smoke_test: SmokeTest,
) -> LedgerEntry:
    """Make any version of the model champion although no decision stands for it, for a while.

    Raises:
        NotFoundError: The version is gone, or no retrain made it.
        ConflictError: It is champion already, or another move came first.
        IntegrityError: It is not what was made, or does not load and score; or the registry says another of it than the ledger.
    """
    spec, timeline = operation.spec, operation.timeline
    if (before := operation.done_before(Action.FORCE, ledger)) is not None:
        return before
    made = registry.find_version(spec.model, version)
    if made is None:
        gone = NotFoundError(
            f"version {version} of {spec.model} must be there and made by a retrain",
            got="no such version",
            fix=f"See `retrain history {spec.model}`.",
        )
        refuse_operation(operation, version, str(gone), ledger=ledger)
        raise gone
    pointer = ledger.pointer(spec.model, timeline)
    if pointer is not None and pointer.version == version:
        raise ConflictError(
            f"version {version} of {spec.model} must not be champion already", got="the champion", fix="Nothing to do."
        )
    move = wish_for(
        Action.FORCE,
        spec.model,
        timeline,
        made,
        actor=operation.actor,
        reason=operation.reason,
        ledger=ledger,
        lifetime=lifetime,
    )
    if operation.origin:
        move = replace(move, idempotency_key=operation.idempotency_key(Action.FORCE))

    def check() -> None:
        _check_recorded(move, ledger)
        smoke_test_version(spec, move, registry=registry, ledger=ledger, snapshots=snapshots, smoke_test=smoke_test)

    return move_pointer(spec, move, check, registry=registry, ledger=ledger)


def freeze_model(model: str, timeline: str, *, actor: str, reason: str, ledger: Ledger) -> LedgerEntry:
    """Stop automatic promotions until `unfreeze_model`; freezing what is frozen changes nothing."""
    standing = ledger.standing(model, timeline)
    if standing.freeze is not None:
        return standing.freeze
    return ledger.append(_still(Action.FREEZE, model, timeline, standing.champion, actor, reason))


def unfreeze_model(model: str, timeline: str, *, actor: str, reason: str, ledger: Ledger) -> LedgerEntry:
    """Let automatic promotions happen again.

    Raises:
        NotFoundError: The model is not frozen.
    """
    standing = ledger.standing(model, timeline)
    if standing.freeze is None:
        raise NotFoundError(f"{model} must be frozen on {timeline}", got="no freeze", fix="Nothing to do.")
    return ledger.append(_still(Action.UNFREEZE, model, timeline, standing.champion, actor, reason))


def _check_recorded(move: Move, ledger: Ledger) -> None:
    """Hold the registry's tags, which anyone who may write there can edit, against what was live or decided on."""
    known = {
        (entry.key, entry.manifest_digest)
        for entry in ledger.entries(move.model)
        if entry.generation is not None and entry.version == move.version
    }
    for model, timeline in ledger.timelines():
        if model == move.model:
            made = (item.challenger for item in ledger.decisions(model, timeline) if item.challenger)
            known |= {(item.key, item.manifest_digest) for item in made if item.version == move.version}
    if known and (move.key, move.manifest_digest) not in known:
        raise IntegrityError(
            f"version {move.version} of {move.model} must be in the registry as it is in the ledger",
            got="another key or manifest digest",
            fix="Do not promote it: somebody edited its tags. Choose another version.",
        )


def _still(action: Action, model: str, timeline: str, champion: LedgerEntry | None, actor: str, reason: str) -> Move:
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

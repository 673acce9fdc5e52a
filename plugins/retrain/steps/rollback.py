"""Go back to a version that was live, by a move forward."""

from __future__ import annotations

from dataclasses import dataclass, replace

from retrain.core.ledger.entries import Action, LedgerEntry
from retrain.core.ports import Ledger
from retrain.core.resources import Resources
from retrain.errors import ConflictError, NotFoundError
from retrain.steps.operation import Operation
from retrain.steps.pointer import follow_pointer, move_pointer, propose_return
from retrain.steps.smoke_test import smoke_test_version

__all__ = ["RollbackPlan", "plan_rollback", "roll_back"]


@dataclass(frozen=True)
class RollbackPlan:
    """The current move and the target of a planned rollback.

    Attributes:
        current: The move that made the current champion.
        target: The move that last made the other version champion; `current` if nothing is left to do.
    """

    current: LedgerEntry
    target: LedgerEntry

    @property
    def done(self) -> bool:
        """Whether the target is champion already."""
        return self.current.identity == self.target.identity


def plan_rollback(operation: Operation, *, to: int | None, ledger: Ledger) -> RollbackPlan:
    """Return what a rollback would do; its target is the previous champion if `to` is not given.

    If the last move was a rollback already, one without `to` has nothing left to do: two requests go back once.

    Raises:
        NotFoundError: There is no champion, or nothing to roll back to.
        ConflictError: The version was never live, or is in quarantine.
    """
    model, timeline = operation.spec.model, operation.timeline
    if (earlier := operation.find_earlier_move(Action.ROLLBACK, ledger)) is not None:
        return RollbackPlan(earlier, earlier)
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


def roll_back(plan: RollbackPlan, operation: Operation, resources: Resources) -> LedgerEntry:
    """Fetch, load and score the plan's target, then move the pointer to it; quarantine the key of the version it replaces.

    A second call changes nothing, except an alias that did not follow yet.

    Raises:
        ConflictError: The pointer moved since the plan was made.
        IntegrityError: The target was altered, or does not load or score.
        NotFoundError: The target is gone.
    """
    spec = operation.spec
    if plan.done:
        follow_pointer(spec, operation.timeline, resources)
        return plan.current
    move = propose_return(Action.ROLLBACK, plan.target, plan.current, actor=operation.actor, reason=operation.reason)
    if operation.origin is not None:
        move = replace(move, idempotency_key=operation.idempotency_key(Action.ROLLBACK))
    return move_pointer(spec, move, lambda: smoke_test_version(spec, move, resources), resources)

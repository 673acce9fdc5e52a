"""Make the challenger of a PROMOTE decision the champion of its timeline."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path

from retrain.core.decision import Choice, Decision
from retrain.core.digest import digest_of
from retrain.core.ledger import Action, LedgerEntry, Move
from retrain.core.ports import Ledger, ModelRegistry
from retrain.core.request import RetrainRequest
from retrain.core.spec import PipelineSpec
from retrain.errors import ConflictError, IntegrityError
from retrain.steps.pointer import move_pointer

__all__ = ["Approval", "promote_challenger"]


@dataclass(frozen=True)
class Approval:
    """A person's yes to one decision, and so to its version, digest and generation."""

    decision_id: str
    approver: str


def promote_challenger(
    spec: PipelineSpec,
    request: RetrainRequest,
    decision: Decision,
    *,
    registry: ModelRegistry,
    ledger: Ledger,
    approval: Approval | None = None,
) -> LedgerEntry:
    """Make the challenger of a PROMOTE decision the champion of its timeline; saying it again changes nothing.

    Raises:
        ConflictError: Another promotion moved the pointer since the evaluation, or the approval does not hold.
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
        approver=approval.approver if approval else "",
    )

    def check() -> None:
        if spec.promotion.approval == "required":
            _check_approval(spec, decision, approval, request.actor)
        with tempfile.TemporaryDirectory(prefix="retrain-") as scratch:
            registry.fetch(spec.model, challenger.version, challenger.manifest_digest, Path(scratch))

    return move_pointer(spec, move, check, registry=registry, ledger=ledger)


def _check_approval(spec: PipelineSpec, decision: Decision, approval: Approval | None, actor: str) -> None:
    got = ""
    if approval is None:
        got = "none"
    elif approval.decision_id != decision.id:
        got = f"a stale one by {approval.approver}, of another decision"
    elif approval.approver not in spec.promotion.approvers:
        got = f"one by {approval.approver}, who is not among the approvers"
    elif approval.approver == actor:
        got = f"one by {approval.approver}, who asked for the retrain"
    if got:
        raise ConflictError(
            f"a promotion of {spec.model} must be approved by one of {', '.join(spec.promotion.approvers)},"
            " other than who asked for it",
            got=got,
            fix="Clear the task approve and have somebody else answer.",
        )

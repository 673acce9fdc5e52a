"""Make the challenger of a PROMOTE decision the champion of its timeline."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path

from retrain.core.digest import digest_json
from retrain.core.ledger.entries import Action, LedgerEntry, Move
from retrain.core.names import PRODUCTION
from retrain.core.policy.decision import Choice, Decision
from retrain.core.ports import Ledger
from retrain.core.resources import Retrain
from retrain.core.spec import PipelineSpec
from retrain.errors import ConflictError, IntegrityError
from retrain.steps.pointer import move_pointer, refuse

__all__ = ["Approval", "needs_approval", "promote_challenger", "refuse_promotion"]


@dataclass(frozen=True)
class Approval:
    """A person's approval of one decision, and so of its version, digest and generation.

    Attributes:
        approver: The user's id.
        name: The user's name, which is all that a DAG run knows of the user who triggered it.
    """

    decision_id: str
    approver: str
    name: str = ""


def promote_challenger(retrain: Retrain, decision: Decision, *, approval: Approval | None = None) -> LedgerEntry:
    """Make the challenger of a PROMOTE decision the champion of its timeline; a second call changes nothing.

    Raises:
        ConflictError: Another promotion moved the pointer since the evaluation, or the approval does not hold.
        IntegrityError: The artifact is not what was made, or the decision is not PROMOTE.
    """
    spec, resources = retrain.spec, retrain.resources
    move = _propose_promotion(retrain, decision, approval)

    def check() -> None:
        if needs_approval(spec, decision.timeline):
            _check_approval(spec, decision, approval, retrain.request.actor)
        with tempfile.TemporaryDirectory(prefix="retrain-") as scratch:
            resources.registry.fetch(move.model, move.version, move.manifest_digest, Path(scratch))

    return move_pointer(spec, move, check, resources)


def needs_approval(spec: PipelineSpec, timeline: str) -> bool:
    """Return whether a person must approve: on production, if the spec asks for it."""
    return spec.promotion.approval == "required" and timeline == PRODUCTION


def refuse_promotion(retrain: Retrain, decision: Decision, reason: str) -> LedgerEntry:
    """Record that a PROMOTE decision was not carried out, for example because a person rejected it."""
    return refuse(retrain.resources.ledger, _propose_promotion(retrain, decision, None), reason)


def _propose_promotion(retrain: Retrain, decision: Decision, approval: Approval | None) -> Move:
    spec, request, resources = retrain.spec, retrain.request, retrain.resources
    challenger = decision.challenger
    if decision.choice is not Choice.PROMOTE or challenger is None:
        raise IntegrityError(
            "only a PROMOTE decision may move the pointer", got=decision.choice.value, fix="See the decision's reason."
        )
    return Move(
        action=Action.PROMOTE,
        model=spec.model,
        timeline=decision.timeline,
        version=challenger.version,
        manifest_digest=challenger.manifest_digest,
        as_of=decision.as_of,
        key=challenger.key,
        expected_generation=decision.champion_generation,
        idempotency_key=_identify_promotion(decision, challenger.key, resources.ledger),
        decision_id=decision.id,
        decision_digest=decision.digest,
        actor=request.actor,
        reason=request.reason or decision.reason,
        approver=approval.approver if approval else "",
    )


def _identify_promotion(decision: Decision, key: str, ledger: Ledger) -> str:
    """Return the idempotency key of the one promotion of a key; it is another one after the key's artifact was lost."""
    standing = ledger.standing(decision.model, decision.timeline)
    if promotion := standing.find_promotion(key):
        return promotion.idempotency_key
    losses = standing.count_losses(key)
    return digest_json(["promote", decision.model, decision.timeline, key, *([losses] if losses else [])])


def _check_approval(spec: PipelineSpec, decision: Decision, approval: Approval | None, actor: str) -> None:
    got = ""
    if approval is None:
        got = "none"
    elif approval.decision_id != decision.id:
        got = f"one by {approval.approver} for another decision"
    elif approval.approver not in spec.promotion.approvers:
        got = f"one by {approval.approver}, who is not among the approvers"
    elif actor and actor in (approval.approver, approval.name):
        got = f"one by {approval.approver}, who requested the retrain"
    if got:
        raise ConflictError(
            f"a promotion of {spec.model} must be approved by one of {', '.join(spec.promotion.approvers)},"
            " but not by the one who requested it",
            got=got,
            fix="Clear the task `approve` and let another approver answer.",
        )

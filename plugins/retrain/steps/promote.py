"""Make the challenger of a PROMOTE decision the champion of its timeline."""

from __future__ import annotations

import tempfile
from dataclasses import replace
from pathlib import Path

from retrain.core.digest import digest_json
from retrain.core.ledger.entries import Action, LedgerEntry, Move
from retrain.core.names import PRODUCTION
from retrain.core.policy.decision import Choice, Decision
from retrain.core.ports import Ledger
from retrain.core.resources import Retrain
from retrain.core.spec import PipelineSpec
from retrain.errors import ConflictError, IntegrityError, NotFoundError
from retrain.steps.pointer import move_pointer, refuse
from retrain.steps.results import was_trained

__all__ = [
    "approve_promotion",
    "check_own_decision",
    "list_approvers",
    "needs_approval",
    "promote_challenger",
    "refuse_promotion",
]


def promote_challenger(retrain: Retrain, decision: Decision) -> LedgerEntry:
    """Make the challenger of a PROMOTE decision the champion of its timeline; a second call changes nothing.

    Raises:
        ConflictError: Another promotion moved the pointer since the evaluation, or nobody who may do so has approved.
        IntegrityError: The artifact is not what was made, or the decision is not PROMOTE, changed, or another retrain's.
    """
    spec, resources = retrain.spec, retrain.resources
    standing = resources.ledger.standing(decision.model, decision.timeline)
    approver = standing.approvals.get(decision.digest, "") if needs_approval(spec, decision.timeline) else ""
    move = _propose_promotion(retrain, decision, approver)

    def check() -> None:
        if needs_approval(spec, decision.timeline):
            _check_approver(retrain, approver)
        with tempfile.TemporaryDirectory(prefix="retrain-") as scratch:
            resources.registry.fetch(move.model, move.version, move.manifest_digest, Path(scratch))

    return move_pointer(spec, move, check, resources)


def needs_approval(spec: PipelineSpec, timeline: str) -> bool:
    """Return whether a person must approve: on production, if the spec asks for it."""
    return spec.promotion.approval == "required" and timeline == PRODUCTION


def list_approvers(spec: PipelineSpec, requester: str) -> list[str]:
    """Return the users who may approve a retrain: all of the spec's approvers but the one who requested it."""
    return [user for user in spec.promotion.approvers if user != requester]


def approve_promotion(retrain: Retrain, decision: Decision, *, approver: str, name: str, shown: str) -> LedgerEntry:
    """Record that a person approved a decision; a second call changes nothing.

    Args:
        approver: The user's id.
        name: The user's name, which is all that a DAG run knows of the user who triggered it.
        shown: The digest of the decision that the person was shown.

    Raises:
        ConflictError: The user may not approve it.
        IntegrityError: The decision is not the one that was shown, or not this retrain's.
    """
    if decision.digest != shown:
        raise IntegrityError(
            "an approval must be of the decision that the approver was shown",
            got="another decision: the task gate ran again while the approver was asked",
            fix="Clear the task approve, which shows the current decision.",
        )
    _check_approver(retrain, approver, name)
    move = _propose_promotion(retrain, decision, approver)
    idempotency_key = digest_json([Action.APPROVE.value, decision.digest, approver])
    return retrain.resources.ledger.append(replace(move, action=Action.APPROVE, idempotency_key=idempotency_key))


def refuse_promotion(retrain: Retrain, decision: Decision, reason: str) -> LedgerEntry:
    """Record that a PROMOTE decision was not carried out, for example because a person rejected it."""
    return refuse(retrain.resources.ledger, _propose_promotion(retrain, decision, ""), reason)


def _propose_promotion(retrain: Retrain, decision: Decision, approver: str) -> Move:
    spec, request = retrain.spec, retrain.request
    challenger = decision.challenger
    if decision.choice is not Choice.PROMOTE or challenger is None:
        raise IntegrityError(
            "only a PROMOTE decision may move the pointer", got=decision.choice.value, fix="See the decision's reason."
        )
    check_own_decision(retrain, decision)
    return Move(
        action=Action.PROMOTE,
        model=spec.model,
        timeline=decision.timeline,
        version=challenger.version,
        manifest_digest=challenger.manifest_digest,
        as_of=decision.as_of,
        key=challenger.key,
        expected_generation=decision.champion_generation,
        idempotency_key=_identify_promotion(decision, challenger.key, retrain.resources.ledger),
        decision_id=decision.id,
        decision_digest=decision.digest,
        actor=request.actor,
        reason=request.reason or decision.reason,
        approver=approver,
    )


def _identify_promotion(decision: Decision, key: str, ledger: Ledger) -> str:
    """Return the idempotency key of the one promotion of a key; it is another one after the key's artifact was lost."""
    standing = ledger.standing(decision.model, decision.timeline)
    if promotion := standing.find_promotion(key):
        return promotion.idempotency_key
    losses = standing.count_losses(key)
    return digest_json(["promote", decision.model, decision.timeline, key, *([losses] if losses else [])])


def check_own_decision(retrain: Retrain, decision: Decision) -> None:
    """Check that a decision is as it was recorded, and this retrain's or the one that promoted the same challenger before.

    Raises:
        IntegrityError: It was changed, or is another retrain's.
    """
    request = retrain.request
    if _was_changed(retrain, decision):
        raise IntegrityError(
            "a decision must be carried out as the ledger records it",
            got="one that says something else",
            fix="Clear the task gate with what is downstream of it.",
        )
    same_place = (decision.model, decision.timeline) == (request.model, request.timeline)
    if not same_place or not (decision.request_id == request.id or _trained_again(retrain, decision)):
        raise IntegrityError(
            "a retrain must carry out its own decision",
            got=f"that of another one ({decision.origin}, as of {decision.as_of:%Y-%m-%d %H:%M})",
            fix="Clear the task gate with what is downstream of it.",
        )


def _was_changed(retrain: Retrain, decision: Decision) -> bool:
    try:
        return retrain.resources.ledger.decision(decision.id) != decision
    except NotFoundError:
        return False  # the ledger refuses a move that rests on a decision it does not know


def _trained_again(retrain: Retrain, decision: Decision) -> bool:
    """Return whether this retrain found the challenger that the decision had promoted before, by the same key."""
    request, challenger = retrain.request, decision.challenger
    if challenger is None:
        return False
    promoted = retrain.resources.ledger.standing(request.model, request.timeline).find_promotion(challenger.key)
    if promoted is None or promoted.decision_id != decision.id:
        return False
    return was_trained(retrain, decision.snapshot, challenger)


def _check_approver(retrain: Retrain, approver: str, name: str = "") -> None:
    spec, requester = retrain.spec, retrain.request.actor
    got = ""
    if not approver:
        got = "no approval of this decision"
    elif approver not in spec.promotion.approvers:
        got = f"one by {approver}, who is not among the approvers"
    elif requester and requester in (approver, name):
        got = f"one by {approver}, who requested the retrain"
    if got:
        raise ConflictError(
            f"a promotion of {spec.model} must be approved by one of {', '.join(spec.promotion.approvers)},"
            " but not by the one who requested it",
            got=got,
            fix="Clear the task `approve` and let another approver answer.",
        )

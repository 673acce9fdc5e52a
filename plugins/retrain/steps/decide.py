"""Come to the one decision of a retrain, also where it failed, and write it down."""

from __future__ import annotations

import math

from retrain.core.decision import Challenger, Choice, Decision, decide
from retrain.core.failpoints import failpoint
from retrain.core.gates import LoadGate
from retrain.core.ports import EvidenceStore, Ledger
from retrain.core.request import RetrainRequest
from retrain.core.snapshot import Snapshot
from retrain.core.spec import PipelineSpec
from retrain.errors import IntegrityError
from retrain.steps.judging import judge_all

__all__ = ["decide_retrain", "record_failure"]


def decide_retrain(
    spec: PipelineSpec,
    request: RetrainRequest,
    snapshot: Snapshot,
    challenger: Challenger,
    scorecard_digest: str,
    *,
    evidence: EvidenceStore,
    ledger: Ledger,
    load_gate: LoadGate,
) -> Decision:
    """Judge the evidence by the pipeline's gates and record the decision; `load_gate` imports those of the project's own.

    A key that was promoted on this timeline before keeps that decision.

    Raises:
        IntegrityError: The scorecard is another challenger's, such as where one of the tasks before this one ran again alone.
    """
    promoted = ledger.entry(spec.model, request.timeline, challenger.key)
    if promoted is not None:
        return ledger.decision(promoted.decision_id)
    found = evidence.evidence(scorecard_digest)
    card = found.scorecard
    if (card.model, card.timeline, card.key) != (spec.model, request.timeline, challenger.key):
        raise IntegrityError(
            "a challenger must be judged by its own scorecard",
            got=f"that of key {card.key[:12]} of {card.model} on {card.timeline}, not of key {challenger.key[:12]}",
            fix="Clear the task evaluate with what is downstream of it.",
        )
    verdicts = judge_all(spec.gate, found, load_gate)
    bar = ledger.standing(spec.model, request.timeline).bar(challenger.key)
    choice, reason = decide(verdicts, request.as_of, card.champion, bar=bar)
    primary = spec.evaluation.primary
    decision = Decision(
        request_id=request.id,
        model=spec.model,
        timeline=request.timeline,
        as_of=request.as_of,
        choice=choice,
        reason=reason,
        origin=request.origin,
        verdicts=verdicts,
        challenger=challenger,
        champion_version=card.champion.version if card.champion else None,
        champion_generation=card.champion.generation if card.champion else 0,
        opponent=card.opponent,
        metric=primary,
        challenger_value=_finite(card.challenger_metrics.get(primary)),
        opponent_value=_finite(card.opponent_metrics.get(primary)),
        train_rows=snapshot.train_rows,
        holdout_rows=card.rows,
        snapshot=snapshot.digest,
        scorecard=scorecard_digest,
    )
    stored = ledger.record(decision, card)
    failpoint("decided")
    return stored


def record_failure(spec: PipelineSpec, request: RetrainRequest, step: str, reason: str, *, ledger: Ledger) -> Decision:
    """Record REJECT for a retrain that never came to its gates."""
    ledger.open_retrain(request)
    champion = ledger.pointer(spec.model, request.timeline)
    decision = Decision(
        request_id=request.id,
        model=spec.model,
        timeline=request.timeline,
        as_of=request.as_of,
        choice=Choice.REJECT,
        reason=f"{step} failed: {reason}",
        origin=request.origin,
        champion_version=champion.version if champion else None,
        champion_generation=champion.generation if champion else 0,
        metric=spec.evaluation.primary,
        failed_step=step,
    )
    return ledger.record(decision)


def _finite(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None

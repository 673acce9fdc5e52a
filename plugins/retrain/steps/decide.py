"""Come to the one decision of a retrain, also where it failed, and write it down."""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from retrain.core.data.snapshot import Snapshot
from retrain.core.digest import digest_json
from retrain.core.evaluation.scorecard import Scorecard
from retrain.core.failpoints import failpoint
from retrain.core.policy.decision import Challenger, Choice, Decision, decide, find_block
from retrain.core.policy.error_control import Allotment, allot
from retrain.core.policy.evidence import Evidence
from retrain.core.policy.gates import LoadGate
from retrain.core.ports import EvidenceStore, Ledger
from retrain.core.request import RetrainRequest
from retrain.core.spec import PipelineSpec
from retrain.errors import ConflictError, IntegrityError
from retrain.steps.judging import judge_all

__all__ = ["decide_retrain", "record_failure"]

_MOST_ATTEMPTS: Final = 50
"""How often a decision is made anew where other models of the fleet keep taking its place in their sequence of tests."""


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
    """Judge the evidence by the pipeline's gates, at the level that its error control gives, and record the decision.

    A key that was promoted on this timeline before keeps that decision.

    Raises:
        ConflictError: Other retrains took the place in the sequence of tests time and again.
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
    for attempt in range(1, _MOST_ATTEMPTS + 1):
        decision = _judge(spec, request, snapshot, challenger, scorecard_digest, found, ledger, load_gate)
        try:
            stored = ledger.record(decision, card)
        except ConflictError:
            if attempt == _MOST_ATTEMPTS:
                raise
        else:
            break
    failpoint("decided")
    return stored


def _judge(
    spec: PipelineSpec,
    request: RetrainRequest,
    snapshot: Snapshot,
    challenger: Challenger,
    scorecard_digest: str,
    found: Evidence,
    ledger: Ledger,
    load_gate: LoadGate,
) -> Decision:
    card = found.scorecard
    block = ledger.standing(spec.model, request.timeline).find_block(challenger.key)
    allotment = None
    if card.opponent == "champion" and not find_block(request.as_of, card.champion, block=block):
        allotment = _allot(spec, request, card, ledger)
    found = replace(found, allotment=allotment)
    verdicts = judge_all(spec.gate, found, load_gate)
    ruling = decide(verdicts, request.as_of, card.champion, block=block)
    primary, window = spec.evaluation.primary, snapshot.window
    holdout = (window.holdout_start, window.end)
    return Decision(
        request_id=request.id,
        model=spec.model,
        timeline=request.timeline,
        as_of=request.as_of,
        choice=ruling.choice,
        reason=ruling.reason,
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
        holdout=holdout,
        consulted=_consulted(request, challenger, holdout, ledger),
        allotment=allotment,
        decided_by=ruling.decided_by,
        blocked_by=ruling.blocked_by,
    )


def _allot(spec: PipelineSpec, request: RetrainRequest, card: Scorecard, ledger: Ledger) -> Allotment | None:
    """Return the error that the test against the champion may make, by what was spent before it.

    The first model of a timeline is not asked: it takes nobody's place, so promoting it is no false promotion.
    """
    control = spec.error_control
    # LORD++ shares one sequence among all models of a timeline; a budget over time is a pipeline's own.
    sequence = f"{control.method}/{request.timeline}" + ("" if control.method == "lord" else f"/{spec.model}")
    policy = digest_json([gate.model_dump(mode="json") for gate in spec.gate])
    generation = card.champion.generation if card.champion else 0
    return allot(
        control,
        spec.schedule,
        test=digest_json([spec.model, card.key, generation, policy]),
        sequence=sequence,
        as_of=request.as_of,
        past=[] if control.method == "none" else ledger.tests(sequence),
    )


def _consulted(
    request: RetrainRequest, challenger: Challenger, holdout: tuple[datetime, datetime], ledger: Ledger
) -> float:
    """Return how many times earlier decisions on the model had looked at an evaluation window, in whole windows."""

    def is_this(decision: Decision) -> bool:
        return decision.request_id == request.id and decision.challenger == challenger

    earlier = [
        decision.holdout
        for name, timeline in ledger.timelines()
        if name == request.model
        for decision in ledger.decisions(name, timeline)
        if decision.holdout and not is_this(decision)
    ]
    start, end = holdout
    nothing = timedelta(0)
    return math.fsum(max(min(end, until) - max(start, since), nothing) / (end - start) for since, until in earlier)


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

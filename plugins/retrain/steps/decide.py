"""Make and record the one decision of a retrain, also of one that failed."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from retrain.core.codec import finite_or_none
from retrain.core.data.snapshot import Snapshot
from retrain.core.digest import digest_json
from retrain.core.evaluation.scorecard import Scorecard
from retrain.core.failpoints import failpoint
from retrain.core.ledger.step_result import Step
from retrain.core.policy.decision import Challenger, Choice, Decision, decide, find_block
from retrain.core.policy.error_control import Allotment, allot
from retrain.core.policy.evidence import Evidence
from retrain.core.policy.gates import Gate, LoadedGate, LoadGate, Outcome, Verdict
from retrain.core.ports import Ledger
from retrain.core.request import RetrainRequest
from retrain.core.resources import Retrain
from retrain.core.spec import PipelineSpec
from retrain.errors import ConflictError, IntegrityError
from retrain.steps.results import describe_step, require_challenger, require_step, require_validation

__all__ = ["decide_retrain", "judge_all", "record_failure"]

_MOST_ATTEMPTS: Final = 50
"""How often a decision is made again if other models of the fleet keep taking its place in the sequence of tests."""


def decide_retrain(retrain: Retrain, snapshot: Snapshot, challenger: Challenger, scorecard_digest: str) -> Decision:
    """Judge the evidence by the pipeline's gates, at the level that its error control gives, and record the decision.

    A key that was promoted on this timeline before keeps that decision.

    Raises:
        ConflictError: Other retrains took the place in the sequence of tests again and again.
        IntegrityError: The data was not validated, or snapshot, challenger or scorecard are not what the steps of this retrain
            made, for example because an earlier task ran again alone.
    """
    spec, ledger, timeline = retrain.spec, retrain.resources.ledger, retrain.request.timeline
    promoted = ledger.standing(spec.model, timeline).find_promotion(challenger.key)
    if promoted is not None:
        return ledger.decision(promoted.decision_id)
    validation = require_validation(retrain, snapshot)
    require_challenger(retrain, snapshot, challenger)
    evaluated = describe_step(retrain, Step.EVALUATE, snapshot.digest, challenger, scorecard=scorecard_digest)
    require_step(retrain, evaluated)
    evidence = retrain.resources.evidence.evidence(scorecard_digest)
    card = evidence.scorecard
    if (card.model, card.timeline, card.key) != (spec.model, timeline, challenger.key):
        raise IntegrityError(
            "a challenger must be judged by its own scorecard",
            got=f"that of key {card.key[:12]} of {card.model} on {card.timeline}, not of key {challenger.key[:12]}",
            fix="Clear the task evaluate with what is downstream of it.",
        )
    if any(gate.rated for gate in spec.gate):
        past = ledger.measurements(spec.model, timeline, retrain.request.as_of)
        evidence = replace(evidence, past=tuple(past))
    for attempt in range(1, _MOST_ATTEMPTS + 1):
        judged = _judge(retrain, snapshot, challenger, scorecard_digest, evidence)
        decision = replace(judged, validation=validation.digest)
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
    retrain: Retrain, snapshot: Snapshot, challenger: Challenger, scorecard_digest: str, evidence: Evidence
) -> Decision:
    spec, request, ledger = retrain.spec, retrain.request, retrain.resources.ledger
    card = evidence.scorecard
    block = ledger.standing(spec.model, request.timeline).find_block(challenger.key)
    competes = card.opponent == "champion" and not find_block(request.as_of, card.champion, block=block)

    def allot_level() -> Allotment | None:
        return _allot(spec, request, card, ledger) if competes else None

    verdicts, allotment = judge_all(spec.gate, evidence, retrain.resources.load_gates(spec), allot_level)
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
        decided_by=ruling.decided_by,
        blocked_by=ruling.blocked_by,
        origin=request.origin,
        verdicts=verdicts,
        challenger=challenger,
        champion_version=card.champion.version if card.champion else None,
        champion_generation=card.champion.generation if card.champion else 0,
        opponent=card.opponent,
        metric=primary,
        challenger_value=finite_or_none(card.challenger_metrics.get(primary)),
        opponent_value=finite_or_none(card.opponent_metrics.get(primary)),
        train_rows=snapshot.train_rows,
        holdout_rows=card.rows,
        snapshot=snapshot.digest,
        scorecard=scorecard_digest,
        holdout=holdout,
        consulted=_consulted(request, challenger, holdout, ledger),
        allotment=allotment,
    )


def judge_all(
    gates: Sequence[Gate], evidence: Evidence, load_gate: LoadGate, allot_level: Callable[[], Allotment | None]
) -> tuple[tuple[Verdict, ...], Allotment | None]:
    """Return one verdict per gate, in their order, and the error that was allotted to those that spend it.

    Gates that spend no error judge first. If one of them rules a promotion out, none is spent: the others judge at their own level.

    Args:
        allot_level: Returns the error of this test; None if it needs none.
    """

    def judge(gate: Gate, seen: Evidence) -> Verdict:
        return gate.judge_by(load_gate, seen) if isinstance(gate, LoadedGate) else gate.judge(seen)

    verdicts = {index: judge(gate, evidence) for index, gate in enumerate(gates) if not gate.spends}
    may_promote = all(verdict.outcome is Outcome.PASS for verdict in verdicts.values())
    allotment = allot_level() if may_promote and len(verdicts) < len(gates) else None
    with_level = replace(evidence, allotment=allotment)
    verdicts |= {index: judge(gate, with_level) for index, gate in enumerate(gates) if gate.spends}
    return tuple(verdicts[index] for index in range(len(gates))), allotment


def _allot(spec: PipelineSpec, request: RetrainRequest, card: Scorecard, ledger: Ledger) -> Allotment | None:
    """Return the error level of the test against the champion, given the levels that were spent before it.

    The first model of a timeline spends nothing: it replaces no champion, so promoting it cannot be a false promotion.
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
    """Return how often earlier decisions on the model used this evaluation window: overlaps added up, in whole windows."""

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


def record_failure(retrain: Retrain, step: str, reason: str) -> Decision:
    """Record REJECT for a retrain that failed before its gates."""
    spec, request, ledger = retrain.spec, retrain.request, retrain.resources.ledger
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

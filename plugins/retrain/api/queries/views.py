"""Converts the ledger's objects to the API's schemas."""

from __future__ import annotations

from datetime import datetime

from retrain.api.schemas.decisions import BlockView, DecisionPoint, Interval, VerdictView
from retrain.api.schemas.fleet import Champion
from retrain.api.schemas.ledger import LedgerRow
from retrain.core.codec import finite_or_none
from retrain.core.ledger.entries import LedgerEntry
from retrain.core.names import PRODUCTION
from retrain.core.policy.decision import Decision
from retrain.core.policy.gates import Verdict

__all__ = [
    "champion_of",
    "decision_point",
    "ledger_row",
    "production_first",
    "verdict_view",
]


def verdict_view(verdict: Verdict) -> VerdictView:
    """Return the verdict of one gate."""
    low_high = verdict.interval
    return VerdictView(
        name=verdict.name,
        check=verdict.check,
        metric=verdict.metric,
        column=verdict.column,
        group=verdict.group,
        outcome=verdict.outcome,
        reason=verdict.reason,
        value=finite_or_none(verdict.value),
        bound=finite_or_none(verdict.bound),
        interval=Interval(low=finite_or_none(low_high[0]), high=finite_or_none(low_high[1])) if low_high else None,
    )


def decision_point(decision: Decision) -> DecisionPoint:
    """Return a decision in brief."""
    gain, block = decision.gain, decision.blocked_by
    return DecisionPoint(
        id=decision.id,
        model=decision.model,
        timeline=decision.timeline,
        as_of=decision.as_of,
        at=decision.at,
        choice=decision.choice,
        reason=decision.reason,
        reasons=list(decision.reasons),
        decided_by=list(decision.decided_by),
        blocked_by=BlockView.model_validate(block) if block else None,
        failed_step=decision.failed_step,
        version=decision.challenger.version if decision.challenger else None,
        champion_version=decision.champion_version,
        opponent=decision.opponent,
        metric=decision.metric,
        challenger_value=finite_or_none(decision.challenger_value),
        opponent_value=finite_or_none(decision.opponent_value),
        gain=verdict_view(gain) if gain else None,
        dag_id=decision.origin.dag_id or None,
        run_id=decision.origin.run_id or None,
    )


def champion_of(move: LedgerEntry, now: datetime) -> Champion:
    """Return the champion that a move set."""
    return Champion(
        version=move.version,
        as_of=move.as_of,
        age_seconds=(now - move.as_of).total_seconds(),
        since=move.at,
        action=move.action,
        actor=move.actor,
        approver=move.approver,
        reason=move.reason,
        generation=move.generation or 0,
        manifest_digest=move.manifest_digest,
        decision_id=move.decision_id,
        expires_at=move.expires_at,
    )


def ledger_row(entry: LedgerEntry) -> LedgerRow:
    """Return a ledger entry as a row."""
    return LedgerRow.model_validate(entry)


def production_first(timelines: set[str]) -> list[str]:
    """Return timelines by name, production before all others."""
    return sorted(timelines, key=lambda name: (name != PRODUCTION, name))

"""One model: its state, its history, and the operations that this user may start."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

from retrain.adapters.sql_ledger import SqlLedger
from retrain.api.access import Access
from retrain.api.dags import OpenApproval, find_dags, find_open_approvals
from retrain.api.queries.links import version_url
from retrain.api.queries.ratings import read_ratings
from retrain.api.queries.views import champion_of, decision_point, ledger_row, production_first
from retrain.api.schemas.model import Fallback, Freeze, ModelDetail, PendingApproval, Permissions
from retrain.api.schemas.operations import OPERATION_DAGS, Operation
from retrain.core.ledger.entries import Action, LedgerEntry
from retrain.core.ledger.standing import Standing
from retrain.core.names import PRODUCTION
from retrain.core.stats.metric_names import GREATER_IS_BETTER
from retrain.errors import NotFoundError

__all__ = ["read_model"]

_TAIL: Final = 50


def read_model(model: str, timeline: str, most: int, ledger: SqlLedger, access: Access) -> ModelDetail:
    """Return everything on a model on one timeline.

    Args:
        most: At most this many decisions.

    Raises:
        NotFoundError: Neither the ledger nor Airflow knows the model.
    """
    dag = find_dags([model]).get(model)
    timelines = set(ledger.overview.timelines(model))
    if dag is None and not timelines:
        raise NotFoundError("the model must be a pipeline's", got=model, fix="See the list of models.")
    standing = ledger.standing(model, timeline)
    decisions = ledger.overview.last_decisions(model, timeline, limit=most)
    metric = decisions[-1].metric if decisions else ""
    champion = standing.champion
    return ModelDetail(
        model=model,
        timeline=timeline,
        timelines=production_first(timelines | {PRODUCTION}),
        dag_id=dag.dag_id if dag else None,
        owner=(dag.owner or None) if dag else None,
        tags=list(dag.tags) if dag else [],
        description=(dag.description or None) if dag else None,
        paused=dag.paused if dag else None,
        next_run=dag.next_run if dag else None,
        metric=metric,
        greater_is_better=GREATER_IS_BETTER.get(metric, True),
        champion=champion_of(champion, datetime.now(UTC)) if champion else None,
        moves=[ledger_row(move) for move in standing.moves],
        decisions=[decision_point(item) for item in sorted(decisions, key=lambda item: item.as_of)],
        ratings=read_ratings(decisions, champion.version if champion else None),
        ledger=[ledger_row(entry) for entry in _last_entries(model, timeline, ledger)],
        freeze=_freeze(standing),
        fallbacks=[Fallback(version=e.version, as_of=e.as_of, since=e.at) for e in standing.fallbacks()],
        quarantined=sorted(standing.quarantined),
        approvals=[_pending(model, approval, access) for approval in find_open_approvals(model)],
        permissions=_permissions(model, access),
        version_url=version_url(model, champion.version if champion else None),
    )


def _last_entries(model: str, timeline: str, ledger: SqlLedger) -> list[LedgerEntry]:
    """Return the last entries but those of decisions, which the page lists by themselves."""
    actions = [action for action in Action if action is not Action.DECIDE]
    return ledger.overview.entries([model], timeline=timeline, actions=actions, limit=_TAIL)


def _freeze(standing: Standing) -> Freeze | None:
    entry = standing.freeze
    return Freeze(since=entry.at, actor=entry.actor, reason=entry.reason) if entry else None


def _pending(model: str, approval: OpenApproval, access: Access) -> PendingApproval:
    return PendingApproval(
        dag_id=model,
        run_id=approval.run_id,
        since=approval.since,
        subject=approval.subject,
        approvers=list(approval.approvers),
        may_answer=access.may_answer(model) and access.is_approver(approval.approvers),
    )


def _permissions(model: str, access: Access) -> Permissions:
    may_run = access.may_run(model)

    def may(operation: Operation) -> bool:
        return may_run and access.may_run(OPERATION_DAGS[operation])

    return Permissions(
        retrain=may_run,
        promote=may(Operation.PROMOTE),
        rollback=may(Operation.ROLLBACK),
        freeze=may(Operation.FREEZE),
        approve=access.may_answer(model),
    )

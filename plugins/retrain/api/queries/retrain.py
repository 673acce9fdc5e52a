"""Everything on one retrain; if a store does not answer, its part is left out and listed as unavailable."""

from __future__ import annotations

from typing import TYPE_CHECKING

from retrain.adapters.sql_ledger import SqlLedger
from retrain.api.dags import run_link, task_link
from retrain.api.queries.differences import changed_periods, changes, read_run, read_snapshot
from retrain.api.queries.evidence import reliability, scorecard_view
from retrain.api.queries.links import version_url
from retrain.api.queries.views import decision_point, verdict_view
from retrain.api.schemas.decisions import DecisionPoint
from retrain.api.schemas.problem import Unavailable
from retrain.api.schemas.retrain import DataView, Links, ReliabilityCurve, RetrainDetail, ScorecardView
from retrain.core.data.snapshot import Snapshot
from retrain.core.policy.decision import Decision
from retrain.errors import NotFoundError, OutageError, RetrainError

if TYPE_CHECKING:
    from retrain.adapters.mlflow_runs import MlflowRun

__all__ = ["read_retrain"]


def read_retrain(model: str, decision_id: str, ledger: SqlLedger) -> RetrainDetail:
    """Return everything on one retrain.

    Raises:
        NotFoundError: There is no such decision on the model.
        IntegrityError: The stored decision does not match its id.
    """
    decision = ledger.decision(decision_id)
    if decision.model != model:
        raise NotFoundError(
            f"the decision must be one on {model}", got=decision_id, fix="List the model's decisions first."
        )
    unavailable: list[Unavailable] = []
    champion = _champion_of_then(decision, ledger)
    run = read_run(decision, unavailable)
    champion_run = read_run(champion, unavailable) if champion else None
    snapshot = read_snapshot(decision, unavailable)
    champion_snapshot = read_snapshot(champion, unavailable) if champion else None
    requester = ledger.overview.requester(decision.request_id)
    point = decision_point(decision)
    return RetrainDetail(
        decision=point,
        verdicts=[verdict_view(verdict) for verdict in decision.verdicts],
        key=decision.challenger.key if decision.challenger else None,
        actor=requester.actor if requester else "",
        request_reason=requester.reason if requester else "",
        scorecard=_scorecard(decision, ledger, unavailable),
        data=_data(snapshot, champion_snapshot) if snapshot else None,
        changes=changes(champion_run, run),
        compared_with=decision.champion_version,
        links=_links(point, run),
        unavailable=unavailable,
    )


def _champion_of_then(decision: Decision, ledger: SqlLedger) -> Decision | None:
    """Return the decision that promoted the champion at the time, if a decision did."""
    if decision.champion_version is None:
        return None
    found = ledger.overview.decisions_on(decision.model, decision.champion_version)
    return found[-1] if found else None


def _scorecard(decision: Decision, ledger: SqlLedger, unavailable: list[Unavailable]) -> ScorecardView | None:
    if not decision.scorecard:
        return None
    try:
        scorecard = ledger.overview.scorecard(decision.scorecard)
    except OutageError:
        raise
    except RetrainError as error:
        unavailable.append(Unavailable(part="scorecard", reason=str(error)))
        return None
    if scorecard is None:
        unavailable.append(Unavailable(part="scorecard", reason="the ledger does not hold it"))
        return None
    curves: tuple[ReliabilityCurve, ...] = ()
    try:
        curves = reliability(decision.scorecard)
    except RetrainError as error:
        unavailable.append(Unavailable(part="calibration", reason=str(error)))
    return scorecard_view(scorecard, decision.scorecard, list(curves))


def _data(snapshot: Snapshot, champion: Snapshot | None) -> DataView:
    columns = [name for name, _ in snapshot.columns]
    before = [name for name, _ in champion.columns] if champion else columns
    return DataView(
        snapshot=snapshot.digest,
        train_start=snapshot.window.train_start,
        train_end=snapshot.window.train_end,
        holdout_start=snapshot.window.holdout_start,
        end=snapshot.window.end,
        event_time=snapshot.event_time,
        train_rows=snapshot.train_rows,
        holdout_rows=snapshot.holdout_rows,
        chunks=len(snapshot.chunks),
        bytes=sum(chunk.size for chunk in snapshot.chunks),
        columns=columns,
        champion_snapshot=champion.digest if champion else None,
        changed=changed_periods(champion, snapshot),
        columns_added=[name for name in columns if name not in before],
        columns_removed=[name for name in before if name not in columns],
    )


def _links(point: DecisionPoint, run: MlflowRun | None) -> Links:
    dag_id, run_id = point.dag_id, point.run_id
    return Links(
        dag_run=run_link(dag_id, run_id) if dag_id and run_id else None,
        validation=task_link(dag_id, run_id, "validate") if dag_id and run_id else None,
        mlflow_run=run.url if run else None,
        model_version=version_url(point.model, point.version),
    )

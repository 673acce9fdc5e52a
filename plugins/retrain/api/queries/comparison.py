"""Two versions side by side."""

from __future__ import annotations

from typing import TYPE_CHECKING

from retrain.adapters.sql_ledger import SqlLedger
from retrain.api.dags import run_link
from retrain.api.queries.differences import changed_periods, changes, read_run, read_snapshot
from retrain.api.queries.links import version_url
from retrain.api.queries.views import decision_point
from retrain.api.schemas.comparison import Comparison, MetricOfTwo, VersionView
from retrain.api.schemas.problem import Unavailable
from retrain.core.codec import finite_or_none
from retrain.core.evaluation.scorecard import Scorecard
from retrain.core.ledger.entries import LedgerEntry
from retrain.core.policy.decision import Decision
from retrain.core.stats.metric_names import GREATER_IS_BETTER
from retrain.errors import NotFoundError, OutageError, RetrainError

if TYPE_CHECKING:
    from retrain.adapters.mlflow_runs import MlflowRun

__all__ = ["compare_versions"]


def compare_versions(model: str, a: int, b: int, timeline: str, ledger: SqlLedger) -> Comparison:
    """Return version a beside version b, as they are on a timeline.

    Raises:
        NotFoundError: No retrain that the ledger knows made one of them.
    """
    unavailable: list[Unavailable] = []
    first, second = (_decision(model, version, timeline, ledger) for version in (a, b))
    runs = [read_run(decision, unavailable) for decision in (first, second)]
    snapshots = [read_snapshot(decision, unavailable) for decision in (first, second)]
    cards = [_scorecard(decision, ledger, unavailable) for decision in (first, second)]
    moves = ledger.standing(model, timeline).moves
    return Comparison(
        model=model,
        timeline=timeline,
        a=_view(first, runs[0], moves),
        b=_view(second, runs[1], moves),
        same_rows=first.snapshot == second.snapshot and first.holdout_rows == second.holdout_rows,
        metrics=_metrics(*cards),
        changes=changes(*runs),
        changed=changed_periods(*snapshots),
        unavailable=unavailable,
    )


def _decision(model: str, version: int, timeline: str, ledger: SqlLedger) -> Decision:
    """Return the last decision on a version, on the timeline if there is one."""
    found = ledger.overview.decisions_on(model, version)
    if not found:
        raise NotFoundError(
            f"version {version} of {model} must be one that a retrain made",
            got="none",
            fix="See the model's decisions.",
        )
    return max(found, key=lambda decision: decision.timeline == timeline)


def _scorecard(decision: Decision, ledger: SqlLedger, unavailable: list[Unavailable]) -> Scorecard | None:
    try:
        return ledger.overview.scorecard(decision.scorecard)
    except OutageError:
        raise
    except RetrainError as error:
        unavailable.append(Unavailable(part=f"scorecard {decision.scorecard[:12]}", reason=str(error)))
        return None


def _metrics(a: Scorecard | None, b: Scorecard | None) -> list[MetricOfTwo]:
    first, second = ({} if card is None else card.challenger_metrics for card in (a, b))
    return [
        MetricOfTwo(
            name=name,
            greater_is_better=GREATER_IS_BETTER.get(name, True),
            a=finite_or_none(first.get(name)),
            b=finite_or_none(second.get(name)),
        )
        for name in {**first, **second}
    ]


def _view(decision: Decision, run: MlflowRun | None, moves: tuple[LedgerEntry, ...]) -> VersionView:
    point, made = decision_point(decision), decision.challenger
    if made is None:
        raise ValueError("a decision on a version has a challenger")
    return VersionView(
        version=made.version,
        key=made.key,
        as_of=decision.as_of,
        decision_id=decision.id,
        choice=decision.choice,
        reason=decision.reason,
        train_rows=decision.train_rows,
        holdout_rows=decision.holdout_rows,
        snapshot=decision.snapshot,
        live=[move.at for move in moves if move.version == made.version],
        mlflow_run=run.url if run else None,
        model_version=version_url(decision.model, made.version),
        dag_run=run_link(point.dag_id, point.run_id) if point.dag_id and point.run_id else None,
    )

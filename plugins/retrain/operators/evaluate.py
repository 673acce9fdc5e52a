"""The fourth task: score challenger and champion on the same rows."""

from __future__ import annotations

import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import TYPE_CHECKING, Any, Final

from airflow.sdk.exceptions import AirflowRescheduleException

from retrain.core.policy.decision import Challenger
from retrain.operators.base import RetrainOperator
from retrain.operators.links import MlflowRunLink, ModelVersionLink
from retrain.operators.train import sklearn_trainer

if TYPE_CHECKING:
    from airflow.sdk import Context

    from retrain.core.ports import Ledger, OpenRetrain
    from retrain.core.request import RetrainRequest

__all__ = ["EvaluateModelOperator"]

_PATIENCE: Final = 30.0
_POLL: Final = 0.25
_NEXT: Final = 2
_PAUSE: Final = timedelta(seconds=15)
_UNDER_WAY: Final = frozenset({"queued", "running"})


class EvaluateModelOperator(RetrainOperator):
    """Stores the scorecard of challenger and champion and logs it, with its pictures, to the MLflow run.

    Runs of one timeline take turns here, earliest as-of first, so that several active runs meet the same champions as one
    after the other would. The task waits while an earlier run of the same timeline is under way, and gives its slot back
    where that takes long; a run that ended without a decision is not waited for.

    Args:
        snapshot: What `SnapshotDataOperator` returned.
        challenger: What `TrainModelOperator` returned.

    Returns (XCom): ``scorecard`` (digest).
    """

    template_fields: Sequence[str] = (*RetrainOperator.template_fields, "snapshot", "challenger")
    operator_extra_links = (MlflowRunLink(), ModelVersionLink())
    step = "evaluate"

    def __init__(self, *, snapshot: Any, challenger: Any, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.snapshot = snapshot
        self.challenger = challenger

    def run_step(self, request: RetrainRequest, context: Context) -> dict[str, Any]:
        """Score, the champion when its turn has come."""
        from retrain.adapters.isolated.scoring_meter import ChildProcessMeter
        from retrain.reports.plots import draw_scores
        from retrain.settings import trusted_types
        from retrain.steps.evaluate import evaluate_challenger

        ledger, registry = self.ledger_hook.get_conn(), self.mlflow_hook.get_conn()
        snapshots = self.store_hook.snapshots()
        challenger = Challenger(**self.challenger)
        digest = evaluate_challenger(
            self.spec,
            request,
            snapshots.load(self.snapshot["snapshot"]),
            challenger,
            snapshots=snapshots,
            trainer=sklearn_trainer(),
            registry=registry,
            evidence=self.store_hook.evidence(),
            ledger=ledger,
            draw=draw_scores,
            meter=ChildProcessMeter(snapshots, trusted_types()),
            take_turn=lambda: self._take_turn(ledger, request, context),
        )
        self.run_url = registry.run_url(challenger.run_id)
        self.version_url = registry.version_url(self.spec.model, challenger.version)
        return {"scorecard": digest}

    def _take_turn(self, ledger: Ledger, request: RetrainRequest, context: Context) -> None:
        """Wait here for a while, then give the slot back: a task that is rescheduled costs the scheduler a second or more.

        Who is not among the next gives it back at once, or those who wait would leave no slot to those they wait for.
        """
        deadline = time.monotonic() + _PATIENCE
        told = ""
        while ahead := _under_way_before(ledger, request, context):
            first = ahead[0]
            if told != first.origin:
                self.log.info(
                    "Waiting for %s (as of %s) to come to its decision", first.origin, first.as_of.isoformat()
                )
                told = first.origin
            if len(ahead) > _NEXT or time.monotonic() > deadline:
                # Not sooner: Airflow 3.3 takes the end of this try for the end of a next one that is queued too soon.
                raise AirflowRescheduleException(datetime.now(UTC) + _PAUSE)  # type: ignore[no-untyped-call]
            time.sleep(_POLL)


def _under_way_before(ledger: Ledger, request: RetrainRequest, context: Context) -> list[OpenRetrain]:
    """Return the earlier retrains under way, no more of them than it takes to know whether this one is among the next."""
    under_way = (item for item in ledger.list_earlier_open(request) if _is_under_way(item, context))
    return list(islice(under_way, _NEXT + 1))


def _is_under_way(retrain: OpenRetrain, context: Context) -> bool:
    dag_id, _, run_id = retrain.origin.partition("/")
    if dag_id != context["dag_run"].dag_id:
        return False
    return context["ti"].get_dagrun_state(dag_id, run_id) in _UNDER_WAY

"""The fourth task: score challenger and champion on the same rows."""

from __future__ import annotations

import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import TYPE_CHECKING, Any, Final

from airflow.sdk.exceptions import AirflowRescheduleException

from retrain.core.ledger.origin import Origin, OriginKind
from retrain.core.policy.decision import Challenger
from retrain.operators.base import RetrainOperator
from retrain.operators.links import MlflowRunLink, ModelVersionLink

if TYPE_CHECKING:
    from airflow.sdk import Context

    from retrain.core.ports import OpenRetrain
    from retrain.core.resources import Retrain

__all__ = ["EvaluateModelOperator"]

_PATIENCE: Final = 30.0
_POLL: Final = 0.25
_NEXT: Final = 2
_PAUSE: Final = timedelta(seconds=15)
_UNDER_WAY: Final = frozenset({"queued", "running"})


class EvaluateModelOperator(RetrainOperator):
    """Stores the scorecard of challenger and champion and logs it, with its pictures, to the MLflow run.

    Runs of one timeline take turns here, earliest as-of first, so that parallel runs meet the same champions as sequential ones.
    The task waits while an earlier run of the timeline is under way, and gives its slot back if that takes long. It does not
    wait for a run that ended without a decision.

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

    def run_step(self, retrain: Retrain, context: Context) -> dict[str, Any]:
        """Score the challenger at once, and the champion when it is this run's turn."""
        from retrain.steps.evaluate import evaluate_challenger

        resources, challenger = retrain.resources, Challenger(**self.challenger)
        digest = evaluate_challenger(
            retrain,
            resources.snapshots.load(self.snapshot["snapshot"]),
            challenger,
            await_turn=lambda: self._await_turn(retrain, context),
        )
        self.run_url = resources.registry.run_url(challenger.run_id)
        self.version_url = resources.registry.version_url(self.spec.model, challenger.version)
        return {"scorecard": digest}

    def _await_turn(self, retrain: Retrain, context: Context) -> None:
        """Wait in place for a while, then give the slot back: a rescheduled task costs the scheduler a second or more.

        A run that is not among the next ones gives its slot back at once. Otherwise waiting runs would hold every slot, and none
        would be left for the runs they wait for.
        """
        deadline = time.monotonic() + _PATIENCE
        logged_origin: Origin | None = None
        while ahead := _find_runs_ahead(retrain, context):
            first = ahead[0]
            if logged_origin != first.origin:
                self.log.info("Waiting for the decision of %s (as of %s)", first.origin, first.as_of.isoformat())
                logged_origin = first.origin
            if len(ahead) > _NEXT or time.monotonic() > deadline:
                # Not sooner: Airflow 3.3 takes the end of this try for the end of a next one that is queued too soon.
                raise AirflowRescheduleException(datetime.now(UTC) + _PAUSE)  # type: ignore[no-untyped-call]
            time.sleep(_POLL)


def _find_runs_ahead(retrain: Retrain, context: Context) -> list[OpenRetrain]:
    """Return the earlier retrains of the timeline under way, at most one more than may wait in place."""
    earlier = retrain.resources.ledger.list_earlier_open(retrain.request)
    return list(islice((item for item in earlier if _is_under_way(item, context)), _NEXT + 1))


def _is_under_way(retrain: OpenRetrain, context: Context) -> bool:
    origin = retrain.origin
    if origin.kind is not OriginKind.DAG_RUN or origin.dag_id != context["dag_run"].dag_id:
        return False
    return context["ti"].get_dagrun_state(origin.dag_id, origin.run_id) in _UNDER_WAY

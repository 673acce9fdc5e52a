"""Between validation and training: look for the best params, several tasks at once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from retrain.operators.base import RetrainOperator
from retrain.operators.train import sklearn_trainer

if TYPE_CHECKING:
    from airflow.sdk import Context

    from retrain.core.request import RetrainRequest

__all__ = ["SearchTrialsOperator"]


class SearchTrialsOperator(RetrainOperator):
    """Does trials of the spec's search as one of its workers, until none is left; a retry goes on where it was.

    Map it over the workers: ``SearchTrialsOperator.partial(...).expand(worker=[0, 1, 2])``. `TrainModelOperator` comes after it
    and does what the workers left.

    Args:
        snapshot: What `SnapshotDataOperator` returned.
        worker: Which worker it is, from 0.

    Returns (XCom): ``worker``, ``trials`` (how many it did).
    """

    template_fields: Sequence[str] = (*RetrainOperator.template_fields, "snapshot")
    step = "search"

    def __init__(self, *, snapshot: Any, worker: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.snapshot = snapshot
        self.worker = worker

    def run_step(self, request: RetrainRequest, context: Context) -> dict[str, Any]:  # noqa: ARG002 - the base's signature
        """Do trials."""
        from retrain.steps.search import try_params

        snapshots = self.store_hook.snapshots()
        done = try_params(
            self.spec,
            request,
            snapshots.load(self.snapshot["snapshot"]),
            self.worker,
            snapshots=snapshots,
            trainer=sklearn_trainer(),
            registry=self.mlflow_hook.get_conn(),
            open_trials=self.ledger_hook.trials,
            tell=self.log.info,
        )
        return {"worker": self.worker, "trials": done}

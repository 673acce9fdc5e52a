"""Between validation and training: search the best params in several tasks at once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from retrain.operators.base import RetrainOperator

if TYPE_CHECKING:
    from airflow.sdk import Context

    from retrain.core.resources import Retrain

__all__ = ["SearchTrialsOperator"]


class SearchTrialsOperator(RetrainOperator):
    """Does trials of the spec's search as one of its workers until none is left; a retry continues its trials.

    Map it over the workers: ``SearchTrialsOperator.partial(...).expand(worker=[0, 1, 2])``. `TrainModelOperator` follows and
    does the trials that are left.

    Args:
        snapshot: What `SnapshotDataOperator` returned.
        worker: The number of this worker, from 0.

    Returns (XCom): ``worker``, ``trials`` (the number it did).
    """

    template_fields: Sequence[str] = (*RetrainOperator.template_fields, "snapshot")
    step = "search"

    def __init__(self, *, snapshot: Any, worker: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.snapshot = snapshot
        self.worker = worker

    def run_step(self, retrain: Retrain, context: Context) -> dict[str, Any]:  # noqa: ARG002 - the base's signature
        """Do trials."""
        from retrain.steps.search import try_params

        snapshot = retrain.resources.snapshots.load(self.snapshot["snapshot"])
        done = try_params(retrain, snapshot, self.worker, report_progress=self.log.info)
        return {"worker": self.worker, "trials": done}

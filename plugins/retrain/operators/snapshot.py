"""The first task: take a snapshot of the window's data."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from retrain.operators.assets import snapshot_asset
from retrain.operators.base import RetrainOperator

if TYPE_CHECKING:
    from airflow.sdk import Context

    from retrain.core.resources import Retrain
    from retrain.core.spec import PipelineSpec

__all__ = ["SnapshotDataOperator"]


class SnapshotDataOperator(RetrainOperator):
    """Stores the point-in-time data of a retrain and returns the snapshot's digest.

    Returns (XCom): ``snapshot`` (digest), ``as_of``, ``timeline``, ``train_rows``, ``holdout_rows``.
    """

    step = "snapshot"

    def __init__(self, *, spec: PipelineSpec, **kwargs: Any) -> None:
        kwargs.setdefault("outlets", [snapshot_asset(spec.model)])
        super().__init__(spec=spec, **kwargs)

    def run_step(self, retrain: Retrain, context: Context) -> dict[str, Any]:  # noqa: ARG002 - the base's signature
        """Store the snapshot."""
        from retrain.steps.snapshot import take_snapshot

        snapshot, request = take_snapshot(retrain), retrain.request
        self.log.info(
            "Snapshot %s as of %s on timeline %s: %d training and %d holdout rows in %d chunks",
            snapshot.digest[:12],
            request.as_of.isoformat(),
            request.timeline,
            snapshot.train_rows,
            snapshot.holdout_rows,
            len(snapshot.chunks),
        )
        return {
            "snapshot": snapshot.digest,
            "as_of": request.as_of.isoformat(),
            "timeline": request.timeline,
            "train_rows": snapshot.train_rows,
            "holdout_rows": snapshot.holdout_rows,
        }

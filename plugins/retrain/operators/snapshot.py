"""The first task: take the data of the window."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from retrain.operators.assets import snapshot_asset
from retrain.operators.base import RetrainOperator

if TYPE_CHECKING:
    from airflow.sdk import Context

    from retrain.core.request import RetrainRequest
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

    def run_step(self, request: RetrainRequest, context: Context) -> dict[str, Any]:  # noqa: ARG002 - the base's signature
        """Take and store the snapshot."""
        from retrain.steps.snapshot import take_snapshot

        snapshot = take_snapshot(
            self.spec, request, snapshots=self.store_hook.snapshots(), ledger=self.ledger_hook.get_conn()
        )
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

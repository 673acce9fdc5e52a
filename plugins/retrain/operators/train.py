"""The third task: train the challenger."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from retrain.operators.base import RetrainOperator
from retrain.operators.links import MlflowRunLink, ModelVersionLink

if TYPE_CHECKING:
    from airflow.sdk import Context

    from retrain.core.resources import Retrain

__all__ = ["TrainModelOperator"]


class TrainModelOperator(RetrainOperator):
    """Trains the challenger, logs it to MLflow and registers it; the same inputs find the version that they made before.

    Args:
        snapshot: What `SnapshotDataOperator` returned.

    Returns (XCom): ``key``, ``version``, ``run_id``, ``model_id``, ``manifest_digest``.
    """

    template_fields: Sequence[str] = (*RetrainOperator.template_fields, "snapshot")
    operator_extra_links = (MlflowRunLink(), ModelVersionLink())
    step = "train"

    def __init__(self, *, snapshot: Any, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.snapshot = snapshot

    def run_step(self, retrain: Retrain, context: Context) -> dict[str, Any]:  # noqa: ARG002 - the base's signature
        """Train the challenger, or find it."""
        from retrain.steps.train import train_challenger

        resources = retrain.resources
        snapshot = resources.snapshots.load(self.snapshot["snapshot"])
        challenger = train_challenger(retrain, snapshot, report_progress=self.log.info)
        self.run_url = resources.registry.run_url(challenger.run_id)
        self.version_url = resources.registry.version_url(self.spec.model, challenger.version)
        self.log.info(
            "Challenger is version %d of %s, key %s", challenger.version, self.spec.model, challenger.key[:12]
        )
        return asdict(challenger)

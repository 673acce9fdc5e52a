"""The third task: make the challenger."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from retrain import settings
from retrain.operators.base import RetrainOperator
from retrain.operators.links import MlflowRunLink, ModelVersionLink

if TYPE_CHECKING:
    from airflow.sdk import Context

    from retrain.adapters.extensions import Trainers
    from retrain.core.request import RetrainRequest

__all__ = ["TrainModelOperator", "sklearn_trainer"]


class TrainModelOperator(RetrainOperator):
    """Trains the challenger, logs it to MLflow and registers it; the same inputs find the version they made before.

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

    def run_step(self, request: RetrainRequest, context: Context) -> dict[str, Any]:  # noqa: ARG002 - the base's signature
        """Train or find the challenger."""
        from retrain.steps.train import train_challenger

        snapshots, registry = self.store_hook.snapshots(), self.mlflow_hook.get_conn()
        snapshot = snapshots.load(self.snapshot["snapshot"])
        challenger = train_challenger(
            self.spec,
            request,
            snapshot,
            snapshots=snapshots,
            trainer=sklearn_trainer(),
            registry=registry,
            open_trials=self.ledger_hook.trials,
            tell=self.log.info,
        )
        self.run_url = registry.run_url(challenger.run_id)
        self.version_url = registry.version_url(self.spec.model, challenger.version)
        self.log.info(
            "Challenger is version %d of %s, key %s", challenger.version, self.spec.model, challenger.key[:12]
        )
        return asdict(challenger)


def sklearn_trainer() -> Trainers:
    """Return the trainer with the platform's trust list."""
    from retrain.adapters.extensions import Trainers

    return Trainers(settings.trusted_types())

"""Make the challenger, or find the one that the same inputs made before."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Final

from retrain.core.data.snapshot import Part, Snapshot
from retrain.core.policy.decision import Challenger
from retrain.core.ports import ModelRegistry, SnapshotStore, Trainer
from retrain.core.request import RetrainRequest
from retrain.core.spec import PipelineSpec
from retrain.steps.search import OpenTrials, Tell, search_params
from retrain.steps.training import Training

__all__ = ["train_challenger"]

_SAMPLE_ROWS: Final = 100


def train_challenger(
    spec: PipelineSpec,
    request: RetrainRequest,
    snapshot: Snapshot,
    *,
    snapshots: SnapshotStore,
    trainer: Trainer,
    registry: ModelRegistry,
    open_trials: OpenTrials,
    tell: Tell = lambda _: None,
) -> Challenger:
    """Return the one challenger of the retrain's key, with the best params where the spec has a search.

    Raises:
        TrainingError: The estimator cannot be built or fitted.
        DataError: The training rows cannot be learnt from.
    """
    training = Training.of(spec, request, snapshot, trainer)
    if found := registry.find_challenger(spec.model, training.key):
        return found
    run_id = training.open_run(registry)
    spec = spec.with_params(
        search_params(
            training,
            run_id,
            snapshots=snapshots,
            trainer=trainer,
            registry=registry,
            open_trials=open_trials,
            tell=tell,
        )
    )
    features = spec.feature_columns([name for name, _ in snapshot.columns])
    rows = snapshots.frame(snapshot, Part.TRAIN, [*features, spec.data.label])
    model = trainer.fit(spec, rows[list(features)], rows[spec.data.label])
    with tempfile.TemporaryDirectory(prefix="retrain-") as scratch:
        folder = Path(scratch) / "model"
        trainer.save(model, spec, rows[list(features)].head(_SAMPLE_ROWS), folder)
        return registry.publish(spec.model, training.key, run_id, folder)

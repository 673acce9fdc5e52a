"""Make the challenger, or find the one that the same inputs made before."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Final

from retrain.core.decision import Challenger
from retrain.core.failpoints import failpoint
from retrain.core.key import retrain_key
from retrain.core.ports import DatasetRef, ModelRegistry, SnapshotStore, Trainer
from retrain.core.request import RetrainRequest
from retrain.core.snapshot import Part, Snapshot
from retrain.core.spec import PipelineSpec

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
) -> Challenger:
    """Return the one challenger of the retrain's key.

    Raises:
        TrainingError: The estimator cannot be built or fitted.
        DataError: The training rows cannot be learnt from.
    """
    code, lock = trainer.code_digest(spec), trainer.lock_digest(spec)
    key = retrain_key(spec, snapshot=snapshot.digest, code=code, lock=lock, nonce=request.nonce)
    if found := registry.find_challenger(spec.model, key):
        return found
    tags = {
        "retrain.as_of": request.as_of.isoformat(),
        "retrain.timeline": request.timeline,
        "retrain.origin": request.origin,
        "retrain.snapshot": snapshot.digest,
        "retrain.code": code,
        "retrain.lock": lock,
        "retrain.spec": spec.digest,
    }
    params = {"estimator": spec.train.estimator, "seed": spec.train.seed, **spec.train.params}
    run_id = registry.open_run(spec.model, key, name=f"{request.as_of:%Y-%m-%d} {key[:8]}", params=params, tags=tags)
    failpoint("run_made")
    dataset = DatasetRef(f"{spec.model} {request.as_of:%Y-%m-%d}", snapshot.digest, "snapshot", snapshot.train_rows)
    registry.log_dataset(run_id, dataset)

    features = spec.feature_columns([name for name, _ in snapshot.columns])
    rows = snapshots.frame(snapshot, Part.TRAIN, [*features, spec.data.label])
    model = trainer.fit(spec, rows[list(features)], rows[spec.data.label])
    with tempfile.TemporaryDirectory(prefix="retrain-") as scratch:
        folder = Path(scratch) / "model"
        trainer.save(model, spec, rows[list(features)].head(_SAMPLE_ROWS), folder)
        return registry.publish(spec.model, key, run_id, folder)

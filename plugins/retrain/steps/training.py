"""What the tasks that train one challenger have in common: its key and its run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from retrain.core.data.snapshot import Snapshot
from retrain.core.failpoints import failpoint
from retrain.core.ports import DatasetRef, ModelRegistry, Trainer
from retrain.core.request import RetrainRequest
from retrain.core.spec import PipelineSpec
from retrain.core.training.key import compute_retrain_key

__all__ = ["Training"]


@dataclass(frozen=True)
class Training:
    """One training of a pipeline, known by its key.

    Attributes:
        tags: What the run says about where it came from.
    """

    spec: PipelineSpec
    request: RetrainRequest
    snapshot: Snapshot
    key: str
    tags: Mapping[str, str]

    @classmethod
    def of(cls, spec: PipelineSpec, request: RetrainRequest, snapshot: Snapshot, trainer: Trainer) -> Training:
        """Return the training that a request asks for."""
        code, lock = trainer.code_digest(spec), trainer.lock_digest(spec)
        key = compute_retrain_key(spec, snapshot=snapshot.digest, code=code, lock=lock, nonce=request.nonce)
        tags = {
            "retrain.as_of": request.as_of.isoformat(),
            "retrain.timeline": request.timeline,
            "retrain.origin": request.origin,
            "retrain.snapshot": snapshot.digest,
            "retrain.code": code,
            "retrain.lock": lock,
            "retrain.spec": spec.digest,
        }
        return cls(spec, request, snapshot, key, tags)

    def open_run(self, registry: ModelRegistry) -> str:
        """Return the id of the training's run, made on the first call."""
        spec, as_of, train = self.spec, self.request.as_of, self.spec.train
        searched = train.search.params if train.search else ()
        params = {name: value for name, value in train.params.items() if name not in searched}
        run_id = registry.open_run(
            spec.model,
            self.key,
            name=f"{as_of:%Y-%m-%d} {self.key[:8]}",
            params={"estimator": train.estimator, "seed": train.seed, **params},
            tags=self.tags,
        )
        failpoint("run_made")
        dataset = DatasetRef(
            f"{spec.model} {as_of:%Y-%m-%d}", self.snapshot.digest, "snapshot", self.snapshot.train_rows
        )
        registry.log_dataset(run_id, dataset)
        return run_id

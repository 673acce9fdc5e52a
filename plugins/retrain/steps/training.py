"""The key and the run of one training, which several tasks share."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from retrain.core.data.snapshot import Snapshot
from retrain.core.failpoints import failpoint
from retrain.core.policy.decision import Challenger
from retrain.core.ports import DatasetRef
from retrain.core.resources import Retrain
from retrain.core.training.key import compute_retrain_key
from retrain.errors import IntegrityError, TrainingError
from retrain.steps.refit import fetch_version

__all__ = ["Training"]


@dataclass(frozen=True)
class Training:
    """One training of a pipeline, identified by its key.

    Attributes:
        tags: The tags of its run: as-of, timeline, origin, and the digests of all inputs.
    """

    retrain: Retrain
    snapshot: Snapshot
    key: str
    tags: Mapping[str, str]

    @classmethod
    def of(cls, retrain: Retrain, snapshot: Snapshot) -> Training:
        """Return the training of a retrain on its snapshot."""
        spec, request, trainer = retrain.spec, retrain.request, retrain.trainer
        code, lock = trainer.code_digest(spec), trainer.lock_digest(spec)
        key = compute_retrain_key(spec, snapshot=snapshot.digest, code=code, lock=lock, nonce=request.nonce)
        tags = {
            "retrain.as_of": request.as_of.isoformat(),
            "retrain.timeline": request.timeline,
            "retrain.origin": str(request.origin),
            "retrain.snapshot": snapshot.digest,
            "retrain.code": code,
            "retrain.lock": lock,
            "retrain.spec": spec.digest,
        }
        return cls(retrain, snapshot, key, tags)

    def check_code(self) -> None:
        """Check that the training code is still the one that the key is of.

        Raises:
            TrainingError: A file was changed.
        """
        if self.retrain.trainer.code_digest(self.retrain.spec) != self.tags["retrain.code"]:
            raise TrainingError(
                "the training code must stay as it is while a model is trained",
                got="a file that the training changed",
                fix="Let the estimator write outside the project.",
            )

    def check_resumed(self, challenger: Challenger) -> None:
        """Check that a version which was made before holds the code and the models of this key, before anything runs them.

        Its digest is in the registry alone until a decision names it, so a writer of the registry could have put both there.

        Raises:
            IntegrityError: The artifact was altered, or holds other code.
        """
        spec, trainer = self.retrain.spec, self.retrain.trainer
        with tempfile.TemporaryDirectory(prefix="retrain-") as scratch:
            registry = self.retrain.resources.registry
            files = fetch_version(registry, spec.model, challenger.version, challenger.manifest_digest, Path(scratch))
            recipes = [trainer.recipe(folder) for folder in {files.served, files.judged}]
            got = ""
            if (files.refit is not None) != spec.train.refit:
                got = "one model" if files.refit is None else "a refitted model"
            elif any(each.has_code and trainer.code_digest(each.spec) != self.tags["retrain.code"] for each in recipes):
                got = "other code"
            if got:
                raise IntegrityError(
                    f"version {challenger.version} of {spec.model} must hold the code and the models that its key stands for",
                    got=got,
                    fix="Find out who changed the artifact; retrain with a nonce.",
                )

    def open_run(self) -> str:
        """Return the id of the training's run; the first call makes it."""
        spec, as_of, registry = self.retrain.spec, self.retrain.request.as_of, self.retrain.resources.registry
        train = spec.train
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

"""The trainer, the validator and the snapshot source of a spec: built in, or of an installed package.

The built-in ones are imported here when they are needed, like those of a package.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from retrain.adapters.model_types import to_model_types
from retrain.adapters.recipe_folder import CODE_FOLDER, read_recipe, trainer_of
from retrain.adapters.user_code.project_code import ProjectCode, freeze_code
from retrain.core.evaluation.scores import check_scores
from retrain.core.extensions import ExtensionPoint, load_extension
from retrain.core.ports import FittedModel, SnapshotSource, Trainer, Validator
from retrain.core.spec import PipelineSpec
from retrain.core.training.recipe import Recipe
from retrain.errors import InstallError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from pandas import DataFrame, Series

__all__ = ["Trainers", "load_source", "load_trainer", "load_validator"]


class Trainers:
    """The `Trainer` of every pipeline: each call goes to the trainer that the spec names, or that made the stored model.

    So a champion that another trainer made still loads and scores after `train.trainer` changed.

    Args:
        trusted_types: The types that the platform adds to those that a stored model may hold.
    """

    def __init__(self, trusted_types: Sequence[str] = ()) -> None:
        self._trusted_types = tuple(trusted_types)
        self._loaded: dict[str, Trainer] = {}

    def named(self, name: str) -> Trainer:
        """Return a trainer by its name in a spec.

        Raises:
            InstallError: No installed package offers it, or it cannot be imported.
        """
        if name not in self._loaded:
            factory = _load(_TRAINERS, ExtensionPoint.TRAINERS, name)
            self._loaded[name] = factory(trusted_types=self._trusted_types)
        return self._loaded[name]

    def code_digest(self, spec: PipelineSpec) -> str:
        """Return the digest of the training code."""
        return self._of(spec).code_digest(spec)

    def lock_digest(self, spec: PipelineSpec) -> str:
        """Return the digest of the interpreter and the pinned packages."""
        return self._of(spec).lock_digest(spec)

    def package_versions(self, spec: PipelineSpec) -> dict[str, str]:
        """Return the versions that a model of this spec is made with here."""
        return self._of(spec).package_versions(spec)

    def build(self, spec: PipelineSpec) -> Any:
        """Return the unfitted estimator of a spec, made from a copy of its code as in a retrain."""
        with freeze_code(spec) as frozen, ProjectCode.of(frozen).active():
            return self._of(spec).build(frozen)

    def fit(self, spec: PipelineSpec, features: DataFrame, label: Series) -> FittedModel:
        """Fit the estimator, and note which trainer and which code did."""
        code = ProjectCode.of(spec)
        with code.active():
            model = self._of(spec).fit(spec, to_model_types(features), label)
        return replace(model, trainer=spec.train.trainer, code=code)

    def score(self, model: FittedModel, features: DataFrame) -> NDArray[np.float64]:
        """Return (n, classes) probabilities, or (n,) predictions."""
        with _activate_code(model):
            scores = self.named(model.trainer).score(model, to_model_types(_select(features, model)))
        return check_scores(scores, len(features), model.classes)

    def save(self, model: FittedModel, spec: PipelineSpec, sample: DataFrame, folder: Path) -> None:
        """Write the model."""
        with _activate_code(model):
            self._of(spec).save(model, spec, to_model_types(sample), folder)

    def load(self, folder: Path) -> FittedModel:
        """Read a stored model with the trainer that made it and the project's code that its recipe holds."""
        name, root = trainer_of(folder), folder / CODE_FOLDER
        code = ProjectCode(root, root.rglob("*.py"))
        with code.active():
            model = self.named(name).load(folder)
        return replace(model, trainer=name, code=code)

    def recipe(self, folder: Path) -> Recipe:
        """Return what a stored model was made by."""
        return read_recipe(folder)

    def find_difference(self, folder: Path, other: Path) -> str:
        """Return the first place where two stored models differ; empty if every number is the same."""
        names = [trainer_of(path) for path in (folder, other)]
        return self.named(names[0]).find_difference(folder, other) if names[0] == names[1] else "trainer"

    def _of(self, spec: PipelineSpec) -> Trainer:
        return self.named(spec.train.trainer)


def _select(features: DataFrame, model: FittedModel) -> DataFrame:
    """Return the features of a model; one that is missing is the trainer's to refuse."""
    return features.loc[:, [name for name in model.features if name in features.columns]]


def _activate_code(model: FittedModel) -> AbstractContextManager[None]:
    return nullcontext() if model.code is None else model.code.active()


def load_trainer(spec: PipelineSpec, trusted_types: Sequence[str] = ()) -> Trainer:
    """Return the trainer of a spec, which also loads and scores what other trainers stored.

    Raises:
        InstallError: No installed package offers it, or it cannot be imported.
    """
    trainers = Trainers(trusted_types)
    trainers.named(spec.train.trainer)
    return trainers


def load_validator(spec: PipelineSpec) -> Validator:
    """Return the validator of a spec.

    Raises:
        InstallError: No installed package offers it, or it cannot be imported.
    """
    validator: Validator = _load(_VALIDATORS, ExtensionPoint.VALIDATORS, spec.validation.validator)()
    return validator


def load_source(spec: PipelineSpec) -> SnapshotSource:
    """Return the snapshot source that an installed package offers under the spec's `data.reader`.

    Raises:
        InstallError: No installed package offers it, or it cannot be imported.
    """
    source: SnapshotSource = load_extension(ExtensionPoint.SOURCES, spec.data.reader)()
    return source


def _load(built_in: Mapping[str, Callable[[], Any]], point: ExtensionPoint, name: str) -> Callable[..., Any]:
    found = built_in[name]() if name in built_in else load_extension(point, name)
    if not callable(found):
        raise InstallError(
            f"{name!r} in the entry-point group {point} must be a class",
            got=type(found).__name__,
            fix="Fix the entry point of its package.",
        )
    return found  # type: ignore[no-any-return]


def _sklearn_trainer() -> type[Trainer]:
    from retrain.adapters.sklearn_trainer import SklearnTrainer

    return SklearnTrainer


def _gx_validator() -> type[Validator]:
    from retrain.adapters.gx_validator import GxValidator

    return GxValidator


_TRAINERS: Final = {"sklearn": _sklearn_trainer}
_VALIDATORS: Final = {"great_expectations": _gx_validator}

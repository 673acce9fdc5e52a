"""Training, scoring, saving and loading the models of one library."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from retrain.core.user_code import DEFAULT_TRAINER

if TYPE_CHECKING:
    from contextlib import AbstractContextManager
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray
    from pandas import DataFrame, Series

    from retrain.core.spec import PipelineSpec
    from retrain.core.training.recipe import Recipe

__all__ = ["FittedModel", "ModelCode", "Trainer"]


class ModelCode(Protocol):
    """The project's modules that a model was made with, or that it was loaded with."""

    root: Path

    def active(self) -> AbstractContextManager[None]:
        """Let imports find these modules."""


@dataclass(frozen=True)
class FittedModel:
    """A fitted estimator and the facts that scoring needs.

    Attributes:
        estimator: The library's object.
        features: The feature columns, in order.
        classes: The class of each column of the probabilities; None for a regression.
        baseline: The constant prediction of a dummy fitted on the same rows: the class shares, or the mean or median label.
        trainer: The name, in a spec, of the trainer that made it; the caller of `Trainer.fit` and `Trainer.load` fills it in.
        code: The project's modules that its classes are from; filled in by the same caller.
    """

    estimator: Any
    features: tuple[str, ...]
    classes: tuple[Any, ...] | None
    baseline: tuple[float, ...]
    trainer: str = DEFAULT_TRAINER
    code: ModelCode | None = None


class Trainer(Protocol):
    """Fits, scores, saves and loads models of one library; equal inputs give the same model, bit for bit."""

    def code_digest(self, spec: PipelineSpec) -> str:
        """Return the digest of the training code: the estimator's module and all project files that it imports.

        Raises:
            TrainingError: The code cannot be found or parsed.
        """

    def lock_digest(self, spec: PipelineSpec) -> str:
        """Return the digest of the interpreter and the pinned packages that determine the model.

        Raises:
            TrainingError: A required package is not installed.
        """

    def build(self, spec: PipelineSpec) -> Any:
        """Return the unfitted estimator of a spec, which `retrain check` tries.

        Raises:
            TrainingError: It cannot be imported, or refuses the params.
        """

    def fit(self, spec: PipelineSpec, features: DataFrame, label: Series) -> FittedModel:
        """Build the estimator with the spec's params and seed, and fit it.

        Args:
            spec: The pipeline's spec.
            features: (n, features) the training rows.
            label: (n,) classes, or finite numbers for a regression.

        Raises:
            TrainingError: The estimator cannot be imported, built or fitted.
            DataError: A feature has no value at all, a label is missing or not finite, or there is a single class.
        """

    def score(self, model: FittedModel, features: DataFrame) -> NDArray[np.float64]:
        """Return (n, classes) probabilities, or (n,) predictions in the units of the label.

        Args:
            model: What `fit` or `load` returned.
            features: (n, columns) with at least the model's features, in any order.

        Raises:
            TrainingError: A feature is missing, the model fails on the rows, or a score is not a probability or a finite number.
        """

    def save(self, model: FittedModel, spec: PipelineSpec, sample: DataFrame, folder: Path) -> None:
        """Write the model with its signature, requirements and recipe.

        Args:
            model: What `fit` returned.
            spec: The spec that it was fitted by.
            sample: The training rows, for the types in the signature; no row value is stored.
            folder: Where to write; it must not exist.

        Raises:
            TrainingError: The model contains a type that the platform does not trust.
        """

    def package_versions(self, spec: PipelineSpec) -> dict[str, str]:
        """Return the versions of the interpreter and the packages that this process would train the spec with, by name."""

    def recipe(self, folder: Path) -> Recipe:
        """Return the recipe of a stored model; the caller has verified the folder's digest.

        Raises:
            IntegrityError: The folder has no readable recipe.
        """

    def find_difference(self, folder: Path, other: Path) -> str:
        """Return the first place where two saved models differ, such as ``model.coef_``; empty if they are equal in every bit.

        Args:
            folder: A folder that `save` wrote.
            other: Another one.
        """

    def load(self, folder: Path) -> FittedModel:
        """Return the model that `save` wrote; of the folder's code only the recipe's runs, and the caller has verified its digest.

        Raises:
            IntegrityError: The folder holds no readable model, or the model contains a type that the platform does not trust.
        """

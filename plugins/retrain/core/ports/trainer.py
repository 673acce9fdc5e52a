"""Models of one library: fit, score, save and load."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray
    from pandas import DataFrame, Series

    from retrain.core.spec import PipelineSpec
    from retrain.core.training.recipe import Recipe

__all__ = ["FittedModel", "Trainer"]


@dataclass(frozen=True)
class FittedModel:
    """A fitted estimator with what is needed to score it.

    Attributes:
        features: The feature columns, in order.
        classes: The classes by column of the probabilities; None for a regression.
        baseline: What a dummy fitted on the same training rows says on every row: the class shares, or the mean.
    """

    estimator: Any
    features: tuple[str, ...]
    classes: tuple[Any, ...] | None
    baseline: tuple[float, ...]


class Trainer(Protocol):
    """Makes, scores, saves and loads models of one library."""

    def code_digest(self, spec: PipelineSpec) -> str:
        """Return the digest of the training code: the estimator's module and what it imports from the project."""

    def lock_digest(self, spec: PipelineSpec) -> str:
        """Return the digest of the interpreter and the pinned packages that the model is made with."""

    def fit(self, spec: PipelineSpec, features: DataFrame, label: Series) -> FittedModel:
        """Build the estimator with the spec's params and seed, and fit it.

        Raises:
            TrainingError: The estimator cannot be imported, built or fitted.
            DataError: The label is missing, not finite, or has a single class.
        """

    def score(self, model: FittedModel, features: DataFrame) -> NDArray[np.float64]:
        """Return (n, classes) probabilities, or (n,) predictions.

        Raises:
            TrainingError: The model cannot score the rows, or gives a score that is not finite.
        """

    def save(self, model: FittedModel, spec: PipelineSpec, sample: DataFrame, folder: Path) -> None:
        """Write the model with its signature and requirements."""

    def package_versions(self, spec: PipelineSpec) -> dict[str, str]:
        """Return the versions of the interpreter and the packages that a model of this spec is made with here, by name."""

    def recipe(self, folder: Path) -> Recipe:
        """Return what a stored model was made by; the caller has verified the folder's digest.

        Raises:
            IntegrityError: The folder does not say.
        """

    def find_difference(self, folder: Path, other: Path) -> str:
        """Return the first place where two models that `save` wrote differ; empty where every number is the same."""

    def load(self, folder: Path) -> FittedModel:
        """Read what `save` wrote; the caller has verified the folder's digest.

        Raises:
            IntegrityError: The model holds a type that the platform does not trust, or code to run on loading.
        """

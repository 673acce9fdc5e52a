"""Repeating a training from its stored recipe."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from pathlib import Path

    from pandas import DataFrame

    from retrain.core.spec import PipelineSpec
    from retrain.core.training.recipe import Recipe

__all__ = ["RecipeTraining"]


class RecipeTraining(Protocol):
    """Trains from a recipe, with the recipe's code and not the project's current code."""

    def __call__(self, recipe: Recipe, rows: DataFrame, folder: Path, *, current_spec: PipelineSpec) -> None:
        """Train from a recipe in its own process and save the model in `folder`.

        Args:
            recipe: The recipe of a stored model.
            rows: Features and label of the training rows, in the order of the snapshot.
            folder: Where the model is written; it must not exist.
            current_spec: The current spec; the process must not import code from its project.

        Raises:
            TrainingError: The training fails or exceeds the time limit.
        """

"""Training again by a stored recipe."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from pathlib import Path

    from pandas import DataFrame

    from retrain.core.spec import PipelineSpec
    from retrain.core.training.recipe import Recipe

__all__ = ["Refit"]


class Refit(Protocol):
    """Training by a recipe, with its code and not the project's of today."""

    def __call__(self, recipe: Recipe, rows: DataFrame, folder: Path, *, current_spec: PipelineSpec) -> None:
        """Train by a recipe in a process of its own and save the model in `folder`.

        Args:
            rows: Features and label.
            current_spec: The spec of today, whose project must be out of reach.

        Raises:
            TrainingError: The recipe no longer trains.
        """

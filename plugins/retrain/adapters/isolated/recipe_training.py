"""Training from a stored recipe in a child process that has the recipe's code and not the project's current code."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from retrain.adapters.isolated.child_process import ChildError, call_with_rows
from retrain.adapters.recipe_folder import read_recipe
from retrain.core.spec import PipelineSpec
from retrain.core.training.recipe import Recipe
from retrain.errors import TrainingError

if TYPE_CHECKING:
    from pandas import DataFrame

__all__ = ["ChildProcessRecipeTraining", "train_by_recipe"]


@dataclass(frozen=True)
class ChildProcessRecipeTraining:
    """The `RecipeTraining` that uses the trainer that made the model.

    Attributes:
        trusted_types: The platform's trust list.
        timeout: Time limit of the child process in seconds.
    """

    trusted_types: Sequence[str]
    timeout: float = 86_400

    def __call__(self, recipe: Recipe, rows: DataFrame, folder: Path, *, current_spec: PipelineSpec) -> None:
        """Train from the recipe in a child process and save the model in `folder`."""
        recipe.spec.root.mkdir(exist_ok=True)  # the child starts there, even if the recipe stores no code
        arguments = {
            "model": str(recipe.spec.root.parent.parent),
            "trusted_types": list(self.trusted_types),
            "folder": str(folder),
        }
        try:
            call_with_rows(
                train_by_recipe,
                arguments,
                rows,
                spec=recipe.spec,
                timeout=self.timeout,
                threads=recipe.threads,
                without=current_spec.root,
            )
        except ChildError as error:
            raise TrainingError(
                "the recipe of a stored model must train again",
                got=str(error),
                fix="Install the package versions that its requirements.txt names.",
            ) from None


def train_by_recipe(model: str, rows: str, trusted_types: Sequence[str], folder: str) -> None:
    """Train from the recipe of a stored model and save the result; runs in the child.

    Args:
        model: The folder of the stored model.
        rows: A Parquet file with features and label.
        trusted_types: The platform's trust list.
        folder: Where the new model is written.
    """
    import pandas as pd

    from retrain.adapters.extensions import load_trainer

    recipe = read_recipe(Path(model))
    trainer = load_trainer(recipe.spec, trusted_types)
    table = pd.read_parquet(rows)
    features = table.drop(columns=recipe.spec.data.label)
    fitted = trainer.fit(recipe.spec, features, table[recipe.spec.data.label])
    trainer.save(fitted, recipe.spec, features, Path(folder))

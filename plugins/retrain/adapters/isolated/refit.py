"""Training by a stored recipe in a process of its own, which has the recipe's code and not the project's of today."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

from retrain.adapters.isolated.child_process import ChildError, call_in_child
from retrain.adapters.recipe_folder import read_recipe
from retrain.core.spec import PipelineSpec
from retrain.core.training.recipe import Recipe
from retrain.errors import TrainingError

if TYPE_CHECKING:
    from pandas import DataFrame

__all__ = ["ChildProcessRefit", "train_by_recipe"]

_SAMPLE_ROWS: Final = 100


class ChildProcessRefit:
    """The `Refit` by the trainer that made the model.

    Args:
        trusted_types: The platform's trust list.
        timeout: Seconds that the process may take.
    """

    def __init__(self, trusted_types: Sequence[str], *, timeout: float = 86_400) -> None:
        self._trusted_types = list(trusted_types)
        self._timeout = timeout

    def __call__(self, recipe: Recipe, rows: DataFrame, folder: Path, *, current_spec: PipelineSpec) -> None:
        """Train by the recipe in a child process and save the model in `folder`."""
        recipe.spec.root.mkdir(exist_ok=True)  # the process begins there, code or not
        with tempfile.TemporaryDirectory(prefix="retrain-") as scratch:
            path = Path(scratch) / "rows.parquet"
            rows.to_parquet(path)
            asked = {
                "model": str(recipe.spec.root.parent.parent),
                "rows": str(path),
                "trusted_types": self._trusted_types,
                "folder": str(folder),
            }
            try:
                call_in_child(
                    train_by_recipe,
                    asked,
                    spec=recipe.spec,
                    timeout=self._timeout,
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
    """Train as a stored model was and save what comes out. Runs in the child."""
    import pandas as pd

    from retrain.adapters.extensions import load_trainer

    recipe = read_recipe(Path(model))
    trainer = load_trainer(recipe.spec, trusted_types)
    table = pd.read_parquet(rows)
    features = table.drop(columns=recipe.spec.data.label)
    made = trainer.fit(recipe.spec, features, table[recipe.spec.data.label])
    trainer.save(made, recipe.spec, features.head(_SAMPLE_ROWS), Path(folder))

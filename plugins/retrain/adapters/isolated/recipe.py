"""The recipe of a model in a folder beside it, and training by it again in a process that has its code and not today's."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from threadpoolctl import threadpool_info

from retrain.adapters.isolated.child_process import ChildError, answer_of_child
from retrain.core.spec import PipelineSpec
from retrain.core.training.recipe import Recipe
from retrain.errors import IntegrityError, TrainingError

if TYPE_CHECKING:
    from pandas import DataFrame

__all__ = ["arithmetic", "read_recipe", "refit", "train_by_recipe", "write_recipe"]

_FOLDER: Final = "recipe"
_FACTS: Final = "recipe.json"
_CODE: Final = "code"
_SAMPLE_ROWS: Final = 100
_LONGEST: Final = 86_400.0


def write_recipe(spec: PipelineSpec, code: Iterable[Path], packages: Mapping[str, str], folder: Path) -> None:
    """Store what a model is made by in its folder.

    Args:
        code: The files below the spec's root that training runs.
        packages: Versions by name.
    """
    place = folder / _FOLDER
    place.mkdir()
    for file in code:
        copy = place / _CODE / file.relative_to(spec.root)
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(file, copy)
    facts = {"spec": spec.model_dump(mode="json"), "packages": dict(packages), "threads": _threads()}
    (place / _FACTS).write_text(json.dumps(facts, sort_keys=True, indent=1), encoding="utf-8")


def read_recipe(folder: Path) -> Recipe:
    """Return the recipe of a stored model; the caller has verified the folder's digest.

    Raises:
        IntegrityError: There is none, or it cannot be read.
    """
    try:
        facts = json.loads((folder / _FOLDER / _FACTS).read_text(encoding="utf-8"))
        spec = PipelineSpec.model_validate(facts["spec"])
        code = folder / _FOLDER / _CODE
        return Recipe(spec.rooted_at(code), facts["packages"], int(facts["threads"]), holds_code=code.is_dir())
    except (OSError, ValueError, LookupError, TypeError) as error:
        raise IntegrityError(
            "a model artifact must hold the recipe that it was made by", got=type(error).__name__, fix="Retrain it."
        ) from error


def refit(recipe: Recipe, rows: DataFrame, trusted_types: Sequence[str], folder: Path, *, without: Path) -> None:
    """Train by a recipe and save the model in `folder`.

    Args:
        rows: Features and label.
        without: The project as it is today, which the process must not import from.

    Raises:
        TrainingError: It trains no more.
    """
    recipe.spec.root.mkdir(exist_ok=True)  # the process begins there, code or not
    with tempfile.TemporaryDirectory(prefix="retrain-") as scratch:
        path = Path(scratch) / "rows.parquet"
        rows.to_parquet(path)
        asked = {
            "model": str(recipe.spec.root.parent.parent),
            "rows": str(path),
            "trusted_types": list(trusted_types),
            "folder": str(folder),
        }
        try:
            answer_of_child(
                train_by_recipe, asked, spec=recipe.spec, timeout=_LONGEST, threads=recipe.threads, without=without
            )
        except ChildError as error:
            raise TrainingError(
                "the recipe of a stored model must train again",
                got=str(error),
                fix="Install the packages of then, which its requirements.txt names.",
            ) from None


def arithmetic() -> dict[str, str]:
    """Return the libraries that do linear algebra in this process, with the kernels that they chose for its processor.

    >>> "blas" in arithmetic()
    True
    """
    found = {f"{pool['internal_api']} {pool['version']} {pool['architecture']}" for pool in _pools("blas")}
    return {"blas": ", ".join(sorted(found))}


def _threads() -> int:
    return max((int(pool["num_threads"]) for kind in ("blas", "openmp") for pool in _pools(kind)), default=1)


def _pools(kind: str) -> list[dict[str, Any]]:
    return [pool for pool in threadpool_info() if pool["user_api"] == kind]


def train_by_recipe(model: str, rows: str, trusted_types: Sequence[str], folder: str) -> None:
    """Train as a stored model was and save what comes out. Runs in the child."""
    import pandas as pd

    from retrain.adapters.sklearn_trainer import SklearnTrainer

    recipe, trainer = read_recipe(Path(model)), SklearnTrainer(trusted_types)
    table = pd.read_parquet(rows)
    features = table.drop(columns=recipe.spec.data.label)
    made = trainer.fit(recipe.spec, features, table[recipe.spec.data.label])
    trainer.save(made, recipe.spec, features.head(_SAMPLE_ROWS), Path(folder))

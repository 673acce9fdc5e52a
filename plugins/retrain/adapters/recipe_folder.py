"""The recipe of a model, stored in a folder inside the model folder."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final

from threadpoolctl import threadpool_info

from retrain.adapters.user_code.project_code import copy_code
from retrain.core.spec import PipelineSpec
from retrain.core.training.recipe import Recipe
from retrain.core.user_code import DEFAULT_TRAINER
from retrain.errors import IntegrityError

__all__ = ["CODE_FOLDER", "describe_blas", "read_recipe", "trainer_of", "write_recipe"]

_FOLDER: Final = "recipe"
_FACTS: Final = "recipe.json"
CODE_FOLDER: Final = f"{_FOLDER}/code"
"""Where a model folder holds the project's files that its training read."""


def write_recipe(spec: PipelineSpec, code: Iterable[Path], packages: Mapping[str, str], folder: Path) -> None:
    """Store the recipe of a model in its folder.

    Args:
        spec: The spec that the model was trained by.
        code: The project files that the training reads, all below the spec's root.
        packages: Package versions by name.
        folder: The model folder.
    """
    recipe = folder / _FOLDER
    recipe.mkdir()
    copy_code(code, spec.root, folder / CODE_FOLDER)
    facts = {"spec": spec.model_dump(mode="json"), "packages": dict(packages), "threads": _count_threads()}
    (recipe / _FACTS).write_text(json.dumps(facts, sort_keys=True, indent=1), encoding="utf-8")


def read_recipe(folder: Path) -> Recipe:
    """Return the recipe of a stored model; the caller has verified the folder's digest.

    Raises:
        IntegrityError: The folder has no readable recipe.
    """
    try:
        facts = json.loads((folder / _FOLDER / _FACTS).read_text(encoding="utf-8"))
        spec = PipelineSpec.model_validate(facts["spec"])
        code = folder / CODE_FOLDER
        return Recipe(spec.rooted_at(code), facts["packages"], int(facts["threads"]), has_code=code.is_dir())
    except (OSError, ValueError, LookupError, TypeError) as error:
        raise IntegrityError(
            "a model artifact must hold the recipe of its training", got=type(error).__name__, fix="Retrain it."
        ) from error


def trainer_of(folder: Path) -> str:
    """Return the name of the trainer that made a stored model; the caller has verified the folder's digest.

    Raises:
        IntegrityError: The recipe cannot be read.
    """
    path = folder / _FOLDER / _FACTS
    if not path.is_file():
        return DEFAULT_TRAINER  # models without a recipe are older than every other trainer
    try:
        return str(json.loads(path.read_text(encoding="utf-8"))["spec"]["train"].get("trainer", DEFAULT_TRAINER))
    except (OSError, ValueError, LookupError, TypeError, AttributeError) as error:
        raise IntegrityError(
            "the recipe of a stored model must name its trainer", got=type(error).__name__, fix="Retrain it."
        ) from error


def describe_blas() -> dict[str, str]:
    """Return the linear algebra libraries of this process, with the kernels that they chose for its processor.

    >>> "blas" in describe_blas()
    True
    """
    libraries = {f"{pool['internal_api']} {pool['version']} {pool['architecture']}" for pool in _find_pools("blas")}
    return {"blas": ", ".join(sorted(libraries))}


def _count_threads() -> int:
    return max((int(pool["num_threads"]) for kind in ("blas", "openmp") for pool in _find_pools(kind)), default=1)


def _find_pools(kind: str) -> list[dict[str, Any]]:
    return [pool for pool in threadpool_info() if pool["user_api"] == kind]

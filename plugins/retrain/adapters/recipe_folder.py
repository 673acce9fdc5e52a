"""The recipe of a model, stored in a folder beside it."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final

from threadpoolctl import threadpool_info

from retrain.core.spec import PipelineSpec
from retrain.core.training.recipe import Recipe
from retrain.core.user_code import DEFAULT_TRAINER
from retrain.errors import IntegrityError

__all__ = ["arithmetic", "read_recipe", "trainer_of", "write_recipe"]

_FOLDER: Final = "recipe"
_FACTS: Final = "recipe.json"
_CODE: Final = "code"


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
        return Recipe(spec.rooted_at(code), facts["packages"], int(facts["threads"]), has_code=code.is_dir())
    except (OSError, ValueError, LookupError, TypeError) as error:
        raise IntegrityError(
            "a model artifact must hold the recipe that it was made by", got=type(error).__name__, fix="Retrain it."
        ) from error


def trainer_of(folder: Path) -> str:
    """Return the name of the trainer that made a stored model; the caller has verified the folder's digest.

    Raises:
        IntegrityError: The recipe cannot be read.
    """
    path = folder / _FOLDER / _FACTS
    if not path.is_file():
        return DEFAULT_TRAINER  # the only one there was when models had no recipe
    try:
        return str(json.loads(path.read_text(encoding="utf-8"))["spec"]["train"].get("trainer", DEFAULT_TRAINER))
    except (OSError, ValueError, LookupError, TypeError, AttributeError) as error:
        raise IntegrityError(
            "the recipe of a stored model must name its trainer", got=type(error).__name__, fix="Retrain it."
        ) from error


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

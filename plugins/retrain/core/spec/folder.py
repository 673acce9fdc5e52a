"""Reads folders of specs, and finds the spec of a model by what the files declare."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from retrain.core.names import is_name
from retrain.core.spec.document import load_spec, read_spec_bytes
from retrain.core.spec.model import PipelineSpec
from retrain.errors import NotFoundError, SpecError, SpecProblem

__all__ = ["find_duplicates", "find_spec_in", "list_models", "list_spec_files", "read_specs"]

_MODEL_LINE: Final = re.compile(
    rb"""^["']?model["']?[ \t]*:[ \t]+["']?([a-z][a-z0-9_-]*)["']?[ \t]*(?:#.*)?\r?$""", re.MULTILINE
)


def list_spec_files(folder: Path) -> list[Path]:
    """Return the spec files of a folder, sorted by name.

    Raises:
        NotFoundError: The folder does not exist.
    """
    if not folder.is_dir():
        raise NotFoundError("the folder of pipelines must exist", got=str(folder), fix="Create it or fix the path.")
    return sorted(path for path in folder.iterdir() if path.suffix in {".yaml", ".yml"})


def read_specs(folder: Path) -> tuple[list[PipelineSpec], list[SpecError]]:
    """Return the good specs of a folder, and the errors of the bad ones.

    If several files declare one model, the file named after the model counts, or else the first by name. The others are errors.

    Raises:
        NotFoundError: The folder does not exist.
    """
    specs: dict[Path, PipelineSpec] = {}
    errors: list[SpecError] = []
    for path in list_spec_files(folder):
        try:
            specs[path] = load_spec(path)
        except SpecError as error:
            errors.append(error)
    duplicates = find_duplicates({path: spec.model for path, spec in specs.items()})
    return [spec for path, spec in specs.items() if path not in duplicates], [*errors, *duplicates.values()]


def find_duplicates(models: dict[Path, str]) -> dict[Path, SpecError]:
    """Return an error per file whose model a file with precedence declares too.

    Args:
        models: The model that each file declares.
    """
    paths: dict[str, list[Path]] = defaultdict(list)
    for path, model in models.items():
        paths[model].append(path)
    errors = {}
    for model, rivals in paths.items():
        first, *others = sorted(rivals, key=lambda path: (path.stem != model, path))
        for path in others:
            got = f"{model!r}, which {first.name} declares too"
            problem = SpecProblem("model", "must be the only pipeline of its name", got, "Rename one of them.")
            errors[path] = SpecError(str(path), [problem])
    return errors


def find_spec_in(folder: Path, model: str) -> PipelineSpec | None:
    """Return the spec of a model, the same one that `read_specs` returns; None if no file declares it.

    Parses as few files as possible: the file named after the model, or else those with the text ``model: <name>``, or else
    those without such a text.

    Raises:
        NotFoundError: The folder does not exist.
        SpecError: The file that declares the model, or is named after it, has mistakes.
    """
    first_error: SpecError | None = None
    for path in _order_candidates(folder, model):
        try:
            spec = load_spec(path)
        except SpecError as error:
            if first_error is None and model in (path.stem, _scan_model(path)):
                first_error = error
            continue
        if spec.model == model:
            return spec
    if first_error is not None:
        raise first_error
    return None


def _order_candidates(folder: Path, model: str) -> Iterator[Path]:
    """Yield the files that may declare a model, beginning with the most likely one."""
    named = [path for path in (folder / f"{model}.yaml", folder / f"{model}.yml") if is_name(model) and path.is_file()]
    yield from named
    scanned = {path: _scan_model(path) for path in list_spec_files(folder) if path not in named}
    yield from (path for path, found in scanned.items() if found == model)
    yield from (path for path, found in scanned.items() if found is None)


def list_models(folder: Path) -> list[str]:
    """Return the models that the files of a folder declare by their text, good or bad, sorted."""
    return sorted({model for path in list_spec_files(folder) if (model := _scan_model(path))})


def _scan_model(path: Path) -> str | None:
    """Return the model that a file declares by its text, without parsing it; None if the text has no such line."""
    try:
        found = _MODEL_LINE.search(read_spec_bytes(path))
    except (OSError, SpecError):
        return None
    return found[1].decode() if found else None

"""All specs of a folder: the good ones as DAGs, the bad ones as an import error that hides none of the good."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Unpack

from airflow.sdk import DAG

from retrain.builder.dag import build_dag
from retrain.builder.defaults import DagDefaults
from retrain.core.spec import PipelineSpec, load_spec
from retrain.errors import NotFoundError, SpecError, SpecProblem

__all__ = ["check_pipelines", "load_dags", "read_specs"]

log = logging.getLogger(__name__)


def load_dags(folder: str | Path, **defaults: Unpack[DagDefaults]) -> list[DAG]:
    """Build the DAG of every good spec in a folder.

    A bad spec is left out and logged. Airflow shows one error a DAG file and hides all DAGs of a file with an error, so call
    `check_pipelines` from a second DAG file: there the bad specs show as its import error.
    """
    specs, errors = read_specs(folder)
    for error in errors:
        log.error("%s", error)
    return [build_dag(spec, **defaults) for spec in specs]


def check_pipelines(folder: str | Path) -> None:
    """Raise one error that names every mistake of every bad spec in a folder.

    Raises:
        SpecError: There are bad specs.
    """
    _, errors = read_specs(folder)
    if len(errors) == 1:
        raise errors[0]
    if errors:
        raise SpecError(
            str(folder),
            [
                SpecProblem(error.source, p.rule, p.got, f"{p.path}: {p.hint}")
                for error in errors
                for p in error.problems
            ],
        )


def read_specs(folder: str | Path) -> tuple[list[PipelineSpec], list[SpecError]]:
    """Return the good specs of a folder, and the errors of the bad ones."""
    path = Path(folder)
    if not path.is_dir():
        raise NotFoundError("the folder of pipelines must exist", got=str(path), fix="Create it or mend the DAG file.")
    specs: dict[str, PipelineSpec] = {}
    errors: list[SpecError] = []
    for file in sorted([*path.glob("*.yaml"), *path.glob("*.yml")]):
        try:
            spec = load_spec(file)
        except SpecError as error:
            errors.append(error)
            continue
        if spec.model in specs:
            problem = SpecProblem("model", "must be the only pipeline of its name", repr(spec.model), "Rename one.")
            errors.append(SpecError(str(file), [problem]))
        else:
            specs[spec.model] = spec
    return list(specs.values()), errors

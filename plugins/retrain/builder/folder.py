"""Loads folders of specs: good specs become DAGs, bad specs an import error that hides none of the good ones."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Unpack

from airflow.sdk import DAG, get_parsing_context

from retrain.builder.dag import build_dag
from retrain.builder.defaults import DagDefaults
from retrain.core.spec import PipelineSpec, find_spec_in, read_specs
from retrain.errors import SpecError, SpecProblem

__all__ = ["check_pipelines", "load_dags"]

log = logging.getLogger(__name__)


def load_dags(folder: str | Path, **defaults: Unpack[DagDefaults]) -> list[DAG]:
    """Build the DAG of every good spec in a folder.

    When Airflow parses the file to run a task, only the DAG of that task is built, and only its spec is read.

    A bad spec is left out and logged. Airflow shows one error per DAG file and hides all DAGs of a file with an error, so call
    `check_pipelines` from a second DAG file: there the bad specs show as its import error.

    Args:
        folder: The folder of specs.
        **defaults: Airflow settings of the DAGs and their tasks, see `DagDefaults`.

    Raises:
        NotFoundError: The folder does not exist.
        RetrainError: A setting is unknown, or belongs to the spec.
    """
    return [build_dag(spec, **defaults) for spec in _read_needed_specs(Path(folder))]


def check_pipelines(folder: str | Path) -> None:
    """Raise one error that names every mistake of every bad spec in a folder.

    Does nothing when Airflow parses the file to run a task: only the DAG processor shows import errors.

    Raises:
        NotFoundError: The folder does not exist.
        SpecError: There are bad specs.
    """
    if get_parsing_context().dag_id is not None:
        return
    _, errors = read_specs(Path(folder))
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


def _read_needed_specs(folder: Path) -> list[PipelineSpec]:
    """Return the good specs of a folder, or only that of the DAG whose task is to run; log the errors of the bad ones."""
    dag_id = get_parsing_context().dag_id
    if dag_id is None:
        specs, errors = read_specs(folder)
    else:
        specs, errors = _read_spec_of(dag_id, folder)
    for error in errors:
        log.error("%s", error)
    return specs


def _read_spec_of(dag_id: str, folder: Path) -> tuple[list[PipelineSpec], list[SpecError]]:
    """Return what `read_specs` returns, for one DAG: nothing if its spec is not in the folder."""
    try:
        spec = find_spec_in(folder, dag_id)
    except SpecError as error:
        return [], [error]
    return ([] if spec is None else [spec]), []

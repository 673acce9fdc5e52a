"""Loads folders of specs: good specs become DAGs, bad specs an import error that hides none of the good ones."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Final, Unpack

from airflow.sdk import DAG, get_parsing_context

from retrain.builder.dag import build_dag
from retrain.builder.defaults import DagDefaults, split_defaults
from retrain.core.spec import PipelineSpec, find_spec_in, read_specs
from retrain.errors import SpecError, SpecProblem

__all__ = ["check_pipelines", "load_dags"]

log = logging.getLogger(__name__)

_MANY: Final = 200
"""How many mistakes of a folder are named in its import error; the others are counted."""


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
    split_defaults(defaults)  # a mistake in the settings concerns every DAG
    return [dag for spec in _read_needed_specs(Path(folder)) for dag in _build(spec, defaults)]


def _build(spec: PipelineSpec, defaults: DagDefaults) -> Iterator[DAG]:
    """Yield the DAG of a spec, or log why Airflow refuses it: the other DAGs of the folder are built anyway."""
    try:
        yield build_dag(spec, **defaults)
    except Exception:
        log.exception("The DAG of %s could not be built", spec.model)


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
        raise _join(str(folder), errors)


def _join(source: str, errors: list[SpecError]) -> SpecError:
    """Return one error with the mistakes of several files."""
    problems = [
        SpecProblem(error.source, problem.rule, problem.got, f"{problem.path}: {problem.hint}")
        for error in errors
        for problem in error.problems
    ]
    more = sum(error.more for error in errors) + max(0, len(problems) - _MANY)
    return SpecError(source, problems[:_MANY], more=more)


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

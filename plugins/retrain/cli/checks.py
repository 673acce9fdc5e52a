"""What `retrain check` looks at beyond the spec itself: the files it names, and the code it imports."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from glob import glob
from pathlib import Path
from typing import Any, Final

from pydantic import ValidationError

from retrain.core.extras import require_extra
from retrain.core.policy.gates import Custom, Fairness, LoadedGate
from retrain.core.spec import BUILT_IN_READER, BUILT_IN_VALIDATOR, PipelineSpec, field_problems
from retrain.errors import InstallError, RetrainError, SpecError, SpecProblem

__all__ = ["check_files"]

_PARQUET: Final = b"PAR1"
"""The first bytes of every Parquet file that is not encrypted."""


def check_files(spec: PipelineSpec, source: str) -> None:
    """Check that the spec's files can be read, and that its estimator, gates and extensions can be made.

    Raises:
        SpecError: They cannot; every such problem is named.
    """
    problems = [
        *_check_files(spec),
        *_check_query(spec),
        *_check_suite(spec),
        *_check_extras(spec),
        *_check_code(spec),
        *_check_metrics(spec),
        *_check_gates(spec),
    ]
    if problems:
        raise SpecError(source, problems)


def _check_files(spec: PipelineSpec) -> Iterator[SpecProblem]:
    for path, name in (("data.query", spec.data.query), ("validation.suite", spec.validation.suite)):
        if name is not None and not (spec.root / name).is_file():
            yield SpecProblem(path, f"must be a file under {spec.root}", repr(name), "Check the path.")
    pattern = spec.data.source if spec.data.reader == BUILT_IN_READER else None
    if pattern is not None and "://" not in pattern:
        yield from _check_source(spec.root, pattern)


def _check_source(root: Path, pattern: str) -> Iterator[SpecProblem]:
    """Check that a glob matches files, and that they are Parquet files by their first bytes."""
    matches = sorted(glob(pattern, root_dir=root, recursive=True))  # noqa: PTH207 - Path.glob takes no absolute pattern
    files = [path for path in (root / match for match in matches) if path.is_file()]
    if not files:
        yield SpecProblem("data.source", f"must match files under {root}", repr(pattern), "Check the glob.")
    other = next((path for path in files if not _is_parquet(path)), None)
    if other is not None:
        hint = "Read other formats by `query:`, for example with read_csv."
        yield SpecProblem("data.source", "must match Parquet files alone", str(other.name), hint)


def _is_parquet(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            return file.read(len(_PARQUET)) == _PARQUET
    except OSError:
        return False


def _check_query(spec: PipelineSpec) -> Iterator[SpecProblem]:
    """Parse a query for DuckDB; SQL for a connection has a dialect of its own."""
    from retrain.adapters.duckdb_snapshots import check_query

    data = spec.data
    if data.query and not data.connection and data.reader == BUILT_IN_READER and (spec.root / data.query).is_file():
        yield from _try("data.query", lambda: check_query(spec))


def _check_suite(spec: PipelineSpec) -> Iterator[SpecProblem]:
    """Check that the suite is JSON, and that Great Expectations knows each part of it."""
    from retrain.steps.suite import read_suite

    if not (spec.root / spec.validation.suite).is_file():
        return
    problems = list(_try("validation.suite", lambda: read_suite(spec)))
    if not problems and spec.validation.validator == BUILT_IN_VALIDATOR:
        from retrain.adapters.gx_validator import check_suite

        problems = list(_try("validation.suite", lambda: check_suite(read_suite(spec))))
    yield from problems


def _check_extras(spec: PipelineSpec) -> Iterator[SpecProblem]:
    if spec.train.search is not None:
        yield from _try("train.search", lambda: require_extra("search", "train.search"))
    for index, gate in enumerate(spec.gate):
        if isinstance(gate, Fairness):
            yield from _try(f"gate[{index}]", lambda: require_extra("fairness", "a fairness gate"))


def _check_code(spec: PipelineSpec) -> Iterator[SpecProblem]:
    from retrain.adapters.extensions import load_source, load_trainer, load_validator

    if spec.data.reader != BUILT_IN_READER:
        yield from _try("data.reader", lambda: load_source(spec))
    yield from _try("validation.validator", lambda: load_validator(spec))
    unloaded = list(_try("train.trainer", lambda: load_trainer(spec)))
    yield from unloaded or _try("train.estimator", lambda: load_trainer(spec).build(spec))


def _try(path: str, make: Callable[[], Any]) -> Iterator[SpecProblem]:
    try:
        make()
    except RetrainError as error:
        yield SpecProblem(path, error.must, error.got, error.fix)


def _check_metrics(spec: PipelineSpec) -> Iterator[SpecProblem]:
    """Check the metrics of installed packages: that they load, and are for the spec's task."""
    from retrain.core.stats.metrics import METRICS, InstalledMetric

    task = spec.evaluation.task
    for index, name in enumerate(spec.evaluation.metrics):
        path = f"evaluation.metrics[{index}]"
        try:
            metric = METRICS[name]
        except InstallError as error:
            yield SpecProblem(path, error.must, error.got, error.fix)
            continue
        if isinstance(metric, InstalledMetric) and metric.task != task:
            got = f"{name!r}, a metric of {metric.task}"
            yield SpecProblem(path, f"must be a metric of {task}", got, "Leave it out, or name another.")


def _check_gates(spec: PipelineSpec) -> Iterator[SpecProblem]:
    from retrain.adapters.user_code.project_gates import fields_for, gate_class

    for index, declared in enumerate(spec.gate):
        if not isinstance(declared, LoadedGate):
            continue
        path, fields = f"gate[{index}]", f"gate[{index}].{declared.fields_path}".rstrip(".")
        try:
            kind = gate_class(declared, spec.root)
        except InstallError as error:
            yield SpecProblem(f"{path}.check", error.must, error.got, error.fix)
            continue
        except (Exception, SystemExit) as error:  # noqa: BLE001 - importing may raise anything
            key = "gate" if isinstance(declared, Custom) else "check"
            must, got = f"must be importable from {spec.root}", f"{type(error).__name__}: {error}"
            yield SpecProblem(f"{path}.{key}", must, got, "Check the path and that its packages are installed.")
            continue
        try:
            gate = kind.model_validate(fields_for(declared, kind))
        except ValidationError as error:
            for problem in field_problems(error, kind):
                yield replace(problem, path=f"{fields}.{problem.path}".rstrip("."))
            continue
        if missing := sorted({*gate.columns} - {*declared.columns}):
            got = ", ".join(declared.columns) or "none"
            yield SpecProblem(f"{path}.reads", f"must name {', '.join(missing)}", got, "The class reads it.")

"""What `retrain check` looks at beyond the spec itself: the files it names, and the estimator and the gates it imports."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from pydantic import ValidationError

from retrain.core.policy.gates import Custom
from retrain.core.spec import PipelineSpec, field_problems
from retrain.errors import RetrainError, SpecError, SpecProblem

__all__ = ["check_files"]


def check_files(spec: PipelineSpec, source: str) -> None:
    """Check that the spec's files can be read, and its estimator and custom gates be built.

    Raises:
        SpecError: They cannot; every such problem is named.
    """
    problems = [*_files(spec), *_code(spec), *_gates(spec)]
    if problems:
        raise SpecError(source, problems)


def _files(spec: PipelineSpec) -> Iterator[SpecProblem]:
    for path, name in (("data.query", spec.data.query), ("validation.suite", spec.validation.suite)):
        if name is not None and not (spec.root / name).is_file():
            yield SpecProblem(path, f"must be a file under {spec.root}", repr(name), "Check the path.")
    if spec.data.source is not None and "://" not in spec.data.source and not any(spec.root.glob(spec.data.source)):
        yield SpecProblem(
            "data.source", f"must match files under {spec.root}", repr(spec.data.source), "Check the glob."
        )


def _code(spec: PipelineSpec) -> Iterator[SpecProblem]:
    from retrain.adapters.sklearn_trainer import SklearnTrainer

    try:
        SklearnTrainer().build(spec)
    except RetrainError as error:
        yield SpecProblem("train.estimator", error.must, error.got, error.fix)


def _gates(spec: PipelineSpec) -> Iterator[SpecProblem]:
    from retrain.adapters.user_code.project_gates import gate_class

    for index, custom in enumerate(spec.gate):
        if not isinstance(custom, Custom):
            continue
        path = f"gate[{index}]"
        try:
            kind = gate_class(custom, spec.root)
        except (Exception, SystemExit) as error:  # noqa: BLE001 - importing may raise anything
            must, got = f"must be importable from {spec.root}", f"{type(error).__name__}: {error}"
            yield SpecProblem(f"{path}.gate", must, got, "Check the path and that its packages are installed.")
            continue
        try:
            gate = kind.model_validate(custom.params)
        except ValidationError as error:
            for problem in field_problems(error, kind):
                yield replace(problem, path=f"{path}.params.{problem.path}".rstrip("."))
            continue
        if lacking := sorted({*gate.columns} - {*custom.reads}):
            got = ", ".join(custom.reads) or "none"
            yield SpecProblem(f"{path}.reads", f"must name {', '.join(lacking)}", got, "The class reads it.")

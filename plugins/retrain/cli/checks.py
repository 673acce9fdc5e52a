"""What `retrain check` looks at beyond the spec itself: the files it names and the estimator it imports."""

from __future__ import annotations

from collections.abc import Iterator

from retrain.core.spec import PipelineSpec
from retrain.errors import RetrainError, SpecError, SpecProblem

__all__ = ["check_files"]


def check_files(spec: PipelineSpec, source: str) -> None:
    """Check that the spec's files can be read and its estimator be built.

    Raises:
        SpecError: They cannot; every such problem is named.
    """
    problems = [*_files(spec), *_code(spec)]
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

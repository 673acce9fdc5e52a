"""The contract of `Trainer` as a suite."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from retrain.core.ports import FittedModel, Trainer
from retrain.core.spec import PipelineSpec
from retrain.errors import DataError, IntegrityError, TrainingError
from retrain.testing.promises import check_promises, must_hold, must_raise

if TYPE_CHECKING:
    from pandas import DataFrame, Series

__all__ = ["TRAINER_PROMISES", "TrainingRows", "check_trainer"]

_DIGEST: Final = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True)
class TrainingRows:
    """Rows to try a trainer on: (n, features) features that a model can learn from, and (n,) labels."""

    features: DataFrame
    label: Series


def check_trainer(trainer: Trainer, spec: PipelineSpec, features: DataFrame, label: Series) -> None:
    """Check that a trainer keeps every promise; run each one alone with `TRAINER_PROMISES`.

    Args:
        trainer: What is checked.
        spec: A spec whose estimator it can build.
        features: (n, features) rows that the estimator fits, 20 at least.
        label: (n,) labels.

    Raises:
        AssertionError: It breaks a promise.
    """
    must_hold(len(features) >= 20, "give a trainer 20 rows or more to try it on")
    check_promises(TRAINER_PROMISES, trainer, spec, TrainingRows(features, label))


def gives_stable_digests(trainer: Trainer, spec: PipelineSpec, rows: TrainingRows) -> None:  # noqa: ARG001 - every promise takes these
    """The digests of code and packages are sha256 digests, and the same when asked again."""
    for name, digest in (("code_digest", trainer.code_digest), ("lock_digest", trainer.lock_digest)):
        must_hold(_DIGEST.fullmatch(digest(spec)) is not None, f"{name} must be 64 hexadecimal digits")
        must_hold(digest(spec) == digest(spec), f"{name} must be the same when asked again")


def names_its_packages(trainer: Trainer, spec: PipelineSpec, rows: TrainingRows) -> None:  # noqa: ARG001
    """The versions of the interpreter and the packages are texts by name."""
    versions = trainer.package_versions(spec)
    must_hold("python" in versions and len(versions) > 1, "package_versions must name python and a package")
    must_hold(all(isinstance(text, str) and text for text in versions.values()), "every version must be a text")


def builds_an_unfitted_estimator(trainer: Trainer, spec: PipelineSpec, rows: TrainingRows) -> None:  # noqa: ARG001
    """Each call builds a new estimator; wrong params are a TrainingError."""
    must_hold(trainer.build(spec) is not trainer.build(spec), "build must make a new estimator each time")
    wrong = spec.with_params({"no_such_param_of_any_estimator": 1})
    must_raise(TrainingError, lambda: trainer.build(wrong), "for params that the estimator does not have")


def fits_and_scores(trainer: Trainer, spec: PipelineSpec, rows: TrainingRows) -> None:
    """Scores are finite, one per row: probabilities by class that add up to 1, or one number."""
    model = trainer.fit(spec, rows.features, rows.label)
    must_hold(model.features == tuple(rows.features.columns), "a fitted model must name its features in order")
    scores = trainer.score(model, rows.features)
    must_hold(bool(np.isfinite(scores).all()), "scores must be finite")
    if spec.evaluation.task == "regression":
        must_hold(model.classes is None and len(model.baseline) == 1, "a regression has no classes and one baseline")
        must_hold(scores.shape == (len(rows.label),), "predictions must have the shape (rows,)")
        return
    classes = tuple(sorted(set(rows.label.tolist())))
    must_hold(model.classes == classes, "classes must be the labels, sorted")
    must_hold(scores.shape == (len(rows.label), len(classes)), "probabilities must have the shape (rows, classes)")
    must_hold(np.allclose(scores.sum(axis=1), 1), "the probabilities of a row must add up to 1")
    must_hold(bool((scores >= 0).all()), "a probability must not be negative")
    shares = [float((rows.label == name).mean()) for name in classes]
    must_hold(np.allclose(model.baseline, shares), "the baseline must be the share of each class")


def beats_its_baseline(trainer: Trainer, spec: PipelineSpec, rows: TrainingRows) -> None:
    """On the rows it was fitted on, a model is nearer to the labels than the baseline is."""
    model = trainer.fit(spec, rows.features, rows.label)
    scores = trainer.score(model, rows.features)
    truth = rows.label.to_numpy() if model.classes is None else _one_hot(model.classes, rows.label)
    baseline = model.baseline[0] if model.classes is None else np.array(model.baseline)
    error, error_of_baseline = np.mean((truth - scores) ** 2), np.mean((truth - baseline) ** 2)
    must_hold(bool(error < error_of_baseline), "a fitted model must be nearer to the labels than the baseline")


def fits_the_same_model_again(trainer: Trainer, spec: PipelineSpec, rows: TrainingRows) -> None:
    """Equal inputs give an equal model, bit for bit; other rows give another, and `find_difference` tells."""
    fewer = TrainingRows(rows.features.iloc[: len(rows.features) * 3 // 4], rows.label.iloc[: len(rows.label) * 3 // 4])
    with tempfile.TemporaryDirectory(prefix="retrain-") as scratch:
        saved = [Path(scratch) / name for name in ("first", "second", "other")]
        for folder, given in zip(saved, (rows, rows, fewer), strict=True):
            trainer.save(trainer.fit(spec, given.features, given.label), spec, given.features.head(5), folder)
        first, second, other = saved
        must_hold(trainer.find_difference(first, second) == "", "equal inputs must give an equal model, bit for bit")
        must_hold(trainer.find_difference(first, other) != "", "find_difference must tell models of other rows apart")


def loads_what_it_saved(trainer: Trainer, spec: PipelineSpec, rows: TrainingRows) -> None:
    """A loaded model has the same facts and gives the same scores, bit for bit."""
    model = trainer.fit(spec, rows.features, rows.label)
    with tempfile.TemporaryDirectory(prefix="retrain-") as scratch:
        folder = Path(scratch) / "model"
        trainer.save(model, spec, rows.features.head(5), folder)
        loaded = trainer.load(folder)
    facts = [(item.features, item.classes, item.baseline) for item in (model, loaded)]
    must_hold(facts[0] == facts[1], "a loaded model must have the features, classes and baseline that were saved")
    must_hold(_same_scores(trainer, model, loaded, rows.features), "a loaded model must give the same scores")


def keeps_its_recipe(trainer: Trainer, spec: PipelineSpec, rows: TrainingRows) -> None:
    """A stored model holds the spec, the training code and the package versions that it was made with."""
    with tempfile.TemporaryDirectory(prefix="retrain-") as scratch:
        folder = Path(scratch) / "model"
        trainer.save(trainer.fit(spec, rows.features, rows.label), spec, rows.features.head(5), folder)
        recipe = trainer.recipe(folder)
        same_code = trainer.code_digest(recipe.spec) == trainer.code_digest(spec)
    must_hold(same_code, "the recipe must hold the training code")
    must_hold(recipe.spec.digest == spec.digest, "the recipe must hold the spec")
    must_hold(dict(recipe.packages) == trainer.package_versions(spec), "the recipe must hold the package versions")


def finds_its_features(trainer: Trainer, spec: PipelineSpec, rows: TrainingRows) -> None:
    """The order of columns and further columns do not matter; a missing one is a TrainingError."""
    model = trainer.fit(spec, rows.features, rows.label)
    shuffled = rows.features[rows.features.columns[::-1]].assign(another_column=1.0)
    same = np.array_equal(trainer.score(model, rows.features), trainer.score(model, shuffled))
    must_hold(same, "scores must not depend on the order of columns, or on columns that are not features")
    lacking = rows.features.iloc[:, 1:]
    must_raise(TrainingError, lambda: trainer.score(model, lacking), "if a feature is missing")


def leaves_the_rows_alone(trainer: Trainer, spec: PipelineSpec, rows: TrainingRows) -> None:
    """Fitting and scoring change neither features nor labels."""
    features, label = rows.features.copy(deep=True), rows.label.copy(deep=True)
    trainer.score(trainer.fit(spec, features, label), features)
    must_hold(features.equals(rows.features) and label.equals(rows.label), "fit and score must not change the rows")


def refuses_bad_labels(trainer: Trainer, spec: PipelineSpec, rows: TrainingRows) -> None:
    """A missing label, and for a classification a single class, are a DataError."""
    missing = rows.label.astype(object).where(np.arange(len(rows.label)) > 0)
    must_raise(DataError, lambda: trainer.fit(spec, rows.features, missing), "if a label is missing")
    if spec.evaluation.task == "classification":
        single = rows.label.mask(np.ones(len(rows.label), dtype=bool), rows.label.iloc[0])
        must_raise(DataError, lambda: trainer.fit(spec, rows.features, single), "if there is a single class")


def refuses_a_folder_without_a_model(trainer: Trainer, spec: PipelineSpec, rows: TrainingRows) -> None:  # noqa: ARG001
    """A folder that holds no model is an IntegrityError."""
    with tempfile.TemporaryDirectory(prefix="retrain-") as scratch:
        must_raise(IntegrityError, lambda: trainer.load(Path(scratch)), "for a folder without a model")
        must_raise(IntegrityError, lambda: trainer.recipe(Path(scratch)), "for a folder without a recipe")


TRAINER_PROMISES: Final[tuple[Callable[[Trainer, PipelineSpec, TrainingRows], None], ...]] = (
    gives_stable_digests,
    names_its_packages,
    builds_an_unfitted_estimator,
    fits_and_scores,
    beats_its_baseline,
    fits_the_same_model_again,
    loads_what_it_saved,
    keeps_its_recipe,
    finds_its_features,
    leaves_the_rows_alone,
    refuses_bad_labels,
    refuses_a_folder_without_a_model,
)
"""Each takes a trainer, a spec and rows; each raises AssertionError if the promise is broken."""


def _one_hot(classes: tuple[Any, ...], label: Series) -> Any:
    return np.column_stack([label.to_numpy() == name for name in classes]).astype(float)


def _same_scores(trainer: Trainer, first: FittedModel, second: FittedModel, features: DataFrame) -> bool:
    return bool(np.array_equal(trainer.score(first, features), trainer.score(second, features)))

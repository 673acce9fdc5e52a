"""Training with scikit-learn: fit, score, and save in a format that runs no code on loading."""

from __future__ import annotations

import functools
import hashlib
import json
import platform
import zlib
from collections.abc import Callable, Sequence
from importlib.metadata import PackageNotFoundError, packages_distributions, version
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from zipfile import BadZipFile, ZipFile

import mlflow.sklearn
import numpy as np
import skops.io
from mlflow.models import Model
from mlflow.models.model import MLMODEL_FILE_NAME
from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name
from sklearn.dummy import DummyClassifier, DummyRegressor
from skops.io.exceptions import UnsupportedTypeException

from retrain.adapters.model_types import make_signature
from retrain.adapters.recipe_folder import CODE_FOLDER, describe_blas, read_recipe, write_recipe
from retrain.adapters.trusted_types import find_undefined, find_untrusted
from retrain.adapters.user_code.project_code import describe_failure, find_code, import_from
from retrain.core.digest import digest_files, digest_json
from retrain.core.evaluation.scores import check_scores
from retrain.core.extras import needs_extra
from retrain.core.ports import FittedModel
from retrain.core.spec import PipelineSpec
from retrain.core.stats.metric_names import MINIMISED_BY_QUANTILE
from retrain.core.training.recipe import Recipe
from retrain.errors import DataError, IntegrityError, TrainingError

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from pandas import DataFrame, Series

__all__ = ["SklearnTrainer"]

_ALWAYS_PINNED: Final = ("numpy", "pandas", "scikit-learn", "scipy", "skops")
_THEIR_PACKAGES: Final = frozenset({"numpy", "pandas", "sklearn", "scipy", "skops"})
_MODEL_FILE: Final = "model.skops"
_CARD_FILE: Final = "retrain.json"
# A process keeps the packages that it imported, so it keeps also what it read about them: each takes from 10 ms to a second.
_read_version = functools.cache(version)
_list_distributions = functools.cache(packages_distributions)
_NOT_LEARNT: Final = frozenset({"__id__", "n_threads"})
"""Fields of a stored estimator that are not part of the fitted model: skops' numbering, the number of binning threads."""


class SklearnTrainer:
    """The `Trainer` of scikit-learn estimators.

    Args:
        trusted_types: The types that the platform adds to those of `trusted_types`. A stored model may contain only these;
            neither a spec nor a model can extend the list.
    """

    def __init__(self, trusted_types: Sequence[str] = ()) -> None:
        self._trusted_types = tuple(trusted_types)

    def code_digest(self, spec: PipelineSpec) -> str:
        """Return the digest of the estimator's module and of all project files that it imports."""
        files = [(file.relative_to(spec.root).as_posix(), file) for file in find_code(spec)]
        if not any(name.endswith(".py") for name, _ in files):
            name = spec.train.estimator.partition(":")[0]
            files.append((name, _find_installed_module(name, spec)))
        return digest_files(files)

    def lock_digest(self, spec: PipelineSpec) -> str:
        """Return the digest of the Python version and the pinned packages."""
        with needs_extra("search", "train.search"):
            search_pins = [f"optuna=={_read_version('optuna')}"] if spec.train.search else []
        return digest_json([platform.python_version(), *_pin_packages(spec), *search_pins])

    def package_versions(self, spec: PipelineSpec) -> dict[str, str]:
        """Return the versions of Python and of the pinned packages, and the BLAS kernels."""
        pins = dict(pin.split("==") for pin in _pin_packages(spec))
        return {"python": platform.python_version()} | pins | describe_blas()

    def build(self, spec: PipelineSpec) -> Any:
        """Return the unfitted estimator of a spec.

        Raises:
            TrainingError: Its function cannot be imported or refuses the params.
        """
        name, _, function = spec.train.estimator.partition(":")
        try:
            build: Callable[..., Any] = getattr(_import_module(name, spec), function)
        except AttributeError as error:
            raise _make_import_error(spec, f"no {function} in {name}") from error
        try:
            return build(seed=spec.train.seed, **spec.train.params)
        except Exception as error:
            raise TrainingError(
                f"{spec.train.estimator}(seed=…, **params) must return an estimator",
                got=f"{type(error).__name__}: {error}",
                fix="Fix the function or train.params; name data files that it reads in train.files.",
            ) from error

    def fit(self, spec: PipelineSpec, features: DataFrame, label: Series) -> FittedModel:
        """Build the estimator with the spec's params and seed; fit it and a dummy on the same rows."""
        classification = spec.evaluation.task == "classification"
        _check_data(features, label, classification)
        if not classification:
            quantile = MINIMISED_BY_QUANTILE.get(spec.evaluation.primary)
            dummy = DummyRegressor(strategy="mean" if quantile is None else "quantile", quantile=quantile)
        else:
            dummy = DummyClassifier(strategy="prior")
        estimator = self.build(spec)
        # A copy has one memory block per type; the last bits of a dot product depend on the memory layout.
        features = features.copy()
        try:
            estimator.fit(features, label)
            classes = (
                tuple(value.item() if hasattr(value, "item") else value for value in estimator.classes_)
                if classification
                else None
            )
        except Exception as error:
            raise TrainingError(
                f"{spec.train.estimator} must fit the training rows",
                got=f"{describe_failure(error, spec.root)} while fitting",
                fix="Fix the estimator or train.params.",
            ) from error
        dummy.fit(np.zeros((len(label), 1)), label)
        baseline = tuple(map(float, dummy.class_prior_)) if classification else (float(dummy.constant_.item()),)
        return FittedModel(estimator, tuple(features.columns), classes, baseline)

    def score(self, model: FittedModel, features: DataFrame) -> NDArray[np.float64]:
        """Return (n, classes) probabilities, or (n,) predictions."""
        missing = [name for name in model.features if name not in features.columns]
        if missing:
            raise TrainingError(
                "rows to score must have the model's features",
                got=f"none named {', '.join(missing)}",
                fix="Retrain it.",
            )
        rows = features.loc[:, list(model.features)]
        try:
            scores = model.estimator.predict(rows) if model.classes is None else model.estimator.predict_proba(rows)
        except Exception as error:
            raise TrainingError(
                "a fitted estimator must score rows (a classifier by predict_proba)",
                got=f"{describe_failure(error, model.code.root if model.code else None)} while scoring",
                fix="Fix the estimator.",
            ) from error
        return check_scores(scores, len(rows), model.classes)

    def save(self, model: FittedModel, spec: PipelineSpec, sample: DataFrame, folder: Path) -> None:
        """Write an MLflow model in the skops format, with explicit signature and requirements (inferring them costs 8 s)."""
        types = self._find_types(model.estimator, spec)
        mlflow.sklearn.save_model(
            model.estimator,
            str(folder),
            signature=make_signature(model, sample),
            pip_requirements=list(_pin_packages(spec)),
            serialization_format="skops",
            skops_trusted_types=types,
            pyfunc_predict_fn="predict" if model.classes is None else "predict_proba",
            metadata=None if model.classes is None else {"classes": list(model.classes)},
        )
        card = {name: getattr(model, name) for name in ("features", "classes", "baseline")}
        (folder / _CARD_FILE).write_text(json.dumps(card), encoding="utf-8")
        write_recipe(spec, find_code(spec), self.package_versions(spec), folder)
        _serve_code(folder)

    def load(self, folder: Path) -> FittedModel:
        """Load the estimator with the platform's trust list; the loader that the folder's MLmodel names is ignored."""
        path = folder / _MODEL_FILE
        try:
            types = skops.io.get_untrusted_types(file=path)
            if untrusted := find_untrusted(types, self._trusted_types):
                raise IntegrityError(
                    "a stored model must contain only types that the platform trusts",
                    got=", ".join(untrusted),
                    fix="Do not load it; retrain, or review the types and add them to [retrain] trusted_types.",
                )
            estimator = skops.io.load(path, trusted=types)
            card = json.loads((folder / _CARD_FILE).read_text(encoding="utf-8"))
            classes = None if card["classes"] is None else tuple(card["classes"])
            return FittedModel(estimator, tuple(card["features"]), classes, tuple(card["baseline"]))
        except (
            OSError,
            ValueError,
            LookupError,
            TypeError,
            AttributeError,
            ImportError,
            BadZipFile,
            zlib.error,
        ) as error:
            raise IntegrityError(
                "a model artifact must hold model.skops and retrain.json", got=type(error).__name__, fix="Retrain it."
            ) from error

    def recipe(self, folder: Path) -> Recipe:
        """Return the recipe that `save` stored."""
        return read_recipe(folder)

    def find_difference(self, folder: Path, other: Path) -> str:
        """Return the first parameter or array in which two stored estimators differ; empty if there is none."""
        first, second = (_read_leaves(path / _MODEL_FILE) for path in (folder, other))
        return min((leaf for leaf in first.keys() | second.keys() if first.get(leaf) != second.get(leaf)), default="")

    def _find_types(self, estimator: Any, spec: PipelineSpec) -> list[str]:
        """Return the types of a fitted estimator that skops alone does not trust.

        Raises:
            TrainingError: The platform does not trust one, or no process could load it.
        """
        try:
            types: list[str] = skops.io.get_untrusted_types(data=skops.io.dumps(estimator))
        except UnsupportedTypeException as error:
            raise TrainingError(
                "a model must be made of parts that skops can store", got=str(error), fix="Choose another estimator."
            ) from error
        if undefined := find_undefined(types):
            raise TrainingError(
                "a model's functions and classes must have a name at the top of a module, by which every process finds them",
                got=", ".join(undefined),
                fix="Replace a lambda or an inner function by a function at the top of the estimator's module.",
            )
        if untrusted := find_untrusted(types, self._trusted_types):
            raise TrainingError(
                "a model must contain only types that the platform trusts",
                got=", ".join(untrusted),
                fix="Review them and add them to the setting [retrain] trusted_types.",
            )
        _check_pinned(types, spec)
        return types


def _check_pinned(types: Sequence[str], spec: PipelineSpec) -> None:
    """Check that the version of each installed package with a class in the model is part of the key."""
    packages = {name.partition(".")[0] for name in types} - _THEIR_PACKAGES
    if not packages:
        return
    pinned = {pin.partition("==")[0] for pin in _pin_packages(spec)}
    installed = _list_distributions()
    for package in sorted(packages):
        names = {canonicalize_name(name) for name in installed.get(package, ())}
        if names and not names & {canonicalize_name(name) for name in pinned}:
            raise TrainingError(
                "train.requirements must name the packages of a model's classes",
                got=f"no {package}",
                fix=f"Add {min(names)} to it.",
            )


def _serve_code(folder: Path) -> None:
    """Let MLflow find the project's classes in the recipe, so that others can load the model without the project."""
    if (folder / CODE_FOLDER).is_dir():
        document = Model.load(str(folder))
        for flavor in document.flavors.values():
            flavor["code"] = CODE_FOLDER
        document.save(str(folder / MLMODEL_FILE_NAME))


def _read_leaves(path: Path) -> dict[str, Any]:
    """Return every leaf of a stored estimator by its path; arrays are represented by their sha256."""
    leaves: dict[str, Any] = {}
    with ZipFile(path) as archive:

        def walk(node: Any, path: str) -> None:
            if isinstance(node, dict):
                for name, value in node.items():
                    if name == "file":
                        leaves[path] = hashlib.sha256(archive.read(value)).hexdigest()
                    elif name not in _NOT_LEARNT:
                        walk(value, f"{path}.{name}")
            elif isinstance(node, list):
                for number, value in enumerate(node):
                    walk(value, f"{path}[{number}]")
            else:
                leaves[path] = node

        walk(json.loads(archive.read("schema.json")), "model")
    return leaves


def _import_module(name: str, spec: PipelineSpec) -> Any:
    try:
        return import_from(name, spec.root)
    except Exception as error:
        raise _make_import_error(spec, f"{type(error).__name__}: {error}") from error


def _make_import_error(spec: PipelineSpec, got: str) -> TrainingError:
    return TrainingError(
        f"train.estimator {spec.train.estimator} must be importable from the project",
        got=got,
        fix="Check the path, that its packages are installed, and that train.files names the data files that it reads.",
    )


def _find_installed_module(name: str, spec: PipelineSpec) -> Path:
    module = _import_module(name, spec)
    file = getattr(module, "__file__", None)
    if file is None or not Path(file).is_file():
        raise _make_import_error(spec, f"{name} has no file")
    return Path(file)


def _pin_packages(spec: PipelineSpec) -> tuple[str, ...]:
    pins = set()
    for text in (*_ALWAYS_PINNED, *spec.train.requirements):
        try:
            requirement = Requirement(text)
            pins.add(f"{requirement.name}=={_read_version(requirement.name)}")
        except (InvalidRequirement, PackageNotFoundError) as error:
            raise TrainingError(
                "train.requirements must name installed packages", got=repr(text), fix="Install it on every worker."
            ) from error
    return tuple(sorted(pins))


def _check_data(features: DataFrame, label: Series, classification: bool) -> None:
    empty = [name for name in features.columns if features[name].isna().all()]
    if empty:
        raise DataError(
            "every feature must have at least one value in the training rows",
            got=f"nothing but missing values in {', '.join(empty)}",
            fix="Fix the source or remove the feature.",
        )
    missing = int(label.isna().sum())
    if missing:
        raise DataError(
            "every row must have a label", got=f"{missing} rows without one", fix="Exclude them in the query."
        )
    if classification:
        if label.nunique() < 2:
            raise DataError("the training rows must have two classes", got="one", fix="Widen the training window.")
    elif label.dtype.kind not in "iufb" or not np.isfinite(label.to_numpy(dtype=np.float64)).all():
        raise DataError("the label must be finite numbers", got=str(label.dtype), fix="Fix the query.")

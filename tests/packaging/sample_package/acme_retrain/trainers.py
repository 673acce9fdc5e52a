"""A trainer of linear models that are stored as plain JSON."""

import json
import platform
from importlib.metadata import version

import numpy as np

from acme_retrain.ridge import Ridge
from retrain.errors import DataError, IntegrityError, TrainingError
from retrain.ports import FittedModel
from retrain.training import digest_files, digest_json, find_code, import_from, read_recipe, write_recipe


class RidgeTrainer:
    """Fits `Ridge` on numeric features; a two-class problem scores by its prediction, cut to (0, 1)."""

    def __init__(self, trusted_types=()):
        """Take the types that the platform trusts; JSON holds none."""

    def code_digest(self, spec):
        """Return the digest of the project's training code; that of installed packages is in `lock_digest`."""
        return digest_files((file.relative_to(spec.root).as_posix(), file) for file in find_code(spec))

    def lock_digest(self, spec):
        """Return the digest of what determines the model beside the code and the data."""
        return digest_json(self.package_versions(spec))

    def package_versions(self, spec):
        """Return the versions by name."""
        versions = {name: version(name) for name in ("acme-retrain", "numpy", "pandas")}
        return {"python": platform.python_version()} | versions

    def build(self, spec):
        """Return the unfitted estimator."""
        module, _, function = spec.train.estimator.partition(":")
        try:
            return getattr(import_from(module, spec.root), function)(seed=spec.train.seed, **spec.train.params)
        except Exception as error:
            raise TrainingError(
                f"{spec.train.estimator} must return an estimator",
                got=f"{type(error).__name__}: {error}",
                fix="Fix the function or train.params.",
            ) from error

    def fit(self, spec, features, label):
        """Fit the estimator on the training rows."""
        if features.isna().any(axis=None) or label.isna().any():
            raise DataError("ridge needs a value in every cell", got="missing values", fix="Fill them in the query.")
        classes = None
        if spec.evaluation.task == "classification":
            classes = tuple(value.item() for value in np.unique(label))
            if len(classes) != 2:
                raise DataError("ridge needs two classes", got=str(len(classes)), fix="Choose another trainer.")
            label = (label == classes[1]).astype(float)
        mean = float(label.mean())
        baseline = (mean,) if classes is None else (1 - mean, mean)
        estimator = self.build(spec)
        try:
            estimator.fit(features.to_numpy(float), label.to_numpy(float))
        except ValueError as error:
            raise TrainingError(
                "ridge needs numeric features", got=type(error).__name__, fix="Choose them by data.features."
            ) from error
        return FittedModel(estimator, tuple(features.columns), classes, baseline)

    def score(self, model, features):
        """Return (n, 2) probabilities, or (n,) predictions."""
        missing = [name for name in model.features if name not in features]
        if missing:
            raise TrainingError("rows must have the model's features", got=f"no {', '.join(missing)}", fix="Retrain.")
        predicted = model.estimator.predict(features[list(model.features)].to_numpy(float))
        if not np.isfinite(predicted).all():
            raise TrainingError("scores must be finite", got="NaN or an infinity", fix="Fix the features.")
        if model.classes is None:
            return predicted
        positive = predicted.clip(0.001, 0.999)
        return np.column_stack([1 - positive, positive])

    def save(self, model, spec, sample, folder):
        """Write the weights as JSON, with the recipe beside them."""
        folder.mkdir(parents=True)
        document = {
            "alpha": model.estimator.alpha,
            "weights": model.estimator.weights.tolist(),
            "features": model.features,
            "classes": model.classes,
            "baseline": model.baseline,
        }
        (folder / "ridge.json").write_text(json.dumps(document), encoding="utf-8")
        write_recipe(spec, find_code(spec), self.package_versions(spec), folder)

    def load(self, folder):
        """Read the weights; JSON runs no code."""
        try:
            document = json.loads((folder / "ridge.json").read_text(encoding="utf-8"))
            estimator = Ridge(document["alpha"])
            estimator.weights = np.array(document["weights"], dtype=float)
            classes = None if document["classes"] is None else tuple(document["classes"])
            return FittedModel(estimator, tuple(document["features"]), classes, tuple(document["baseline"]))
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise IntegrityError("a model must hold ridge.json", got=type(error).__name__, fix="Retrain it.") from error

    def recipe(self, folder):
        """Return what the model was made by."""
        return read_recipe(folder)

    def find_difference(self, folder, other):
        """Return the first key whose values differ."""
        first, second = (json.loads((path / "ridge.json").read_text()) for path in (folder, other))
        return next((key for key in first if first[key] != second[key]), "")

"""Which types a stored model may hold beyond those that skops trusts."""

from __future__ import annotations

import importlib
from collections.abc import Collection, Iterable
from typing import Any, Final

__all__ = ["find_undefined", "find_untrusted"]

_SKLEARN_SUBPACKAGES: Final = frozenset(
    {
        "_loss",
        "calibration",
        "cluster",
        "compose",
        "covariance",
        "cross_decomposition",
        "decomposition",
        "discriminant_analysis",
        "dummy",
        "ensemble",
        "feature_extraction",
        "feature_selection",
        "frozen",
        "gaussian_process",
        "impute",
        "isotonic",
        "kernel_approximation",
        "kernel_ridge",
        "linear_model",
        "manifold",
        "metrics",
        "mixture",
        "model_selection",
        "multiclass",
        "multioutput",
        "naive_bayes",
        "neighbors",
        "neural_network",
        "pipeline",
        "preprocessing",
        "random_projection",
        "semi_supervised",
        "svm",
        "tree",
    }
)
"""The subpackages of scikit-learn that hold estimators and their parts: no class in them opens a file or starts a process."""
_BOOSTING: Final = frozenset(
    {
        "lightgbm.basic.Booster",
        *(f"lightgbm.sklearn.LGBM{kind}" for kind in ("Classifier", "Regressor", "Ranker")),
        "xgboost.core.Booster",
        *(
            f"xgboost.sklearn.XGB{kind}"
            for kind in ("Classifier", "Regressor", "Ranker", "RFClassifier", "RFRegressor")
        ),
    }
)
"""Their state is the library's own model format, which its parser reads; no Python object is in it."""
_PARTS: Final = frozenset(
    {
        "collections.OrderedDict",
        "functools.partial",
        "numpy.dtype",
        "numpy.mean",
        "scipy._lib.array_api_compat.numpy._aliases.asarray",
        "scipy.interpolate._bsplines.BSpline",
        "scipy.sparse._csc.csc_matrix",
        "scipy.sparse._csr.csr_matrix",
        "sklearn.cluster._kmeans._kmeans_single_elkan",
        "sklearn.cluster._kmeans._kmeans_single_lloyd",
        "sklearn.feature_selection._mutual_info.mutual_info_classif",
        "sklearn.feature_selection._mutual_info.mutual_info_regression",
        "sklearn.feature_selection._univariate_selection.chi2",
        "sklearn.feature_selection._univariate_selection.f_classif",
        "sklearn.feature_selection._univariate_selection.f_regression",
        "sklearn.metrics._classification.balanced_accuracy_score",
        "sklearn.utils._bunch.Bunch",
        "sklearn.utils._metadata_requests.MetadataRequest",
        "sklearn.utils._metadata_requests.MethodMetadataRequest",
        "sklearn.utils.validation.check_array",
    }
)
"""Functions and small types inside scikit-learn's estimators. Functions are trusted one by one: a stored model may call each of
them with arguments of its own."""


def find_untrusted(names: Iterable[str], platform: Collection[str]) -> list[str]:
    """Return the names among those that skops does not trust that nobody else trusts either, sorted.

    Args:
        names: Types and functions of a stored model, as ``module.name``.
        platform: What the setting ``[retrain] trusted_types`` adds.
    """
    trusted = _PARTS | _BOOSTING | set(platform)
    return sorted(name for name in set(names) - trusted if not _is_of_sklearn(name))


def find_undefined(names: Iterable[str]) -> list[str]:
    """Return the names that no module defines at its top, such as those of lambdas; no process could load them."""
    return sorted(name for name in names if _import(name) is None)


def _is_of_sklearn(name: str) -> bool:
    """Return whether a name is a class that scikit-learn defines in a subpackage of estimators."""
    module, *_ = name.rpartition(".")
    parts = module.split(".")
    if parts[0] != "sklearn" or len(parts) < 2 or parts[1] not in _SKLEARN_SUBPACKAGES or "tests" in parts:
        return False
    found = _import(name)
    return isinstance(found, type) and found.__module__ == module


def _import(name: str) -> Any:
    """Return what a name stands for, also a method of a class; None if there is no such thing."""
    module, _, attribute = name.rpartition(".")
    try:
        return getattr(importlib.import_module(module), attribute, None)
    except (ImportError, ValueError):
        return getattr(_import(module), attribute, None) if module else None

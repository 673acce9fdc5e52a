"""Training code for the tests, good and bad; a spec names it as ``tests.estimators:<function>``."""
# ruff: noqa: ARG002 - scikit-learn's signatures

from __future__ import annotations

import os
import signal
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.compose import ColumnTransformer, make_column_selector
from sklearn.dummy import DummyRegressor
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import FunctionTransformer, OrdinalEncoder
from sklearn.svm import LinearSVC

EMAIL = "ada.lovelace@example.org"


class Odd(ClassifierMixin, BaseEstimator):
    """A classifier of a type that nobody trusts."""

    def fit(self, features: Any, label: Any) -> Odd:
        self.classes_ = np.unique(label)
        return self

    def predict_proba(self, features: Any) -> Any:
        return np.full((len(features), len(self.classes_)), 1 / len(self.classes_))


class _Failing(BaseEstimator):
    def fit(self, features: Any, label: Any) -> _Failing:
        raise RuntimeError(f"could not convert {features.iloc[0].tolist()} {EMAIL}")


class _Unsure(Odd):
    def predict_proba(self, features: Any) -> Any:
        return np.full((len(features), len(self.classes_)), np.nan)


def build_classifier(*, seed: int, **params: Any) -> LogisticRegression:
    return LogisticRegression(random_state=seed, **params)


def build_tree(*, seed: int) -> Pipeline:
    encoder = OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1)
    columns = ColumnTransformer(
        [("texts", encoder, make_column_selector(dtype_exclude="number"))], remainder="passthrough"
    )
    return make_pipeline(columns, HistGradientBoostingClassifier(max_iter=5, random_state=seed))


def build_regressor(*, seed: int) -> LinearRegression:
    return LinearRegression()


def build_useless(*, seed: int) -> DummyRegressor:
    return DummyRegressor()


def build_failing(*, seed: int) -> _Failing:
    return _Failing()


def build_unsure(*, seed: int) -> _Unsure:
    return _Unsure()


def build_odd(*, seed: int) -> Odd:
    return Odd()


def build_without_probabilities(*, seed: int) -> LinearSVC:
    return LinearSVC(random_state=seed)


def build_nothing(*, seed: int) -> None:
    raise LookupError("no estimator today")


not_a_function = 7


def build_choosy(*, seed: int, C: float, kind: str = "plain") -> BaseEstimator:  # noqa: N803 - scikit-learn's name
    """Return a classifier, of whose kinds some fail: on purpose, or because they have no probabilities."""
    if kind == "broken":
        raise ValueError(f"no such kind for {EMAIL}")
    kinds: dict[str, Any] = {"failing": _Failing, "unsure": lambda: LinearSVC(random_state=seed)}
    return kinds.get(kind, lambda: LogisticRegression(C=C, random_state=seed))()


def build_mortal(*, seed: int, C: float) -> LogisticRegression:  # noqa: N803 - scikit-learn's name
    """Return a classifier, or kill the process where the environment says that this is the last one it may build."""
    left = int(os.environ.get("BUILDS_LEFT", "0"))
    os.environ["BUILDS_LEFT"] = str(left - 1)
    if left == 1:
        os.kill(os.getpid(), signal.SIGKILL)
    return LogisticRegression(C=C, random_state=seed)


def build_linear(*, seed: int, **params: Any) -> LinearRegression:
    return LinearRegression(**params)


def build_lambda(*, seed: int) -> Pipeline:
    return make_pipeline(FunctionTransformer(lambda rows: rows), LogisticRegression(random_state=seed))


class Column(LinearRegression):
    """A regression whose predictions stand in a column of their own."""

    def predict(self, features: Any) -> Any:
        return super().predict(features)[:, None]


class Loud(Odd):
    """A classifier whose probabilities are twice too large."""

    def predict_proba(self, features: Any) -> Any:
        return 2 * super().predict_proba(features)


def build_column(*, seed: int) -> Column:
    return Column()


def build_loud(*, seed: int) -> Loud:
    return Loud()

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pandas as pd
import pytest
import skops.io
from sklearn import cluster, ensemble, impute, linear_model, neighbors, neural_network, preprocessing, svm, tree
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import TransformedTargetRegressor, make_column_selector, make_column_transformer
from sklearn.feature_selection import SelectKBest
from sklearn.gaussian_process import GaussianProcessClassifier
from sklearn.model_selection import GridSearchCV
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import make_pipeline

from retrain.adapters.trusted_types import find_undefined, find_untrusted

LOGISTIC = linear_model.LogisticRegression()
CLASSIFIERS = [
    LOGISTIC,
    tree.DecisionTreeClassifier(),
    ensemble.RandomForestClassifier(3),
    ensemble.ExtraTreesClassifier(3),
    ensemble.GradientBoostingClassifier(n_estimators=3),
    ensemble.HistGradientBoostingClassifier(max_iter=3),
    ensemble.AdaBoostClassifier(n_estimators=3),
    ensemble.BaggingClassifier(n_estimators=3),
    ensemble.VotingClassifier([("a", LOGISTIC), ("b", GaussianNB())], voting="soft"),
    ensemble.StackingClassifier([("a", LOGISTIC), ("b", tree.DecisionTreeClassifier())]),
    neural_network.MLPClassifier(max_iter=5),
    neighbors.KNeighborsClassifier(),
    neighbors.KNeighborsClassifier(algorithm="ball_tree"),
    svm.SVC(),
    GaussianProcessClassifier(),
    CalibratedClassifierCV(LOGISTIC, method="isotonic"),
    CalibratedClassifierCV(ensemble.RandomForestClassifier(3)),
    GridSearchCV(LOGISTIC, {"C": [1.0, 2.0]}),
    make_pipeline(impute.SimpleImputer(), LOGISTIC),
    make_pipeline(impute.KNNImputer(), LOGISTIC),
    make_pipeline(preprocessing.SplineTransformer(), LOGISTIC),
    make_pipeline(preprocessing.KBinsDiscretizer(quantile_method="averaged_inverted_cdf"), LOGISTIC),
    make_pipeline(preprocessing.QuantileTransformer(n_quantiles=5), LOGISTIC),
    make_pipeline(preprocessing.TargetEncoder(), LOGISTIC),
    make_pipeline(SelectKBest(k=1), LOGISTIC),
    make_pipeline(preprocessing.FunctionTransformer(np.log1p), LOGISTIC),
    make_pipeline(cluster.KMeans(2), LOGISTIC),
    make_pipeline(
        make_column_transformer((preprocessing.StandardScaler(), make_column_selector(dtype_include="number"))),
        LOGISTIC,
    ),
]
REGRESSORS = [
    ensemble.RandomForestRegressor(3),
    ensemble.HistGradientBoostingRegressor(max_iter=3, loss="poisson"),
    TransformedTargetRegressor(linear_model.Ridge(), func=np.log1p, inverse_func=np.expm1),
    linear_model.TweedieRegressor(power=1.5),
    neighbors.KNeighborsRegressor(),
]


@pytest.mark.parametrize("estimator", [*CLASSIFIERS, *REGRESSORS], ids=lambda found: type(found).__name__)
def test_the_estimators_of_scikit_learn_are_trusted_and_score_the_same_again(estimator: Any) -> None:
    generator = np.random.default_rng(0)
    rows = pd.DataFrame({"a": generator.random(40), "b": generator.random(40)})
    label = np.arange(40) % 2 + (1 if estimator in REGRESSORS else 0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        estimator.fit(rows, label)
    stored = skops.io.dumps(estimator)
    types = skops.io.get_untrusted_types(data=stored)
    assert find_untrusted(types, ()) == []
    assert find_undefined(types) == []
    again = skops.io.loads(stored, trusted=types)
    np.testing.assert_array_equal(again.predict(rows), estimator.predict(rows))


@pytest.mark.parametrize(
    "name",
    [
        "os.system",
        "builtins.eval",
        "subprocess.Popen",
        "numpy.load",
        "numpy.memmap",
        "numpy.f2py.__main__.main",
        "scipy.io._netcdf.netcdf_file",
        "sklearn.datasets._base.load_files",
        "sklearn.utils._testing.TempMemmap",
        "sklearn.externals._arff.ArffDecoder",
        "sklearn.metrics.pairwise.pairwise_distances",
        "sklearn.linear_model._logistic.np",
        "sklearn.ensemble._forest.threading",
        "sklearn.ensemble._forest.RandomForestClassifier.fit",
        "sklearn.ensemble.tests.test_forest.MyBackend",
        "sklearn.no_such_module.Thing",
        "include.models.churn.Own",
    ],
)
def test_functions_and_classes_of_elsewhere_are_not_trusted(name: str) -> None:
    assert find_untrusted([name, "sklearn.tree._tree.Tree"], ()) == [name]
    assert find_untrusted([name], [name]) == []


def test_the_boosting_libraries_are_trusted_by_the_types_that_hold_their_own_format() -> None:
    assert find_untrusted(["lightgbm.basic.Booster", "xgboost.sklearn.XGBClassifier"], ()) == []
    assert find_untrusted(["lightgbm.basic.Dataset", "xgboost.callback.Any"], ()) != []


def test_a_name_that_no_module_defines_is_found() -> None:
    names = ["tests.estimators.<lambda>", "tests.estimators.inner", "no_such_module.thing", "thing"]
    assert find_undefined([*names, "tests.estimators.Odd", "tests.estimators.Odd.fit"]) == sorted(names)

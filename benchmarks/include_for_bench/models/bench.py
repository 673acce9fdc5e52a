"""The hand-written DAG's model."""

from sklearn.ensemble import HistGradientBoostingClassifier


def build_estimator(*, seed, **params):
    return HistGradientBoostingClassifier(random_state=seed, **params)

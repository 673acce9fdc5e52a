"""Ridge regression in closed form."""

import numpy as np


class Ridge:
    """Linear weights with a penalty on their size."""

    def __init__(self, alpha):
        self.alpha = alpha
        self.weights = np.zeros(0)

    def fit(self, x, y):
        """Find the weights; the last one is the intercept."""
        rows = np.column_stack([x, np.ones(len(x))])
        penalty = self.alpha * np.eye(rows.shape[1])
        self.weights = np.linalg.solve(rows.T @ rows + penalty, rows.T @ y)
        return self

    def predict(self, x):
        """Return (n,) predictions."""
        return np.column_stack([x, np.ones(len(x))]) @ self.weights


def build_ridge(*, seed, alpha=1.0):
    """Return an unfitted estimator for `train.estimator`; the closed form needs no seed."""
    return Ridge(float(alpha))

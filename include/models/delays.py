"""How many minutes after schedule will a flight arrive?"""

from sklearn.compose import ColumnTransformer
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import OrdinalEncoder

CATEGORICAL = ["carrier", "origin", "dest"]


def build_estimator(*, seed: int, **params) -> Pipeline:
    """Return an unfitted regressor; `params` are those of the boosted trees.

    A category that does not occur in the training rows becomes -1, which the trees treat as missing.
    """
    encoder = OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1)
    columns = ColumnTransformer([("categorical", encoder, CATEGORICAL)], remainder="passthrough")
    # The encoded columns come first, which fixes their positions. Early stopping would hold back random rows.
    trees = HistGradientBoostingRegressor(
        categorical_features=list(range(len(CATEGORICAL))),
        random_state=seed,
        **{"early_stopping": False} | params,
    )
    return Pipeline([("columns", columns), ("trees", trees)])

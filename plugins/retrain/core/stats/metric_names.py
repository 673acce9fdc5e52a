"""Names of the metrics that a spec may ask for, cheap enough to import while Airflow parses DAGs."""

from __future__ import annotations

from typing import Final, Literal, get_args

__all__ = [
    "CLASSIFICATION_METRICS",
    "GREATER_IS_BETTER",
    "METRICS_BY_TASK",
    "PARITIES",
    "REGRESSION_METRICS",
    "MetricName",
    "ParityName",
    "Task",
]

Task = Literal["classification", "regression"]
MetricName = Literal["accuracy", "balanced_accuracy", "brier", "f1", "log_loss", "mae", "mse", "r2", "rmse", "roc_auc"]
ParityName = Literal["demographic_parity", "equal_opportunity", "equalized_odds"]

CLASSIFICATION_METRICS: Final = ("accuracy", "balanced_accuracy", "brier", "f1", "log_loss", "roc_auc")
REGRESSION_METRICS: Final = ("mae", "mse", "r2", "rmse")
PARITIES: Final[tuple[str, ...]] = get_args(ParityName)
METRICS_BY_TASK: Final[dict[str, tuple[str, ...]]] = {
    "classification": CLASSIFICATION_METRICS,
    "regression": REGRESSION_METRICS,
}

GREATER_IS_BETTER: Final[dict[str, bool]] = {
    "accuracy": True,
    "balanced_accuracy": True,
    "brier": False,
    "f1": True,
    "log_loss": False,
    "mae": False,
    "mse": False,
    "r2": True,
    "rmse": False,
    "roc_auc": True,
}

"""Names of the metrics that a spec may ask for, cheap enough to import while Airflow parses DAGs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Final, Literal, get_args

from retrain.core.extensions import Extended, ExtensionName, ExtensionPoint, installed_names, load_extension
from retrain.errors import InstallError

__all__ = [
    "CLASSIFICATION_METRICS",
    "GREATER_IS_BETTER",
    "METRICS_BY_TASK",
    "MINIMISED_BY_QUANTILE",
    "PARITIES",
    "REGRESSION_METRICS",
    "SAME_FOR_BOTH_CLASSES",
    "FairnessMetricName",
    "MetricName",
    "ParityName",
    "Task",
    "metrics_for",
]

Task = Literal["classification", "regression"]
ParityName = Literal["demographic_parity", "equal_opportunity", "equalized_odds"]

CLASSIFICATION_METRICS: Final = (
    "accuracy",
    "average_precision",
    "balanced_accuracy",
    "brier",
    "f1",
    "log_loss",
    "recall_at_1pct",
    "recall_at_5pct",
    "recall_at_10pct",
    "roc_auc",
)
REGRESSION_METRICS: Final = (
    "gamma_deviance",
    "mae",
    "mse",
    "pinball_10",
    "pinball_50",
    "pinball_90",
    "poisson_deviance",
    "r2",
    "rmse",
)
PARITIES: Final[tuple[str, ...]] = get_args(ParityName)
METRICS_BY_TASK: Final[dict[str, tuple[str, ...]]] = {
    "classification": CLASSIFICATION_METRICS,
    "regression": REGRESSION_METRICS,
}

SAME_FOR_BOTH_CLASSES: Final = frozenset({"accuracy", "balanced_accuracy", "brier", "log_loss", "roc_auc"})
"""Metrics that do not change if the two classes of a label change places."""

MINIMISED_BY_QUANTILE: Final = {"mae": 0.5, "pinball_10": 0.1, "pinball_50": 0.5, "pinball_90": 0.9}
"""Losses whose best constant prediction is a quantile of the labels; that of the others is the mean."""

_DIRECTIONS: Final = {
    "accuracy": True,
    "average_precision": True,
    "balanced_accuracy": True,
    "brier": False,
    "f1": True,
    "gamma_deviance": False,
    "log_loss": False,
    "mae": False,
    "mse": False,
    "pinball_10": False,
    "pinball_50": False,
    "pinball_90": False,
    "poisson_deviance": False,
    "r2": True,
    "recall_at_1pct": True,
    "recall_at_5pct": True,
    "recall_at_10pct": True,
    "rmse": False,
    "roc_auc": True,
}
_BUILT_IN: Final = tuple(_DIRECTIONS)
MetricName = Annotated[str, ExtensionName(ExtensionPoint.METRICS, _BUILT_IN)]
FairnessMetricName = Annotated[str, ExtensionName(ExtensionPoint.METRICS, (*PARITIES, *_BUILT_IN))]


def metrics_for(task: str) -> tuple[str, ...]:
    """Return the metrics that a spec of a task may name: the built-in ones, and all of installed packages.

    Which task a package's metric is for shows when it is loaded.
    """
    return (*METRICS_BY_TASK.get(task, ()), *installed_names(ExtensionPoint.METRICS))


def _load_direction(name: str) -> bool:
    direction = getattr(load_extension(ExtensionPoint.METRICS, name), "greater_is_better", None)
    if not isinstance(direction, bool):
        raise InstallError(
            f"the metric {name!r} of an installed package must say whether greater is better",
            got=repr(direction),
            fix="Make it a retrain.metrics.InstalledMetric.",
        )
    return direction


GREATER_IS_BETTER: Final[Mapping[str, bool]] = Extended(_DIRECTIONS, ExtensionPoint.METRICS, _load_direction)

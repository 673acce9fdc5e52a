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

CLASSIFICATION_METRICS: Final = ("accuracy", "balanced_accuracy", "brier", "f1", "log_loss", "roc_auc")
REGRESSION_METRICS: Final = ("mae", "mse", "r2", "rmse")
PARITIES: Final[tuple[str, ...]] = get_args(ParityName)
METRICS_BY_TASK: Final[dict[str, tuple[str, ...]]] = {
    "classification": CLASSIFICATION_METRICS,
    "regression": REGRESSION_METRICS,
}

SAME_FOR_BOTH_CLASSES: Final = frozenset({"accuracy", "balanced_accuracy", "brier", "log_loss", "roc_auc"})
"""Metrics that do not change if the two classes of a label change places."""

_DIRECTIONS: Final = {
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

"""Metrics of installed packages."""

from __future__ import annotations

from dataclasses import dataclass

from retrain.core.extensions import ExtensionPoint, load_extension
from retrain.core.stats.metric_names import Task
from retrain.core.stats.metrics.base import Floats, Ints, Metric, Resampler
from retrain.errors import DataError, InstallError

__all__ = ["InstalledMetric", "load_metric"]


@dataclass(frozen=True)
class InstalledMetric:
    """What a package offers in the entry-point group ``retrain.metrics``.

    Attributes:
        metric: The arithmetic, such as an `AdditiveMetric`.
        task: The task whose scores it takes.
        greater_is_better: Whether a larger value is a better one.
    """

    metric: Metric
    task: Task
    greater_is_better: bool

    def value(self, y: Floats, scores: Floats) -> float:
        """Return the metric over all rows; NaN if it is not defined.

        Raises:
            DataError: The scores are those of another task, or the package's code fails on them.
        """
        self._check_task(scores)
        try:
            return float(self.metric.value(y, scores))
        except Exception as error:
            # The text of a foreign error may hold row values, so only its kind goes on.
            raise DataError(
                "a metric of an installed package must return a number for finite scores",
                got=type(error).__name__,
                fix="Fix the package's metric, or leave it out of evaluation.metrics.",
            ) from error

    def resampler(self, y: Floats, scores: Floats, clusters: Ints) -> Resampler:
        """Return a resampler of the metric.

        Raises:
            DataError: The scores are those of another task.
        """
        self._check_task(scores)
        return self.metric.resampler(y, scores, clusters)

    def _check_task(self, scores: Floats) -> None:
        task = "regression" if scores.ndim == 1 else "classification"
        if task != self.task:
            raise DataError(
                f"evaluation.metrics must be metrics of a {task}",
                got=f"a metric of a {self.task}",
                fix="Leave it out of the spec.",
            )


def load_metric(name: str) -> InstalledMetric:
    """Import the metric that an installed package offers.

    Raises:
        InstallError: There is none, it cannot be imported, or it is not an `InstalledMetric`.
    """
    found = load_extension(ExtensionPoint.METRICS, name)
    if not isinstance(found, InstalledMetric):
        raise InstallError(
            f"{name!r} in the entry-point group {ExtensionPoint.METRICS} must be a retrain.metrics.InstalledMetric",
            got=type(found).__name__,
            fix="Fix the entry point of its package.",
        )
    return found

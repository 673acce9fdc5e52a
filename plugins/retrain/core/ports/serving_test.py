"""The serving test of a new model: others can load and score it without the project."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray
    from pandas import DataFrame

__all__ = ["ServingTest"]


class ServingTest(Protocol):
    """Loads a new model as a server does, in a process of its own in an empty folder, without the project's code."""

    def __call__(self, folder: Path, rows: DataFrame, scores: NDArray[np.float64], *, project: Path) -> None:
        """Load the model by MLflow, in every way that its `MLmodel` offers, and compare its scores.

        Args:
            folder: The model folder; one without an `MLmodel` is not for MLflow and passes.
            rows: (n, features) rows to score.
            scores: What the fitted model said to these rows.
            project: The folder that the process must not import code from.

        Raises:
            TrainingError: The model does not load or score, or gives other scores.
        """

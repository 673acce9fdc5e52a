"""Loading and scoring a new model by MLflow in a child process that does not have the project."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from retrain.adapters.isolated.child_process import ChildError, call_with_rows
from retrain.errors import DataError, TrainingError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from pandas import DataFrame

__all__ = ["ChildProcessServingTest", "serve_stored"]

_TOLERANCE: Final = 1e-6


@dataclass(frozen=True)
class ChildProcessServingTest:
    """The `ServingTest` by MLflow's own loaders.

    Attributes:
        timeout: Time limit of the child process in seconds.
    """

    timeout: float = 300

    def __call__(self, folder: Path, rows: DataFrame, scores: NDArray[np.float64], *, project: Path) -> None:
        """Load the model in an empty folder and compare its scores."""
        if not (folder / "MLmodel").is_file():
            return
        arguments = {"folder": str(folder), "scores": scores.tolist()}
        try:
            call_with_rows(serve_stored, arguments, rows, spec=None, timeout=self.timeout, without=project)
        except ChildError as error:
            raise TrainingError(
                "others must be able to load a model by MLflow and score a row, without the project",
                got=str(error),
                fix="Import the project's code by its name at the top of the estimator's module; declare files in train.files.",
            ) from None


def serve_stored(folder: str, rows: str, scores: list[Any]) -> None:
    """Load a model by each flavor and compare its scores with those of the fitted model; runs in the child.

    Raises:
        DataError: The scores are others.
    """
    import mlflow.pyfunc
    import mlflow.sklearn
    import numpy as np
    import pandas as pd
    from mlflow.models import Model

    from retrain.adapters.model_types import to_model_types

    flavors = Model.load(folder).flavors
    features = to_model_types(pd.read_parquet(rows))
    served = {}
    if "sklearn" in flavors:
        estimator = mlflow.sklearn.load_model(folder)
        served["sklearn"] = getattr(estimator, flavors["python_function"]["predict_fn"])(features)
    if "python_function" in flavors:
        served["python_function"] = mlflow.pyfunc.load_model(folder).predict(features)
    expected = np.asarray(scores, dtype=np.float64)
    for flavor, found in served.items():
        numbers = np.asarray(found, dtype=np.float64)
        same = numbers.size == expected.size and np.allclose(
            numbers.ravel(), expected.ravel(), rtol=_TOLERANCE, atol=_TOLERANCE
        )
        if not same:
            raise DataError(
                "a served model must score as the fitted one", got=f"other scores by {flavor}", fix="Fix it."
            )

"""What Airflow's fork server imports once, named in `[scheduler] mp_forkserver_preload`, so that no task pays for it.

Nothing here may outlive a fork badly: no connection, no engine, no thread.
"""

import importlib
from typing import Final

from mlflow.utils.requirements_utils import warn_dependency_requirement_mismatches  # noqa: TID253

from retrain.reports.pages import load_templates

__all__ = ["MODULES"]

MODULES: Final = (
    "great_expectations",
    "mlflow.artifacts",
    "mlflow.pyfunc",
    "mlflow.sklearn",
    "pandas",
    "retrain.adapters.duckdb_snapshots",
    "retrain.adapters.gx_validator",
    "retrain.reports.html_scorecard",
    "retrain.adapters.mlflow_registry",
    "retrain.adapters.parquet_evidence",
    "retrain.reports.plots",
    "retrain.adapters.sklearn_trainer",
    "retrain.adapters.sql_ledger",
    "retrain.builder",
    "retrain.steps",
    "sklearn.compose",
    "sklearn.ensemble",
    "sklearn.pipeline",
)

for _name in MODULES:
    importlib.import_module(_name)

# Saving a model looks through every installed package, once a process: 0.4 s.
warn_dependency_requirement_mismatches(["mlflow"])
load_templates()

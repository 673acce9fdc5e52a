"""The bundle of ports, opened from Airflow's connections and settings."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from retrain import settings
from retrain.adapters.resources import SharedResources
from retrain.hooks.ledger import RetrainLedgerHook
from retrain.hooks.mlflow import MlflowHook
from retrain.hooks.store import StoreHook

if TYPE_CHECKING:
    from retrain.adapters.duckdb_snapshots import DuckDBSnapshots
    from retrain.adapters.mlflow_registry import MlflowRegistry
    from retrain.adapters.optuna_trials import OptunaTrials
    from retrain.adapters.parquet_evidence import ParquetEvidence
    from retrain.adapters.sql_ledger import SqlLedger

__all__ = ["AirflowResources"]


class AirflowResources(SharedResources):
    """The `Resources` of tasks and of the pages' API.

    Args:
        mlflow_conn_id: The connection to MLflow.
        ledger_conn_id: The connection to the ledger.
    """

    def __init__(
        self,
        *,
        mlflow_conn_id: str = settings.MLFLOW_CONNECTION,
        ledger_conn_id: str = settings.LEDGER_CONNECTION,
    ) -> None:
        super().__init__(settings.trusted_types())
        self._mlflow = MlflowHook(mlflow_conn_id)
        self._ledger = RetrainLedgerHook(ledger_conn_id)
        self._store = StoreHook()

    @cached_property
    def snapshots(self) -> DuckDBSnapshots:
        """The snapshots under the setting ``[retrain] store``."""
        return self._store.snapshots()

    @cached_property
    def evidence(self) -> ParquetEvidence:
        """The scorecards and scores under the setting ``[retrain] store``."""
        return self._store.evidence()

    @cached_property
    def registry(self) -> MlflowRegistry:
        """The registry of the MLflow connection."""
        return self._mlflow.get_conn()

    @cached_property
    def ledger(self) -> SqlLedger:
        """The ledger of its connection."""
        return self._ledger.get_conn()

    def open_trials(self) -> OptunaTrials:
        """Open the searches, which lie beside the ledger."""
        return self._ledger.trials()

"""From an Airflow connection or setting to an adapter."""

from retrain.hooks.ledger import RetrainLedgerHook
from retrain.hooks.mlflow import MlflowHook
from retrain.hooks.resources import AirflowResources
from retrain.hooks.store import StoreHook

__all__ = ["AirflowResources", "MlflowHook", "RetrainLedgerHook", "StoreHook"]

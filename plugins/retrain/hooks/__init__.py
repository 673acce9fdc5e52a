"""From an Airflow connection or setting to an adapter."""

from retrain.hooks.ledger import RetrainLedgerHook
from retrain.hooks.mlflow import MlflowHook
from retrain.hooks.store import StoreHook

__all__ = ["MlflowHook", "RetrainLedgerHook", "StoreHook"]

"""The assets that other DAGs can be scheduled on."""

from __future__ import annotations

from airflow.sdk import Asset

__all__ = ["champion_asset", "snapshot_asset"]


def snapshot_asset(model: str) -> Asset:
    """Return the asset that is updated with every snapshot of a pipeline."""
    return Asset(name=f"{model}-snapshot", uri=f"retrain://snapshot/{model}", group="retrain")


def champion_asset(model: str) -> Asset:
    """Return the asset that is updated when a model's production champion changes, and only then."""
    return Asset(name=f"{model}-champion", uri=f"retrain://champion/{model}", group="retrain")

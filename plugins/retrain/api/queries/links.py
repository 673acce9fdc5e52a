"""Links to other pages."""

from __future__ import annotations

from airflow.sdk.exceptions import AirflowNotFoundException

from retrain.hooks import MlflowHook

__all__ = ["version_url"]


def version_url(model: str, version: int | None) -> str | None:
    """Return a version's page in MLflow; None without a version, or if Airflow has no connection to MLflow."""
    if version is None:
        return None
    try:
        return MlflowHook().version_url(model, version)
    except AirflowNotFoundException:
        return None

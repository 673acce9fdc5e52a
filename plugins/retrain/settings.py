"""What the platform sets: typed readings of the ``[retrain]`` section of Airflow's configuration."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

__all__ = ["LEDGER_CONNECTION", "MLFLOW_CONNECTION", "SECTION", "store_uri", "trusted_types"]

SECTION: Final = "retrain"
MLFLOW_CONNECTION: Final = "mlflow_default"
LEDGER_CONNECTION: Final = "retrain_ledger"
DEFAULT_STORE: Final = ".retrain/store"


def store_uri() -> str:
    """Return the base URI of snapshots and scores, such as ``s3://bucket/retrain``."""
    return _read("store") or DEFAULT_STORE


def trusted_types() -> Sequence[str] | None:
    """Return the types that a stored model may hold beyond skops' own; None for the built-in list."""
    text = _read("trusted_types")
    return [name.strip() for name in text.split(",") if name.strip()] if text else None


def _read(key: str) -> str | None:
    from airflow.sdk.configuration import conf

    value = conf.get(SECTION, key, fallback=None)
    return str(value) if value else None

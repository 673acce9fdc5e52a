"""What the wheel tells Airflow about the provider: connection types with their forms, links and settings."""

from __future__ import annotations

from typing import Any

from retrain import __version__

__all__ = ["get_provider_info"]


def get_provider_info() -> dict[str, Any]:
    """Return the provider's metadata, in the form of Airflow's provider_info schema."""
    return {
        "package-name": "airflow-provider-retrain",
        "name": "Retrain",
        "description": "Keeps production machine-learning models fresh, and proves what was in production and why.",
        "versions": [__version__],
        "hooks": [{"integration-name": "Retrain", "python-modules": ["retrain.hooks.mlflow", "retrain.hooks.ledger"]}],
        "connection-types": [_mlflow_connection(), _ledger_connection()],
        "extra-links": [
            f"retrain.operators.links.{name}"
            for name in ("DecisionLink", "MlflowRunLink", "ModelVersionLink", "ScorecardLink")
        ],
        "config": {"retrain": {"description": "Settings of the retrain provider.", "options": _options()}},
    }


def _mlflow_connection() -> dict[str, Any]:
    return {
        "connection-type": "mlflow",
        "hook-class-name": "retrain.hooks.mlflow.MlflowHook",
        "hook-name": "MLflow",
        "ui-field-behaviour": {
            "hidden-fields": ["extra"],
            "relabeling": {"schema": "http or https"},
            "placeholders": {"host": "mlflow.example.com", "port": "5000", "schema": "http"},
        },
        "conn-fields": {
            "public_url": {
                "label": "Public URL",
                "description": "The address that people's browsers use, if it is another one.",
                "schema": {"type": ["string", "null"]},
            }
        },
    }


def _ledger_connection() -> dict[str, Any]:
    return {
        "connection-type": "retrain_ledger",
        "hook-class-name": "retrain.hooks.ledger.RetrainLedgerHook",
        "hook-name": "Retrain ledger",
        "ui-field-behaviour": {
            "hidden-fields": ["extra"],
            "relabeling": {"schema": "Database"},
            "placeholders": {"host": "postgres.example.com", "port": "5432", "schema": "retrain"},
        },
        "conn-fields": {
            "sqlite_path": {
                "label": "SQLite file",
                "description": "A SQLite file instead of PostgreSQL; it serves a single process.",
                "schema": {"type": ["string", "null"]},
            }
        },
    }


def _options() -> dict[str, Any]:
    return {
        "store": _option("Base URI of snapshots and per-row scores.", "s3://bucket/retrain", ".retrain/store"),
        "trusted_types": _option(
            "Comma-separated types that a stored model may hold, beyond those that skops trusts by itself and a short list "
            "for scikit-learn's pipelines and histogram gradient boosting.",
            "sklearn.tree._tree.Tree",
            "",
        ),
        "heads": _option(
            "Where the DAG `retrain_reconcile` keeps the ledger's head (the number of entries and the hash of the last one), for "
            "example a bucket whose objects cannot be deleted. The ledger must begin with the last kept head, so that a ledger "
            "that was rewritten as a whole is found.",
            "s3://audit/retrain-heads",
            "",
        ),
        "attempt_days": _option(
            "How many days a request over the pages' API stays in the log of requests, refused ones included; 0 for ever. The "
            "ledger itself keeps all entries.",
            "90",
            "400",
        ),
    }


def _option(description: str, example: str, default: str) -> dict[str, Any]:
    return {
        "description": description,
        "version_added": "0.1.0",
        "type": "string",
        "example": example,
        "default": default,
    }

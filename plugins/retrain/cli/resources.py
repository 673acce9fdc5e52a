"""The bundle of ports of a command: a ledger, a store, and an MLflow server or folders of models."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from retrain.adapters.resources import SharedResources

if TYPE_CHECKING:
    from retrain.adapters.content_store import ContentStore
    from retrain.adapters.duckdb_snapshots import DuckDBSnapshots
    from retrain.adapters.optuna_trials import OptunaTrials
    from retrain.adapters.parquet_evidence import ParquetEvidence
    from retrain.adapters.sql_ledger import SqlLedger
    from retrain.core.ports import ModelRegistry

__all__ = ["CliResources"]


class CliResources(SharedResources):
    """The `Resources` of a command.

    Args:
        store: The base URI of snapshots and scores.
        tracking_uri: The MLflow server; None for folders of models under `home`.
        home: The state folder.
        trusted_types: The types that a stored model may hold beside the built-in list.
    """

    def __init__(
        self, ledger: SqlLedger, *, store: str, tracking_uri: str | None, home: Path, trusted_types: Sequence[str]
    ) -> None:
        super().__init__(trusted_types)
        self.ledger = ledger
        self._store = store
        self._tracking_uri = tracking_uri
        self._home = home

    @cached_property
    def snapshots(self) -> DuckDBSnapshots:
        """The snapshots in the store."""
        from retrain.adapters.duckdb_snapshots import DuckDBSnapshots

        return DuckDBSnapshots(self._content)

    @cached_property
    def evidence(self) -> ParquetEvidence:
        """The scorecards and scores in the store."""
        from retrain.adapters.parquet_evidence import ParquetEvidence

        return ParquetEvidence(self._content)

    @cached_property
    def registry(self) -> ModelRegistry:
        """The MLflow server, or the folders of models."""
        if self._tracking_uri:
            from retrain.adapters.mlflow_registry import MlflowRegistry

            return MlflowRegistry(self._tracking_uri)
        from retrain.adapters.folder_registry import FolderRegistry

        return FolderRegistry(self._home / "registry")

    def open_trials(self) -> OptunaTrials:
        """Open the searches in the state folder."""
        from retrain.adapters.optuna_trials import OptunaTrials

        return OptunaTrials(f"sqlite:///{self._home / 'trials.db'}")

    @cached_property
    def _content(self) -> ContentStore:
        from retrain.adapters.content_store import ContentStore

        return ContentStore(self._store)

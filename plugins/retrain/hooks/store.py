"""The store of snapshots and scores that the platform set, and the databases that specs read from."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseHook

from retrain import settings

if TYPE_CHECKING:
    from pandas import DataFrame

    from retrain.adapters.content_store import ContentStore
    from retrain.adapters.duckdb_snapshots import DuckDBSnapshots
    from retrain.adapters.parquet_evidence import ParquetEvidence

__all__ = ["StoreHook"]


class StoreHook(BaseHook):
    """Opens the stores under the setting ``[retrain] store``."""

    @cached_property
    def content(self) -> ContentStore:
        """The content-addressed files."""
        from retrain.adapters.content_store import ContentStore

        return ContentStore(settings.store_uri())

    def get_conn(self) -> ContentStore:
        """Return the content-addressed files."""
        return self.content

    def snapshots(self) -> DuckDBSnapshots:
        """Return the snapshots."""
        from retrain.adapters.duckdb_snapshots import DuckDBSnapshots

        return DuckDBSnapshots(self.content, run_query=_run_query)

    def evidence(self) -> ParquetEvidence:
        """Return the scorecards and scores."""
        from retrain.adapters.parquet_evidence import ParquetEvidence

        return ParquetEvidence(self.content)


def _run_query(connection_id: str, sql: str, parameters: Mapping[str, Any]) -> DataFrame:
    import pandas as pd
    from sqlalchemy import text

    engine = BaseHook.get_hook(connection_id).get_sqlalchemy_engine()
    try:
        with engine.connect() as connection:
            return pd.read_sql(text(sql), connection, params=dict(parameters))
    finally:
        engine.dispose()

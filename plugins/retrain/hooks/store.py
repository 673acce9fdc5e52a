"""The store of snapshots and scores that the platform set, and the databases that specs read from."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseHook

from retrain import settings
from retrain.errors import DataError, OutageError

if TYPE_CHECKING:
    from pandas import DataFrame

    from retrain.adapters.content_store import ContentStore
    from retrain.adapters.duckdb_snapshots import DuckDBSnapshots
    from retrain.adapters.parquet_evidence import ParquetEvidence

__all__ = ["StoreHook", "run_query"]


class StoreHook(BaseHook):
    """Opens the stores under the setting ``[retrain] store``."""

    @cached_property
    def content(self) -> ContentStore:
        """The content-addressed files."""
        from retrain.adapters.content_store import ContentStore

        return ContentStore(settings.store_uri(), of_workers=True)

    def get_conn(self) -> ContentStore:
        """Return the content-addressed files."""
        return self.content

    def snapshots(self) -> DuckDBSnapshots:
        """Return the snapshots."""
        from retrain.adapters.duckdb_snapshots import DuckDBSnapshots

        return DuckDBSnapshots(self.content, run_query=run_query)

    def evidence(self) -> ParquetEvidence:
        """Return the scorecards and scores."""
        from retrain.adapters.parquet_evidence import ParquetEvidence

        return ParquetEvidence(self.content)


def run_query(connection_id: str, sql: str, parameters: Mapping[str, Any]) -> DataFrame:
    """Return the rows of a query.

    Raises:
        DataError: The database refused the query. The driver's message stays out: it may quote a value.
        OutageError: The database does not answer.
    """
    import pandas as pd
    from sqlalchemy import text
    from sqlalchemy.exc import InterfaceError, OperationalError, SQLAlchemyError

    engine = BaseHook.get_hook(connection_id).get_sqlalchemy_engine()
    try:
        with engine.connect() as connection:
            return pd.read_sql(text(sql), connection, params=dict(parameters))
    except (SQLAlchemyError, pd.errors.DatabaseError) as error:
        cause = error.__cause__ if isinstance(error, pd.errors.DatabaseError) else error
        kind = OutageError if isinstance(cause, (OperationalError, InterfaceError)) else DataError
        raise kind(
            f"the database of the connection {connection_id!r} must answer the query of the spec",
            got=_name_error(cause or error),
            fix="Run the query by hand, or look at the database's log.",
        ) from None
    finally:
        engine.dispose()


def _name_error(error: BaseException) -> str:
    """Return the class of a driver's error, with the standard's code of it if the driver gives one."""
    cause = getattr(error, "orig", None) or error
    code = getattr(cause, "sqlstate", None) or getattr(cause, "pgcode", None)
    return f"{type(cause).__name__} (SQLSTATE {code})" if code else type(cause).__name__

"""DuckDB as a data source of Great Expectations.

Great Expectations has no DuckDB data source, and three of its assumptions fail on DuckDB: it fetches rows after it has returned
the connection, it queries the PostgreSQL catalogue for column types, and it has no regular expressions for the dialect. An engine
may implement a metric itself, as the one for Redshift does. Importing this module registers the implementations below, and the
data source as ``context.data_sources.add_duckdb``.
"""
# ruff: noqa: N805 - Great Expectations passes the metric's class to its function, as `cls`

from __future__ import annotations

import builtins
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Literal

import duckdb_engine  # noqa: F401 - otherwise SQLAlchemy loads it during the first validation
import sqlalchemy as sa
from great_expectations.datasource.fluent.sql_datasource import SQLDatasource
from great_expectations.execution_engine import SqlAlchemyExecutionEngine
from great_expectations.expectations.metrics.map_metric_provider import (
    ColumnMapMetricProvider,
    column_condition_partial,
)
from great_expectations.expectations.metrics.metric_provider import metric_value
from great_expectations.expectations.metrics.table_metric_provider import TableMetricProvider

__all__ = ["DuckDBDatasource", "DuckDBExecutionEngine"]


class DuckDBExecutionEngine(SqlAlchemyExecutionEngine):  # type: ignore[misc]
    """A `SqlAlchemyExecutionEngine` that keeps one connection, as the one for SQLite does."""

    _connection: sa.Connection | None

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        # Quote every name: the dialect does not quote columns named `at` or `left`, and DuckDB refuses them.
        self.engine.dialect.identifier_preparer.legal_characters = re.compile(r"(?!)")

    @contextmanager
    def get_connection(self) -> Iterator[sa.Connection]:
        """Yield the connection, which stays open while its results may be fetched."""
        if self._connection is None:
            self._connection = self.engine.connect()
        try:
            yield self._connection
        except Exception:
            # After a failed query DuckDB refuses every other query until the transaction ends.
            self._connection.rollback()
            raise

    def get_domain_records(self, domain_kwargs: dict[str, Any]) -> Any:
        """Return the rows of a domain as a subquery, because some metrics select from them."""
        records = super().get_domain_records(domain_kwargs)
        return records.subquery() if isinstance(records, sa.Select) else records

    def close(self) -> None:
        """Close the connection; closing the last connection drops an in-memory database."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None
        super().close()


class DuckDBDatasource(SQLDatasource):  # type: ignore[misc]
    """A DuckDB database, such as ``duckdb:///:memory:name``, which is in memory and shared by name within the process."""

    type: Literal["duckdb"] = "duckdb"

    @property
    def execution_engine_type(self) -> builtins.type[DuckDBExecutionEngine]:
        """The engine that the metrics below are registered for."""
        return DuckDBExecutionEngine


class ColumnTypes(TableMetricProvider):  # type: ignore[misc]
    """Names and types of the columns, from DuckDB's DESCRIBE."""

    metric_name = "table.column_types"
    value_keys = ("include_nested",)

    @metric_value(engine=DuckDBExecutionEngine)  # type: ignore[untyped-decorator]
    def _duckdb(cls, execution_engine: DuckDBExecutionEngine, **_: Any) -> list[dict[str, Any]]:
        rows = sa.select(sa.text("*")).select_from(execution_engine.batch_manager.active_batch_data.selectable)
        query = rows.compile(dialect=execution_engine.dialect, compile_kwargs={"literal_binds": True})
        described = execution_engine.execute_query(sa.text(f"DESCRIBE {query}")).fetchall()
        return [{"name": column[0], "type": _to_sqlalchemy_type(column[1])} for column in described]


def _to_sqlalchemy_type(name: str) -> sa.types.TypeEngine[Any]:
    """Return SQLAlchemy's type for DuckDB's type name; NullType for types that only DuckDB has (TINYINT, HUGEINT, lists)."""
    word = re.match(r"\w+", name)
    kind = getattr(sa.types, word[0], None) if word and not name.endswith("]") else None
    return kind() if isinstance(kind, type) and issubclass(kind, sa.types.TypeEngine) else sa.types.NullType()


class MatchRegex(ColumnMapMetricProvider):  # type: ignore[misc]
    """Values with a match of a regular expression (RE2) at any position, as in pandas."""

    condition_metric_name = "column_values.match_regex"
    condition_value_keys = ("regex",)

    @column_condition_partial(engine=DuckDBExecutionEngine)  # type: ignore[untyped-decorator]
    def _duckdb(cls, column: sa.ColumnElement[str], regex: str, **_: Any) -> sa.ColumnElement[bool]:
        return _match(column, regex)


class NotMatchRegex(ColumnMapMetricProvider):  # type: ignore[misc]
    """Values without a match of a regular expression."""

    condition_metric_name = "column_values.not_match_regex"
    condition_value_keys = ("regex",)

    @column_condition_partial(engine=DuckDBExecutionEngine)  # type: ignore[untyped-decorator]
    def _duckdb(cls, column: sa.ColumnElement[str], regex: str, **_: Any) -> sa.ColumnElement[bool]:
        return sa.not_(_match(column, regex))


class MatchRegexList(ColumnMapMetricProvider):  # type: ignore[misc]
    """Values that match any, or all, regular expressions of a list."""

    condition_metric_name = "column_values.match_regex_list"
    condition_value_keys = ("regex_list", "match_on")
    default_kwarg_values = {"match_on": "any"}  # noqa: RUF012 - the attribute is an instance's in the base class

    @column_condition_partial(engine=DuckDBExecutionEngine)  # type: ignore[untyped-decorator]
    def _duckdb(
        cls, column: sa.ColumnElement[str], regex_list: list[str], match_on: str, **_: Any
    ) -> sa.ColumnElement[bool]:
        join = sa.and_ if match_on == "all" else sa.or_
        return join(*(_match(column, regex) for regex in regex_list))


class NotMatchRegexList(ColumnMapMetricProvider):  # type: ignore[misc]
    """Values that match no regular expression of a list."""

    condition_metric_name = "column_values.not_match_regex_list"
    condition_value_keys = ("regex_list",)

    @column_condition_partial(engine=DuckDBExecutionEngine)  # type: ignore[untyped-decorator]
    def _duckdb(cls, column: sa.ColumnElement[str], regex_list: list[str], **_: Any) -> sa.ColumnElement[bool]:
        return sa.and_(*(sa.not_(_match(column, regex)) for regex in regex_list))


def _match(column: sa.ColumnElement[str], regex: str) -> sa.ColumnElement[bool]:
    # DuckDB's `~` would require the whole value to match.
    return sa.func.regexp_matches(column, regex)

"""The ledger in a SQL database: PostgreSQL, or a SQLite file for a single machine."""

from retrain.adapters.sql_ledger.attempts import Attempt, AttemptLog, LoggedAttempt
from retrain.adapters.sql_ledger.ledger import SqlLedger
from retrain.adapters.sql_ledger.overview import LedgerOverview, ModelHead, Requester
from retrain.adapters.sql_ledger.urls import postgresql_url, sqlite_url

__all__ = [
    "Attempt",
    "AttemptLog",
    "LedgerOverview",
    "LoggedAttempt",
    "ModelHead",
    "Requester",
    "SqlLedger",
    "postgresql_url",
    "sqlite_url",
]

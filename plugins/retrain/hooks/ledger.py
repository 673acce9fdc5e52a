"""The connection to the ledger's database."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow.sdk import BaseHook

from retrain.errors import RetrainError
from retrain.settings import LEDGER_CONNECTION

if TYPE_CHECKING:
    from sqlalchemy import URL

    from retrain.adapters.optuna_trials import OptunaTrials
    from retrain.adapters.sql_ledger import SqlLedger

__all__ = ["RetrainLedgerHook"]


class RetrainLedgerHook(BaseHook):
    """Opens the ledger of a connection of type ``retrain_ledger``.

    A PostgreSQL database by host (or the folder of its Unix socket), port, login, password and schema (the database's name).
    With the extra field ``sqlite_path`` a SQLite file instead, which serves a single process.
    """

    conn_name_attr = "retrain_ledger_conn_id"
    default_conn_name = LEDGER_CONNECTION
    conn_type = "retrain_ledger"
    hook_name = "Retrain ledger"

    def __init__(self, retrain_ledger_conn_id: str = LEDGER_CONNECTION) -> None:
        super().__init__()
        self.retrain_ledger_conn_id = retrain_ledger_conn_id

    def get_conn(self, **limits: int) -> SqlLedger:
        """Return the ledger; the database is not asked anything yet.

        Args:
            **limits: How long its database may take, if less than usual: `at_most`, in seconds.
        """
        from retrain.adapters.sql_ledger import SqlLedger

        return SqlLedger(self._url(), **limits)

    def trials(self) -> OptunaTrials:
        """Return the searches, which are beside the ledger: in a schema of their own, or in a second SQLite file."""
        from retrain.adapters.optuna_trials import OptunaTrials

        url = self._url()
        return OptunaTrials(url.set(database=f"{url.database}.trials") if url.get_backend_name() == "sqlite" else url)

    def _url(self) -> URL:
        from retrain.adapters.sql_ledger import postgresql_url, sqlite_url

        connection = self.get_connection(self.retrain_ledger_conn_id)
        if path := connection.extra_dejson.get("sqlite_path"):
            return sqlite_url(path)
        return postgresql_url(
            host=connection.host or "localhost",
            port=connection.port,
            user=connection.login,
            password=connection.password,
            database=connection.schema or "retrain",
        )

    def test_connection(self) -> tuple[bool, str]:
        """Count the ledger's entries and check their chain, for the form's button."""
        try:
            return True, f"The ledger answers; its chain of {self.get_conn().verify().count} entries is intact"
        except RetrainError as error:
            return False, str(error)

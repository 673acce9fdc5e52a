"""The history of the ledger's tables, run from inside the package: no ``alembic.ini`` is needed."""

from __future__ import annotations

from alembic import command
from alembic.config import Config
from alembic.util import CommandError
from sqlalchemy import Connection

from retrain.errors import RetrainError

__all__ = ["upgrade"]


def upgrade(connection: Connection) -> None:
    """Bring the tables to the newest revision, within the caller's transaction.

    Raises:
        RetrainError: A later version of this package migrated the tables.
    """
    config = Config()
    config.set_main_option("script_location", f"{__name__}:")
    config.attributes["connection"] = connection
    try:
        command.upgrade(config, "head")
    except CommandError:
        raise RetrainError(
            "the ledger's tables must be of this version or an earlier one",
            got="tables of a later version",
            fix="Upgrade airflow-provider-retrain here too.",
        ) from None

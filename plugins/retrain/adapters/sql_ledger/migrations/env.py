"""What Alembic runs for each command."""

from __future__ import annotations

from alembic import context

from retrain.adapters.sql_ledger.tables import METADATA, VERSION_TABLE


def run() -> None:
    """Run the migrations on the connection, and in the transaction, of the caller."""
    connection = context.config.attributes["connection"]
    context.configure(connection=connection, target_metadata=METADATA, version_table=VERSION_TABLE)
    with context.begin_transaction():
        context.run_migrations()


# Alembic gives its context the attribute while a command runs; anybody else who imports this file runs nothing.
if hasattr(context, "config"):
    run()

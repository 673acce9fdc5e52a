"""Opening the ledger that a command asks about."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from retrain.adapters.sql_ledger import SqlLedger
from retrain.errors import NotFoundError

__all__ = ["opened_ledger"]


@contextmanager
def opened_ledger(url: str | None, home: Path) -> Iterator[SqlLedger]:
    """Give the ledger at a URL; without one the demo's, whose PostgreSQL is started for the moment if it is down.

    Raises:
        NotFoundError: No URL is given and there is no demo.
    """
    if url is not None:
        yield SqlLedger(url)
        return
    if (home / "ledger.db").exists():
        yield SqlLedger(f"sqlite:///{home / 'ledger.db'}")
        return
    if not (home / "postgres").is_dir():
        raise NotFoundError(
            f"a ledger must be under {home}",
            got="none",
            fix="Run `retrain demo` first; name the folder of `retrain run` with --home .retrain, or your own ledger with "
            "--ledger or RETRAIN_LEDGER.",
        )
    from retrain.sandbox.stack import Stack

    stack = Stack(Path.cwd(), home.absolute())
    with stack.database_only():
        yield SqlLedger(stack.database_url("retrain"))

"""A PostgreSQL that crashes in the middle of a transaction, when a test says so, and comes back by itself."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Connection, create_engine, event
from sqlalchemy.exc import OperationalError
from sqlalchemy.pool import NullPool

__all__ = ["DatabaseCrash"]


class DatabaseCrash:
    """Kills the server process behind a connection in the middle of its transaction, after which PostgreSQL restarts itself."""

    def __init__(self, url: str) -> None:
        self.engine = create_engine(url, poolclass=NullPool)
        self._statements_left: int | None = None
        self._crashed = False
        event.listen(self.engine, "before_cursor_execute", self._count)

    @contextmanager
    def after(self, statements: int) -> Iterator[Callable[[], bool]]:
        """Let it happen after so many more statements; the function given says whether it did."""
        self._statements_left, self._crashed = statements, False
        try:
            yield self._has_crashed
        finally:
            self._statements_left = None

    def _has_crashed(self) -> bool:
        if self._crashed:
            self._wait()
        return self._crashed

    def _count(self, connection: Connection, *_: object) -> None:
        if self._statements_left is None:
            return
        self._statements_left -= 1
        if self._statements_left < 0:
            self._statements_left, self._crashed = None, True
            driver: Any = connection.connection.dbapi_connection
            os.kill(driver.info.backend_pid, signal.SIGKILL)

    def _wait(self) -> None:
        deadline = time.monotonic() + 60
        while True:
            try:
                with self.engine.connect() as connection:
                    connection.exec_driver_sql("SELECT 1")
            except OperationalError:
                assert time.monotonic() < deadline, "PostgreSQL did not come back"
                time.sleep(0.05)
            else:
                return

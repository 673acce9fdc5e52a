"""Addresses of a ledger's database, made of their parts so that no part can be mistaken for another."""

from __future__ import annotations

from sqlalchemy import URL

__all__ = ["postgresql_url", "sqlite_url"]


def postgresql_url(*, host: str, port: int | None, user: str | None, password: str | None, database: str) -> URL:
    """Return the address of a PostgreSQL database; a host that is a path is the folder of its Unix socket."""
    socket = host.startswith("/")
    return URL.create(
        "postgresql+psycopg2",
        username=user,
        password=password,
        host=None if socket else host,
        port=port,
        database=database,
        query={"host": host} if socket else {},
    )


def sqlite_url(path: str) -> URL:
    """Return the address of a SQLite file."""
    return URL.create("sqlite", database=path)

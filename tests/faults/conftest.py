"""A stage of the test's own on servers that the session shares, and a proxy before MLflow."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator

import pytest
from sqlalchemy import URL
from tests.faults.proxy import Proxy, proxy_before
from tests.faults.stage import Stage
from tests.servers import MlflowServer


@pytest.fixture
def model(request: pytest.FixtureRequest) -> str:
    return f"m-{uuid.uuid4().hex[:12]}"


@pytest.fixture
def make_stage(model: str, mlflow_url: str, database: URL) -> Callable[..., Stage]:
    """Make a stage; keywords are of the spec's promotion."""
    return lambda **promotion: Stage.open(model, mlflow_url, database, **promotion)


@pytest.fixture
def stage(make_stage: Callable[..., Stage]) -> Stage:
    return make_stage()


@pytest.fixture
def proxy(mlflow_server: MlflowServer, monkeypatch: pytest.MonkeyPatch) -> Iterator[Proxy]:
    """A proxy before MLflow whose clients give up after one retry."""
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "1")
    with proxy_before(mlflow_server.url) as running:
        yield running

"""One run read for a page: from a real server, and from servers that do not answer, or with something else."""

from __future__ import annotations

import socket
import uuid
from base64 import b64encode
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest

from retrain.adapters.mlflow_runs import MlflowRun, read_run
from retrain.errors import NotFoundError, OutageError, RegistryError

Serve = Callable[[int, bytes], str]
SECONDS = 20


def read(
    uri: str, run_id: str = "0" * 32, *, login: tuple[str, str] | None = None, seconds: float = SECONDS
) -> MlflowRun:
    return read_run(uri, run_id, login=login, public_url="https://u:p@mlflow.example.com/", seconds=seconds)


@pytest.fixture
def asked() -> list[str | None]:
    """The logins that `serve` was asked with, one per request."""
    return []


@pytest.fixture
def serve(asked: list[str | None]) -> Iterator[Serve]:
    """Start a server that gives one answer to everything."""
    servers = []

    def start(status: int, body: bytes) -> str:
        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                asked.append(self.headers["authorization"])
                self.send_response(status)
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                pass

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        servers.append(server)
        Thread(target=server.serve_forever, daemon=True).start()
        return f"http://127.0.0.1:{server.server_address[1]}"

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


@pytest.mark.integration
def test_a_run_has_its_params_tags_and_page(mlflow_url: str) -> None:
    from mlflow.tracking import MlflowClient

    client = MlflowClient(mlflow_url, mlflow_url)
    experiment = client.create_experiment(f"e-{uuid.uuid4().hex}")
    run_id = client.create_run(experiment, tags={"retrain.code": "c"}).info.run_id
    client.log_param(run_id, "C", 2)
    run = read(mlflow_url, run_id)
    assert (dict(run.params), run.tags["retrain.code"]) == ({"C": "2"}, "c")
    assert run.url == f"https://mlflow.example.com/#/experiments/{experiment}/runs/{run_id}"
    with pytest.raises(NotFoundError):
        read(mlflow_url)


def test_a_server_that_accepts_and_says_nothing_is_an_outage_after_one_try() -> None:
    with socket.socket() as stopped:
        stopped.bind(("127.0.0.1", 0))
        stopped.listen(8)
        with pytest.raises(OutageError):
            read(f"http://127.0.0.1:{stopped.getsockname()[1]}", seconds=0.2)
        stopped.settimeout(SECONDS)
        stopped.accept()[0].close()
        stopped.settimeout(0)
        with pytest.raises(BlockingIOError):
            stopped.accept()


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (503, b"{}", OutageError),
        (429, b"{}", OutageError),
        (404, b"<html>an ingress without a backend</html>", OutageError),
        (200, b"", OutageError),
        (200, b"{}", OutageError),
        (200, b"[]", OutageError),
        (404, b'{"error_code": "RESOURCE_DOES_NOT_EXIST"}', NotFoundError),
        (401, b'{"error_code": "UNAUTHENTICATED"}', RegistryError),
        (403, b'{"error_code": "PERMISSION_DENIED"}', RegistryError),
    ],
)
def test_each_other_answer_is_an_error_of_its_kind_after_one_try(
    serve: Serve, asked: list[str | None], status: int, body: bytes, kind: type[Exception]
) -> None:
    with pytest.raises(kind) as caught:
        read(serve(status, body).replace("://", "://ann:hush@"))
    assert len(asked) == 1
    assert "hush" not in str(caught.value)


@pytest.mark.parametrize(("in_the_url", "login"), [("ann:p%40ss@", None), ("", ("ann", "p@ss"))])
def test_the_login_of_url_or_connection_travels(
    serve: Serve, asked: list[str | None], in_the_url: str, login: tuple[str, str] | None
) -> None:
    uri = serve(200, b'{"run": {"info": {"experiment_id": "1"}, "data": {}}}')
    assert read(uri.replace("://", f"://{in_the_url}"), login=login).params == {}
    assert asked == ["Basic " + b64encode(b"ann:p@ss").decode()]

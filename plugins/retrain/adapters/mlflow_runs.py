"""One run of an MLflow server for a page that waits: one request, a few seconds, no second try."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import unquote, urlsplit

from mlflow.exceptions import MlflowException
from mlflow.utils.credentials import get_default_host_creds
from mlflow.utils.rest_utils import http_request

from retrain.adapters.mlflow_pages import run_page_url, strip_login
from retrain.errors import NotFoundError, OutageError, RegistryError

__all__ = ["MlflowRun", "read_run"]

_ENDPOINT: Final = "/api/2.0/mlflow/runs/get"


@dataclass(frozen=True)
class MlflowRun:
    """The MLflow run that made a version; `url` is its page."""

    url: str
    params: Mapping[str, str]
    tags: Mapping[str, str]


def read_run(uri: str, run_id: str, *, login: tuple[str, str] | None, public_url: str, seconds: float) -> MlflowRun:
    """Return a run.

    Other settings of the client, such as a token or certificates, come from MLflow's environment variables.

    Args:
        uri: The server's URL.
        run_id: The run.
        login: User name and password; by default those in the URL.
        public_url: The server's URL for browsers.
        seconds: How long connecting, and each wait for the answer, may take.

    Raises:
        NotFoundError: The server has no such run.
        OutageError: The server does not answer in time, or answers with something else.
        RegistryError: The server refuses the request.
    """
    creds = get_default_host_creds(strip_login(uri))
    login = login or _login_of(uri)
    if login is not None:
        creds.username, creds.password = login
    try:
        answer = http_request(creds, _ENDPOINT, "GET", max_retries=0, timeout=seconds, params={"run_id": run_id})
        body = answer.json()
    except (MlflowException, ValueError) as error:
        # Without its cause: its text may hold the address with a login.
        raise _make_outage(type(error).__name__) from None
    if isinstance(body, dict) and body.get("error_code") == "RESOURCE_DOES_NOT_EXIST":
        raise NotFoundError("a run that the ledger names must exist in MLflow", got=run_id, fix="Restore it.")
    if answer.status_code in (400, 401, 403):
        raise RegistryError(
            "MLflow must accept the request",
            got=f"status {answer.status_code}",
            fix="Check the login of the connection.",
        )
    try:
        return _to_run(body, strip_login(public_url).rstrip("/"), run_id)
    except (LookupError, TypeError):
        raise _make_outage(f"status {answer.status_code} and no run") from None


def _login_of(uri: str) -> tuple[str, str] | None:
    parts = urlsplit(uri)
    return (unquote(parts.username), unquote(parts.password or "")) if parts.username else None


def _to_run(body: Any, base: str, run_id: str) -> MlflowRun:
    info, data = body["run"]["info"], body["run"]["data"]
    params, tags = ({item["key"]: item["value"] for item in data.get(part, ())} for part in ("params", "tags"))
    return MlflowRun(run_page_url(base, info["experiment_id"], run_id), params, tags)


def _make_outage(got: str) -> OutageError:
    return OutageError("the MLflow server must answer with a run", got=got, fix="Check the server.")

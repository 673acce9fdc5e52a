"""Logins of MLflow servers, each sent to its own server alone."""

from __future__ import annotations

import base64
import os
from typing import Any, Final

from mlflow.tracking.request_auth.abstract_request_auth_provider import RequestAuthProvider

__all__ = ["ServerLogins", "remember_login"]

_PROVIDER: Final = "retrain"
_logins: Final[dict[str, str]] = {}
"""The header per server's URL. MLflow's own variables would give one login to every server that the process talks to."""


def remember_login(server: str, user: str, password: str) -> None:
    """Send a login with every later request to a server, from this process.

    A provider that the platform names in ``MLFLOW_TRACKING_AUTH`` keeps its place: then no login is sent.

    Args:
        server: The server's URL without a login.
        user: The user name.
        password: The password.
    """
    token = base64.b64encode(f"{user}:{password}".encode()).decode()
    _logins[server.rstrip("/")] = f"Basic {token}"
    os.environ.setdefault("MLFLOW_TRACKING_AUTH", _PROVIDER)


def _add_login(request: Any) -> Any:
    """Add the login of a request's server to its headers; a server without a login here gets none."""
    servers = [server for server in _logins if request.url.startswith((f"{server}/", f"{server}?"))]
    if servers:
        request.headers["Authorization"] = _logins[max(servers, key=len)]
    return request


class ServerLogins(RequestAuthProvider):  # type: ignore[misc]
    """The provider that MLflow's client finds by its entry point, and asks if ``MLFLOW_TRACKING_AUTH`` names it."""

    def get_name(self) -> str:
        """Return the name in ``MLFLOW_TRACKING_AUTH``."""
        return _PROVIDER

    def get_auth(self) -> Any:
        """Return what adds a login to a request."""
        return _add_login

"""The checks before every change: the user, the origin of the request, and a row in the audit log, whatever the outcome."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import urlsplit

from airflow.api_fastapi.core_api.security import bearer_scheme, get_user
from fastapi import Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from retrain.adapters.sql_ledger import Attempt
from retrain.api.dependencies import open_ledger
from retrain.api.problems import describe
from retrain.core.names import is_name
from retrain.core.text import to_one_line
from retrain.errors import RetrainError
from retrain.settings import base_url

__all__ = ["HEADER", "BodyLimit", "GuardedRoute"]

HEADER: Final = "x-retrain-request"
"""A header that no form and no plain link can send; a foreign page would need permission to send it, which it does not get."""
MOST_BYTES: Final = 16 * 1024


class GuardedRoute(APIRoute):
    """A route that changes something.

    In this order: the user (401), a row in the log of attempts, where the request comes from (403, 415), and only then
    its body. At the end the row gets the outcome, also of a refusal. Without a ledger for the row nothing is done.
    """

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Return the handler with the guard before it."""
        handle = super().get_route_handler()

        async def guarded(request: Request) -> Response:
            user = await get_user(request, None, await bearer_scheme(request))
            model = request.path_params["model"]
            attempt = Attempt(str(user.get_name()), self.name, model if is_name(model) else to_one_line(model)[:64])
            log_of = (await run_in_threadpool(open_ledger)).attempts
            seq = await run_in_threadpool(log_of.begin, attempt)
            request.state.attempt = attempt
            try:
                check_origin(request)
                response = await handle(request)
                attempt.status, attempt.outcome = response.status_code, "accepted"
            except (RetrainError, RequestValidationError, HTTPException) as error:
                status, problem = describe(error)
                attempt.status, attempt.outcome = status, f"refused: {problem.must}; got {problem.got}"[:1000]
                raise
            except Exception as error:
                attempt.status, attempt.outcome = HTTPStatus.INTERNAL_SERVER_ERROR, type(error).__name__
                raise
            finally:
                await run_in_threadpool(log_of.end, seq, attempt)
            return response

        return guarded


def check_origin(request: Request) -> None:
    """Refuse a request that another site's page could have made the user's browser send.

    Raises:
        HTTPException: 415 without JSON; 403 without the header, or from another origin.
    """
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/json":
        raise HTTPException(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "a change needs content-type: application/json")
    if request.headers.get(HEADER) != "1":
        raise HTTPException(HTTPStatus.FORBIDDEN, f"a change needs the header {HEADER}: 1")
    site, origin = request.headers.get("sec-fetch-site"), request.headers.get("origin")
    if site is not None and site != "same-origin":
        raise HTTPException(HTTPStatus.FORBIDDEN, "a change must come from Airflow's own pages")
    if origin is not None and origin.partition("://")[2] not in _own_hosts(request):
        raise HTTPException(HTTPStatus.FORBIDDEN, "a change must come from Airflow's own pages")
    by_token = request.headers.get("authorization", "").lower().startswith("bearer ")
    if site is None and origin is None and not by_token:
        # A browser says at least one of the two with every POST; a request with a cookie and neither is not from our pages.
        raise HTTPException(HTTPStatus.FORBIDDEN, "a change with a cookie must say where it comes from")


def _own_hosts(request: Request) -> set[str]:
    return {request.headers.get("host", ""), urlsplit(base_url()).netloc} - {""}


class BodyLimit:
    """Refuses a body that is larger than anything the API asks for, before it is read."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Count the bytes of the body as they arrive."""
        read = 0

        async def counted() -> Message:
            nonlocal read
            message = await receive()
            read += len(message.get("body", b""))
            if read > MOST_BYTES:
                raise HTTPException(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"a body must be at most {MOST_BYTES} bytes")
            return message

        await self._app(scope, counted, send)

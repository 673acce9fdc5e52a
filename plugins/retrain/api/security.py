"""The checks before every change: the user, the origin of the request, and a row in the audit log, whatever the outcome."""

from __future__ import annotations

from collections import defaultdict, deque
from functools import partial
from http import HTTPStatus
from math import ceil, inf
from time import monotonic
from typing import Final
from urllib.parse import urlsplit

from anyio import current_time, fail_after
from fastapi import Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from retrain.adapters.sql_ledger import Attempt
from retrain.api.capacity import Handler, PageRoute, in_thread
from retrain.api.dependencies import open_ledger
from retrain.api.problems import describe
from retrain.core.names import is_name
from retrain.core.text import to_one_line
from retrain.errors import RetrainError
from retrain.settings import attempt_retention, base_url

__all__ = ["HEADER", "BodyLimit", "GuardedRoute", "RefusalLimit"]

HEADER: Final = "x-retrain-request"
"""A header that no form and no plain link can send; a foreign page would need permission to send it, which it does not get."""
MOST_BYTES: Final = 16 * 1024
BODY_SECONDS: Final = 10
_REFUSALS: Final = frozenset(range(400, 500)) - {HTTPStatus.CONFLICT}
"""What counts against the user; not a conflict, which comes from somebody who may."""


class GuardedRoute(PageRoute):
    """A route that changes something.

    In this order: the user (401), a place (503), whether the user was refused too often (429), a row in the log of attempts,
    where the request comes from (403, 415), and only then its body. At the end the row gets the outcome, also of a refusal.
    Without a ledger for the row nothing is done.
    """

    async def answer(self, request: Request, handle: Handler) -> Response:
        """Answer a request between the two writes of its row."""
        refusals: RefusalLimit = request.app.state.refusals
        actor, model = request.state.actor, request.path_params["model"]
        refusals.check(actor)
        attempt = Attempt(actor, self.name, model if is_name(model) else to_one_line(model)[:64])
        log_of = (await in_thread(open_ledger)).attempts
        seq = await in_thread(log_of.begin, attempt, attempt_retention())
        request.state.attempt, request.state.attempt_seq = attempt, seq
        try:
            check_origin(request)
            response = await handle(request)
            attempt.status, attempt.outcome = response.status_code, "accepted"
        except (RetrainError, RequestValidationError, HTTPException) as error:
            status, problem = describe(error)
            attempt.status, attempt.outcome = status, f"refused: {problem.must}; got {problem.got}"[:1000]
            if status in _REFUSALS and refusals.add(actor):
                attempt.outcome += refusals.note
            raise
        except Exception as error:
            attempt.status, attempt.outcome = HTTPStatus.INTERNAL_SERVER_ERROR, type(error).__name__
            raise
        finally:
            await in_thread(log_of.update, seq, attempt)
        return response


class RefusalLimit:
    """Counts the refused changes of each user, so that nobody fills the log of attempts.

    Args:
        most: How many are recorded within the time; the user's further requests are refused without a row.
        seconds: The time.
    """

    def __init__(self, most: int = 30, seconds: float = 60) -> None:
        self._most = most
        self._seconds = seconds
        self._refused: defaultdict[str, deque[float]] = defaultdict(partial(deque, maxlen=most))
        self.note = f"; the user's further requests within {seconds:.0f} s are not recorded"

    def check(self, user: str) -> None:
        """Refuse a user whose requests were refused too often.

        Raises:
            HTTPException: 429, with the seconds to wait.
        """
        if self._is_full(user):
            wait = ceil(self._refused[user][0] + self._seconds - monotonic())
            raise HTTPException(
                HTTPStatus.TOO_MANY_REQUESTS,
                f"{self._most} refused requests of the user {user} within {self._seconds:.0f} s",
                headers={"retry-after": str(max(wait, 1))},
            )

    def add(self, user: str) -> bool:
        """Count a refusal; return whether it was the last one to be recorded."""
        self._refused[user].append(monotonic())
        return self._is_full(user)

    def _is_full(self, user: str) -> bool:
        times = self._refused[user]
        return len(times) == self._most and monotonic() - times[0] < self._seconds


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
    if origin is not None and origin.partition("://")[2] != _own_host(request):
        raise HTTPException(HTTPStatus.FORBIDDEN, "a change must come from Airflow's own pages")
    by_token = request.headers.get("authorization", "").lower().startswith("bearer ")
    if site is None and origin is None and not by_token:
        # A browser says at least one of the two with every POST; a request with a cookie and neither is not from our pages.
        raise HTTPException(HTTPStatus.FORBIDDEN, "a change with a cookie must say where it comes from")


def _own_host(request: Request) -> str:
    """Return the host of Airflow's pages; what a request names itself counts only if the platform sets none."""
    return urlsplit(base_url()).netloc or request.headers.get("host", "")


class BodyLimit:
    """Refuses a body that is larger than anything the API asks for, before it is read, or that takes too long to arrive."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Count the bytes of the body as they arrive, and the time."""
        read, until, whole = 0, inf, False

        async def counted() -> Message:
            nonlocal read, until, whole
            until = min(until, current_time() + BODY_SECONDS)
            try:
                with fail_after(None if whole else until - current_time()):
                    message = await receive()
            except TimeoutError:
                raise HTTPException(
                    HTTPStatus.REQUEST_TIMEOUT, f"a body must arrive within {BODY_SECONDS} seconds"
                ) from None
            whole = not message.get("more_body", False)
            read += len(message.get("body", b""))
            if read > MOST_BYTES:
                raise HTTPException(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"a body must be at most {MOST_BYTES} bytes")
            return message

        await self._app(scope, counted, send)

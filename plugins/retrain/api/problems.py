"""Every error as the same typed body: the rule, the value that broke it, and the fix."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any, Final

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from retrain.api.schemas.problem import Problem
from retrain.core.text import to_one_line
from retrain.errors import ConflictError, IntegrityError, NotFoundError, OutageError, RetrainError

__all__ = ["PROBLEMS", "PROBLEMS_OF_A_BODY", "Answerable", "add_handlers", "describe"]

Answerable = RetrainError | RequestValidationError | HTTPException
_STATUS: Final[dict[type[RetrainError], HTTPStatus]] = {
    NotFoundError: HTTPStatus.NOT_FOUND,
    ConflictError: HTTPStatus.CONFLICT,
    IntegrityError: HTTPStatus.CONFLICT,
    OutageError: HTTPStatus.SERVICE_UNAVAILABLE,
}
_FIX: Final = {
    HTTPStatus.UNAUTHORIZED: "Sign in, or send a token of POST /auth/token as `Authorization: Bearer`.",
    HTTPStatus.FORBIDDEN: "Ask for the permission, or somebody who has it.",
    HTTPStatus.NOT_FOUND: "See docs/openapi.json for the routes there are.",
    HTTPStatus.TOO_MANY_REQUESTS: "Wait as long as the header `Retry-After` says.",
    HTTPStatus.METHOD_NOT_ALLOWED: "See docs/openapi.json for the routes there are.",
}


def _answers(*codes: HTTPStatus) -> dict[int | str, dict[str, Any]]:
    return {code.value: {"model": Problem, "description": code.phrase} for code in codes}


PROBLEMS: Final = _answers(
    HTTPStatus.UNAUTHORIZED,
    HTTPStatus.FORBIDDEN,
    HTTPStatus.NOT_FOUND,
    HTTPStatus.CONFLICT,
    HTTPStatus.UNPROCESSABLE_ENTITY,
    HTTPStatus.SERVICE_UNAVAILABLE,
)
"""What every route may answer beside its own, for the OpenAPI file."""

PROBLEMS_OF_A_BODY: Final = _answers(
    HTTPStatus.BAD_REQUEST,
    HTTPStatus.REQUEST_TIMEOUT,
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
    HTTPStatus.TOO_MANY_REQUESTS,
)
"""What a route that takes a body may answer as well."""


def add_handlers(app: FastAPI) -> None:
    """Answer every error of this package, of validation and of HTTP with a `Problem`."""
    for kind in (RetrainError, RequestValidationError, HTTPException):
        app.exception_handler(kind)(_answer)


def describe(error: Answerable) -> tuple[int, Problem]:
    """Return the HTTP status and the texts of an error."""
    if isinstance(error, RetrainError):
        # Whatever else this package raises, such as a ledger without tables, is about the platform and not the request.
        found = (code for kind, code in _STATUS.items() if isinstance(error, kind))
        problem = Problem(must=error.must, got=error.got, fix=error.fix, link=getattr(error, "link", None))
        return next(found, HTTPStatus.SERVICE_UNAVAILABLE), problem
    if isinstance(error, RequestValidationError):
        wrong = [f"{'.'.join(map(str, item['loc']))}: {item['msg']}" for item in error.errors()[:10]]
        return HTTPStatus.UNPROCESSABLE_ENTITY, Problem(
            must="the request must be as docs/openapi.json says",
            got="; ".join(to_one_line(text)[:200] for text in wrong),
            fix="Fix what is named and send it again.",
            link=None,
        )
    status = HTTPStatus(error.status_code)
    return status, Problem(
        must="the request must be one that this user may make",
        got=f"{status.value} {status.phrase}: {to_one_line(str(error.detail))[:300]}",
        fix=_FIX.get(status, "Fix the request and send it again."),
        link=None,
    )


async def _answer(_: Request, error: Answerable) -> Response:
    status, problem = describe(error)
    headers = getattr(error, "headers", None)
    return JSONResponse(problem.model_dump(mode="json"), status, headers=headers)

"""Every error as the same typed body: what must hold, what came, what to do next."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any, Final

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from retrain.core.text import one_line
from retrain.errors import ConflictError, IntegrityError, NotFoundError, OutageError, RetrainError
from retrain.ui.schemas.problem import Problem

__all__ = ["PROBLEMS", "add_handlers", "answer"]

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
    HTTPStatus.METHOD_NOT_ALLOWED: "See docs/openapi.json for the routes there are.",
}

PROBLEMS: Final[dict[int | str, dict[str, Any]]] = {
    code.value: {"model": Problem, "description": code.phrase}
    for code in (
        HTTPStatus.UNAUTHORIZED,
        HTTPStatus.FORBIDDEN,
        HTTPStatus.NOT_FOUND,
        HTTPStatus.CONFLICT,
        HTTPStatus.UNPROCESSABLE_ENTITY,
        HTTPStatus.SERVICE_UNAVAILABLE,
    )
}
"""What every route may answer beside its own, for the OpenAPI file."""


def add_handlers(app: FastAPI) -> None:
    """Answer every error of this package, of validation and of HTTP with a `Problem`."""
    app.exception_handler(RetrainError)(_of_this_package)
    app.exception_handler(RequestValidationError)(_of_validation)
    app.exception_handler(HTTPException)(_of_http)


def answer(status: int, problem: Problem) -> JSONResponse:
    """Return a problem as a response."""
    return JSONResponse(problem.model_dump(mode="json"), status)


def _of_this_package(_: Request, error: RetrainError) -> JSONResponse:
    # Whatever else this package raises, such as a ledger without tables, is about the platform, not about the request.
    status = next((code for kind, code in _STATUS.items() if isinstance(error, kind)), HTTPStatus.SERVICE_UNAVAILABLE)
    return answer(status, Problem(must=error.must, got=error.got, fix=error.fix, link=None))


def _of_validation(_: Request, error: RequestValidationError) -> JSONResponse:
    found = [f"{'.'.join(map(str, item['loc']))}: {one_line(item['msg'])[:200]}" for item in error.errors()[:10]]
    problem = Problem(
        must="the request must be as docs/openapi.json says",
        got="; ".join(found),
        fix="Mend what is named and send it again.",
        link=None,
    )
    return answer(HTTPStatus.UNPROCESSABLE_ENTITY, problem)


def _of_http(request: Request, error: HTTPException) -> JSONResponse:
    status = HTTPStatus(error.status_code)
    problem = Problem(
        must=f"{request.method} {request.url.path[:200]} must be a request that may be made",
        got=f"{status.value} {status.phrase}: {one_line(str(error.detail))[:300]}",
        fix=_FIX.get(status, "Mend the request and send it again."),
        link=None,
    )
    response = answer(status, problem)
    response.headers.update(error.headers or {})
    return response

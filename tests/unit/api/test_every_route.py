"""What holds for every route of the app, found by walking it, so that a new one cannot be forgotten."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.routing import APIRoute
from starlette.routing import Mount
from tests.builders import MODEL
from tests.unit.api.conftest import SAME_ORIGIN, Pages, token_of

from retrain.api.app import create_app
from retrain.api.bundle import file_url
from retrain.api.security import GuardedRoute

REASON = {"reason": "because it must be"}
BODIES: dict[str, dict[str, Any]] = {
    "retrain": REASON,
    "promote": REASON | {"version": 1, "force": True},
    "rollback": REASON,
    "freeze": REASON,
    "unfreeze": REASON,
    "approve": REASON | {"run_id": "manual__1", "answer": "approve"},
}
"""A good body for each route that changes something; a new one has to be added here."""

QUERIES = {"compare_versions": {"a": 1, "b": 2}, "list_decisions": {"dag_id": MODEL, "run_id": "manual__1"}}
HOSTILE = [
    "<img src=x onerror=alert(1)>",
    "..%2f..%2fetc%2fpasswd",
    "%2fabsolute",
    "churn%00",
    "churn%0a",
    "chu%D0%B3n",
    "' OR 1=1 --",
    "x" * 10_000,
    "CHURN",
]


def routes_of(app: FastAPI) -> Iterator[APIRoute]:
    for route in app.routes:
        assert isinstance(route, APIRoute | Mount), f"{route} is neither a route with an auth dependency nor the bundle"
        if isinstance(route, Mount):
            assert route.path == "/static"
        else:
            yield route


ROUTES = list(routes_of(create_app()))
READS = [route for route in ROUTES if route.methods == {"GET"}]
WRITES = [route for route in ROUTES if route.methods != {"GET"}]
every_route = pytest.mark.parametrize("route", ROUTES, ids=lambda route: route.name)
every_read = pytest.mark.parametrize("route", READS, ids=lambda route: route.name)
every_write = pytest.mark.parametrize("route", WRITES, ids=lambda route: route.name)


def path_of(route: APIRoute, model: str = MODEL, decision: str = "0" * 64) -> str:
    return "/retrain" + route.path.replace("{model}", model).replace("{decision_id}", decision)


def ask(pages: Pages, route: APIRoute, user: str | None, *, path: str | None = None, **changes: Any) -> Any:
    """Ask as well as one can; `changes` are keywords of the request."""
    good: dict[str, Any] = {"params": QUERIES.get(route.name), "headers": SAME_ORIGIN}
    if route in WRITES:
        good["content"] = json.dumps(BODIES[route.name])
    (method,) = route.methods
    return pages.as_user(user).request(method, path or path_of(route), **(good | changes))


def test_a_route_reads_or_is_guarded() -> None:
    assert {route.name for route in WRITES} == set(BODIES)
    assert all(isinstance(route, GuardedRoute) and route.methods == {"POST"} for route in WRITES)
    assert len(ROUTES) == len({route.name for route in ROUTES})


@every_route
def test_nobody_gets_in_without_a_token(pages: Pages, route: APIRoute) -> None:
    assert ask(pages, route, None).status_code == 401
    assert ask(pages, route, None, headers=SAME_ORIGIN | {"authorization": "Bearer e30.e30.e30"}).status_code == 403
    assert pages.get("attempts")["rows"] == []


@every_read
def test_a_viewer_may_read(pages: Pages, route: APIRoute) -> None:
    response = ask(pages, route, "vera")
    assert response.status_code == (404 if route.name == "read_retrain" else 200), response.text


@every_write
def test_a_viewer_may_change_nothing_and_leaves_a_row(pages: Pages, route: APIRoute) -> None:
    before = pages.ledger.entries()
    assert ask(pages, route, "vera").status_code == 403
    (row,) = pages.get("attempts")["rows"]
    assert (row["actor"], row["operation"], row["model"], row["status"]) == ("vera", route.name, MODEL, 403)
    assert pages.ledger.entries() == before


@every_write
@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({"headers": SAME_ORIGIN | {"origin": "http://evil.test"}}, 403),
        ({"headers": SAME_ORIGIN | {"sec-fetch-site": "cross-site"}}, 403),
        ({"headers": {"content-type": "application/json"}}, 403),
        ({"headers": SAME_ORIGIN | {"content-type": "text/plain"}}, 415),
        ({"headers": SAME_ORIGIN | {"content-type": "multipart/form-data; boundary=x"}}, 415),
        ({"content": b""}, 422),
        ({"content": b"{"}, 422),
        ({"content": b"[]"}, 422),
        ({"content": b"null"}, 422),
        ({"content": b'{"reason": "\\ud800 because"}'}, 422),
        ({"content": b'{"reason": NaN}'}, 422),
        ({"content": b"\xff\xfe"}, 422),
        ({"content": b"[" * 10_000}, 400),
        ({"content": b'{"reason": "' + b"x" * 20_000_000 + b'"}'}, 413),
    ],
)
def test_what_is_not_a_good_request_from_our_own_pages_is_refused(
    pages: Pages, route: APIRoute, changes: dict[str, Any], status: int
) -> None:
    response = ask(pages, route, "ann", **changes)
    assert response.status_code == status, response.text
    assert set(response.json()) == {"must", "got", "fix", "link"}
    assert pages.get("attempts")["rows"][0]["status"] == status


@every_write
def test_a_cookie_from_a_foreign_page_changes_nothing(pages: Pages, route: APIRoute) -> None:
    headers = SAME_ORIGIN | {"cookie": f"_token={token_of('ann')}", "origin": "http://evil.test"}
    assert ask(pages, route, None, headers=headers).status_code == 403


@every_route
@pytest.mark.parametrize("name", HOSTILE, ids=lambda name: name[:20])
def test_a_name_that_is_none_is_refused_and_stays_text(pages: Pages, route: APIRoute, name: str) -> None:
    if "{model}" not in route.path:
        response = ask(pages, route, "ann", params={"model": name, "timeline": name, "search": name, "actor": name})
    else:
        response = ask(pages, route, "ann", path=path_of(route, model=name))
    assert response.status_code < 500
    assert response.headers["content-type"].partition(";")[0] in ("application/json", "application/x-ndjson")
    if "{model}" in route.path:
        assert response.status_code in (404, 422), response.text
    assert "etc/passwd" not in response.text.replace(name, "")


@pytest.mark.parametrize("path", ["docs", "redoc", "openapi.json", "api", "api/", "", "static/", "static/../app.py"])
def test_there_is_nothing_beside_the_routes(pages: Pages, path: str) -> None:
    assert pages.as_user("root").get(f"/retrain/{path}").status_code in (401, 404)


def test_the_bundle_is_code_for_everybody_and_kept_by_its_digest(pages: Pages) -> None:
    for name, kind in (("retrain.js", "application/javascript"), ("icon.svg", "image/svg+xml")):
        response = pages.as_user(None).get(f"/{file_url('/retrain', name)}")
        assert response.status_code == 200
        assert response.headers["content-type"] == kind
        assert "immutable" in response.headers["cache-control"]
        assert pages.as_user(None).get(f"/retrain/static/{name}?v=0").headers["cache-control"] == "no-cache"

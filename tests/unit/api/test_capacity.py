"""The pages use few threads, and none of those that Airflow's API and its tasks share."""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator, Iterator
from contextlib import closing
from inspect import iscoroutinefunction
from typing import Any

import anyio
import httpx
import pytest
from anyio.to_thread import current_default_thread_limiter
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute
from tests.builders import MODEL
from tests.unit.api.conftest import SAME_ORIGIN, Pages, token_of
from tests.unit.api.test_every_route import BODIES, every_route

from retrain.api import capacity, security
from retrain.api.capacity import PLACES, EndingStream, PageRoute

SURPLUS = 4


def calls_of(dependant: Dependant) -> Iterator[Any]:
    yield dependant.call
    for below in dependant.dependencies:
        yield from calls_of(below)


@every_route
def test_nothing_of_a_route_runs_in_the_threads_that_airflow_shares(route: APIRoute) -> None:
    assert isinstance(route, PageRoute)
    for call in calls_of(route.dependant):
        assert iscoroutinefunction(call) or iscoroutinefunction(getattr(call, "__call__", None)), (  # noqa: B004
            f"{call} runs in a thread of Airflow's; fix: wrap it in retrain.api.capacity.threaded"
        )


@pytest.fixture
def locked(pages: Pages) -> Iterator[sqlite3.Connection]:
    """The ledger's database, locked until the connection commits."""
    with closing(sqlite3.connect(pages.database, isolation_level=None)) as connection:
        connection.execute("BEGIN EXCLUSIVE")
        yield connection


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", "models"), ("GET", f"models/{MODEL}"), ("GET", "ledger/export"), ("POST", f"models/{MODEL}/freeze")],
)
def test_while_the_ledger_hangs_the_surplus_is_refused_at_once_and_takes_no_thread(
    pages: Pages, locked: sqlite3.Connection, method: str, path: str
) -> None:
    answers: list[httpx.Response] = []

    async def ask_all() -> None:
        transport = httpx.ASGITransport(pages.app)
        headers = SAME_ORIGIN | {"authorization": f"Bearer {token_of('ann')}"}
        url = f"/retrain/api/{path}"
        body = BODIES["freeze"] if method == "POST" else None
        async with httpx.AsyncClient(transport=transport, base_url="http://airflow.test", timeout=60) as client:

            async def ask() -> None:
                answers.append(await client.request(method, url, headers=headers, json=body))

            async with anyio.create_task_group() as requests:
                for _ in range(PLACES + SURPLUS):
                    requests.start_soon(ask)
                while len(answers) < SURPLUS:
                    await anyio.sleep(0.01)
                assert current_default_thread_limiter().borrowed_tokens == 0
                assert (await client.request(method, url, headers=SAME_ORIGIN, json=body)).status_code == 401
                locked.execute("ROLLBACK")

    anyio.run(ask_all)
    refused, answered = answers[:SURPLUS], answers[SURPLUS:]
    assert {answer.status_code for answer in refused} == {503}
    assert {answer.headers["retry-after"] for answer in refused} == {"2"}
    assert refused[0].json()["got"] == f"{PLACES} requests that still wait for an answer"
    assert len(answered) == PLACES
    assert {answer.status_code for answer in answered} <= {200, 202, 409}, [answer.text for answer in answered]
    assert pages.get("models")["total"] == 2, "each place is free again"


def test_a_body_that_never_ends_gives_its_place_back(pages: Pages, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(security, "BODY_SECONDS", 0.05)

    async def body() -> AsyncIterator[bytes]:
        yield b'{"reason": '
        await anyio.sleep_forever()

    async def ask() -> httpx.Response:
        headers = SAME_ORIGIN | {"authorization": f"Bearer {token_of('ann')}"}
        async with httpx.AsyncClient(
            transport=httpx.ASGITransport(pages.app), base_url="http://airflow.test"
        ) as client:
            with anyio.fail_after(60):
                return await client.post(f"/retrain/api/models/{MODEL}/freeze", headers=headers, content=body())

    response = anyio.run(ask)
    assert (response.status_code, set(response.json())) == (408, {"must", "got", "fix", "link"})
    assert pages.get("attempts")["rows"][0]["status"] == 408


def test_an_export_that_nobody_reads_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(capacity, "STREAM_SECONDS", 0.05)
    sent: list[Any] = []

    async def parts() -> Any:
        while True:
            yield "a line\n"

    async def send(message: Any) -> None:
        sent.append(message)
        if message["type"] == "http.response.body":
            await anyio.sleep_forever()  # as a connection that takes nothing more

    async def receive() -> Any:
        await anyio.sleep_forever()

    async def answer() -> None:
        with anyio.fail_after(30):
            await EndingStream(parts())({"type": "http", "asgi": {"spec_version": "2.4"}}, receive, send)

    anyio.run(answer)
    assert [message.get("more_body") for message in sent] == [None, True], "without the end of the body"

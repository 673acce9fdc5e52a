"""MLflow or the ledger hangs while many tabs are open: the pages say so, and Airflow goes on."""

from __future__ import annotations

import os
import signal
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from datetime import timedelta

import httpx
import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.pool import NullPool
from tests.integration.airflow.conftest import TODAY, Live
from tests.integration.airflow.test_pages import pages

from retrain.api.capacity import PLACES

pytestmark = pytest.mark.live

CALM = "calm"
TABS = 45


@contextmanager
def stopped_mlflow(live: Live) -> Iterator[None]:
    """Stop MLflow's processes for a while; the kernel still accepts connections for them."""
    group = live.stack._processes["mlflow"].pid
    os.killpg(group, signal.SIGSTOP)
    try:
        yield
    finally:
        os.killpg(group, signal.SIGCONT)


@contextmanager
def locked_ledger(live: Live) -> Iterator[None]:
    """Hold a lock on the ledger's table, as a migration does."""
    engine = create_engine(live.stack.database_url("retrain"), poolclass=NullPool)
    with engine.begin() as connection:
        connection.execute(text("LOCK TABLE ledger, decision"))
        yield


@pytest.fixture(scope="module")
def decision_page(live: Live) -> str:
    """The address of a decision that MLflow knows the run of."""
    live.unpause(CALM)
    conf = {"as_of": (TODAY - timedelta(days=4)).date().isoformat(), "timeline": "hanging", "nonce": "hanging"}
    run_id = live.trigger(CALM, conf=conf)
    assert live.wait(CALM, run_id) == "success"
    path = f"/models/{CALM}/decisions/{live.decision_of(CALM, 'hanging', run_id).id}"
    assert pages(live, "vera").get(path).raise_for_status().json()["unavailable"] == []
    return path


def ask_in_many_tabs(client: httpx.Client, path: str, probe: Callable[[], None]) -> list[httpx.Response]:
    """Return the answers to as many requests at once, while a probe is called again and again."""
    with ThreadPoolExecutor(TABS) as tabs:
        answers = [tabs.submit(client.get, path) for _ in range(TABS)]
        while not all(answer.done() for answer in answers):
            probe()
        return [answer.result() for answer in answers]


@pytest.mark.parametrize("hang", [stopped_mlflow, locked_ledger])
def test_a_viewer_with_many_tabs_stops_no_task(
    live: Live, decision_page: str, hang: Callable[[Live], AbstractContextManager[None]]
) -> None:
    waited: list[float] = []
    many = httpx.Limits(max_connections=TABS)
    signed_in = pages(live, "vera")
    with (
        httpx.Client(base_url=live.stack.airflow_url, timeout=60) as tasks,
        httpx.Client(base_url=signed_in.base_url, cookies=signed_in.cookies, timeout=60, limits=many) as viewer,
    ):

        def probe() -> None:
            began = time.monotonic()
            tasks.get("/execution/health").raise_for_status()
            waited.append(time.monotonic() - began)

        with hang(live):
            answers = ask_in_many_tabs(viewer, decision_page, probe)
    assert max(waited) < 1, "a task's heartbeat waits for the pages"
    busy = [answer for answer in answers if answer.headers.get("retry-after")]
    assert {answer.status_code for answer in busy} == {503}
    assert len(busy) >= TABS - 2 * PLACES, Counter(answer.text for answer in answers)
    others = [answer for answer in answers if answer not in busy]
    assert len(others) >= PLACES
    if hang is locked_ledger:
        assert {answer.json()["must"] for answer in others} == {"the ledger's database must answer"}
    else:
        assert {answer.status_code for answer in others} == {200}
        assert {item["part"] for answer in others for item in answer.json()["unavailable"]} == {"mlflow"}


def test_the_page_shows_what_the_ledger_knows_while_mlflow_is_stopped(live: Live, decision_page: str) -> None:
    client = pages(live, "vera")
    with stopped_mlflow(live):
        found = client.get(decision_page).raise_for_status().json()
    assert found["decision"]["choice"] == "PROMOTE"
    assert found["scorecard"]["metrics"]
    assert "MLflow" in found["unavailable"][0]["reason"]

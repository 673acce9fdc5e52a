"""What people do in Airflow's own pages."""

from __future__ import annotations

import time
from datetime import UTC, datetime

import pytest
from playwright.sync_api import Page
from tests.require import require

from retrain.adapters.sql_ledger import SqlLedger
from retrain.core.policy.decision import Choice
from retrain.sandbox.airflow_api import AirflowApi
from retrain.sandbox.stack import Stack

pytestmark = pytest.mark.e2e

MODEL = "flight_delay"


def test_a_person_unpauses_and_triggers_a_retrain_with_the_form(stack: Stack, page: Page) -> None:
    api = AirflowApi(stack.airflow_url, "admin", stack.password)
    api.wait_for_dag(MODEL)
    assert api.get(f"/dags/{MODEL}")["is_paused"]
    page.goto(f"{stack.airflow_url}/dags/{MODEL}")
    page.get_by_role("button", name="Trigger").first.click()
    asked = {"as_of": "2013-06-01", "timeline": "by-hand", "reason": "a person asked"}
    for name, value in asked.items():
        page.locator(f"[name=element_{name}]").fill(value)
        page.locator(f"[name=element_{name}]").blur()
        page.wait_for_timeout(500)  # the form takes a field over some time after it was typed
    with page.expect_request(lambda request: request.method == "POST" and request.url.endswith("/dagRuns")) as sent:
        page.get_by_role("dialog").get_by_role("button", name="Trigger").click()
    assert require(sent.value.post_data_json)["conf"] == {**asked, "nonce": None}

    ledger = SqlLedger(stack.database_url("retrain"))
    deadline = time.monotonic() + 900
    while ledger.pointer(MODEL, "by-hand") is None:
        assert time.monotonic() < deadline, api.run_states(MODEL)
        time.sleep(0.5)
    (decision,) = ledger.decisions(MODEL, "by-hand")
    assert (decision.as_of, decision.choice) == (datetime(2013, 6, 1, tzinfo=UTC), Choice.PROMOTE)
    _, entry = ledger.entries(MODEL, "by-hand")
    assert (entry.actor, entry.reason) == ("admin", "a person asked")
    assert not api.get(f"/dags/{MODEL}")["is_paused"]


def test_the_form_shows_what_is_wrong_with_a_value(stack: Stack, page: Page) -> None:
    api = AirflowApi(stack.airflow_url, "admin", stack.password)
    api.wait_for_dag("arrival_delay")
    page.goto(f"{stack.airflow_url}/dags/arrival_delay")
    page.get_by_role("button", name="Trigger").first.click()
    page.locator("[name=element_as_of]").fill("yesterday")
    page.get_by_role("dialog").get_by_role("button", name="Trigger").click()
    page.get_by_text("does not match").first.wait_for()
    assert [run for run in api.run_states("arrival_delay") if run.startswith("manual__")] == []

"""The pages inside Airflow, as people with different rights see and use them in a browser."""

from __future__ import annotations

import json
import math
import os
import re
import time
from collections.abc import Callable
from typing import Any

import pytest
from PIL import Image
from playwright.sync_api import Locator, Page, expect
from tests.e2e.conftest import HTML, REPO, Visitors, add_hostile_pipeline

from retrain.adapters.mlflow_registry import MlflowRegistry
from retrain.adapters.sql_ledger import SqlLedger
from retrain.core.ledger.entries import Action
from retrain.core.names import PRODUCTION
from retrain.core.policy.decision import Choice, Decision
from retrain.sandbox.airflow_api import AirflowApi
from retrain.sandbox.stack import Stack

pytestmark = pytest.mark.e2e

MODEL = "flight_delay"
HOSTILE = "hostile"
HOME = "/plugin/retrain"
MONTHS = range(2, 6)
WORDS = {Choice.PROMOTE: "Promoted", Choice.HOLD: "Held", Choice.REJECT: "Rejected"}
LOWEST_CONTRAST = 4.5
"""Of text and what is behind it: WCAG 2.2, success criterion 1.4.3, level AA."""

TEXT_CONTRASTS = """
root => {
  const ink = new OffscreenCanvas(1, 1).getContext("2d", { willReadFrequently: true });
  const painted = colours => {
    for (const colour of colours) { ink.fillStyle = colour; ink.fillRect(0, 0, 1, 1); }
    const [r, g, b] = [...ink.getImageData(0, 0, 1, 1).data].map(value => {
      const share = value / 255;
      return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const found = [];
  for (const element of root.querySelectorAll("*")) {
    const text = [...element.childNodes].filter(node => node.nodeType === 3).map(node => node.data.trim()).join("");
    if (!text || !element.checkVisibility({ opacityProperty: true }) || element.matches(":disabled, option")) continue;
    const grounds = ["white"];
    for (let at = element; at; at = at.parentElement) grounds.splice(1, 0, getComputedStyle(at).backgroundColor);
    const style = getComputedStyle(element);
    const front = element instanceof SVGElement ? style.fill : style.color;
    const [behind, before] = [painted(grounds), painted([...grounds, front])];
    const ratio = (Math.max(behind, before) + 0.05) / (Math.min(behind, before) + 0.05);
    found.push([ratio, text.slice(0, 60)]);
  }
  return found;
}
"""

Shoot = Callable[..., None]


@pytest.fixture(scope="module")
def api(stack: Stack) -> AirflowApi:
    return AirflowApi(stack.airflow_url, "admin", stack.password)


@pytest.fixture(scope="module")
def ledger(stack: Stack) -> SqlLedger:
    return SqlLedger(stack.database_url("retrain"))


@pytest.fixture(scope="module")
def history(everybody: Visitors, api: AirflowApi, ledger: SqlLedger) -> list[Decision]:
    """A few months on production, asked for in Airflow's own UI; the decisions, the latest as-of first."""
    api.wait_for_dag(MODEL)
    start_backfill(everybody.page())
    everybody.leave()
    deadline = time.monotonic() + 900
    while len(found := ledger.decisions(MODEL, PRODUCTION)) < len(MONTHS):
        assert time.monotonic() < deadline, api.run_states(MODEL)
        time.sleep(0.5)
    settled(api, MODEL)
    return sorted(found, key=lambda decision: decision.as_of, reverse=True)


@pytest.fixture(scope="session")
def shoot(tmp_path_factory: pytest.TempPathFactory) -> Shoot:
    """Take a picture of a page as high as it is, within limits; it goes into docs/ with RETRAIN_SCREENSHOTS=1."""
    kept = os.environ.get("RETRAIN_SCREENSHOTS") == "1"
    folder = REPO / "docs" / "images" if kept else tmp_path_factory.mktemp("images")

    def take(page: Page, name: str, highest: int = 1500) -> None:
        width = page.evaluate("innerWidth")
        height = page.get_by_test_id("retrain").evaluate("root => root.getBoundingClientRect().bottom + scrollY")
        page.set_viewport_size({"width": width, "height": min(highest, max(640, math.ceil(height)))})
        page.wait_for_timeout(300)
        path = folder / f"{name}.png"
        page.screenshot(path=path, animations="disabled")
        with Image.open(path) as picture:
            picture.convert("RGB").quantize(256, Image.Quantize.MAXCOVERAGE).save(path, optimize=True)
        assert path.stat().st_size < 250_000

    return take


def start_backfill(page: Page) -> None:
    """Fill in the form of Airflow's UI as a person does."""
    page.goto(f"/dags/{MODEL}")
    page.get_by_role("button", name="Trigger").first.click()
    form = page.get_by_role("dialog")
    form.get_by_text("Backfill", exact=True).click()
    # A changed parameter empties the dates, some time after it was typed.
    form.locator("[name=element_timeline]").fill(PRODUCTION)
    form.locator("[name=element_timeline]").blur()
    page.wait_for_timeout(1000)
    for picker, month in enumerate((MONTHS[0], MONTHS[-1])):
        form.get_by_test_id("datetime-input").nth(picker).click()
        page.get_by_placeholder("YYYY/MM/DD").last.fill(f"2013/{month:02}/01")
        page.get_by_placeholder("HH:mm").last.fill("00:00")
        page.keyboard.press("Enter")
        page.keyboard.press("Escape")
    form.locator("[name=max_active_runs]").fill("2")
    # Airflow sends the parameters only with this, also where there are no runs yet.
    form.get_by_text("Override parameters on existing runs").click()
    with page.expect_response(lambda answer: answer.url.endswith("/api/v2/backfills")) as answered:
        form.get_by_role("button", name="Run Backfill").click()
    asked = json.loads(answered.value.request.post_data or "")
    assert asked["dag_run_conf"]["timeline"] == PRODUCTION, asked
    assert answered.value.ok, answered.value.text()


def settled(api: AirflowApi, dag_id: str) -> None:
    """Return when all runs of a DAG have ended well."""
    deadline = time.monotonic() + 600
    while set(states := api.run_states(dag_id).values()) != {"success"}:
        assert "failed" not in states
        assert time.monotonic() < deadline, api.run_states(dag_id)
        time.sleep(0.3)


def opened(page: Page, address: str) -> Locator:
    """Go to an address; return what the pages show there once nothing of it is on its way any more."""
    page.goto(address)
    shown = page.get_by_test_id("retrain")
    expect(shown.locator("h1, h2").first).to_be_visible()
    expect(shown.locator("[aria-busy=true]")).to_have_count(0)
    return shown


def a_champion_of(ledger: SqlLedger) -> int:
    pointer = ledger.pointer(MODEL, PRODUCTION)
    assert pointer is not None
    return pointer.version


def test_a_backfill_started_in_airflows_ui_shows_in_the_timeline(history: list[Decision], visitors: Visitors) -> None:
    shown = opened(visitors.page("vera"), f"{HOME}/models/{MODEL}")
    rows = shown.get_by_role("region", name=f"Decisions on {MODEL}").get_by_role("row")
    expect(rows).to_have_count(1 + len(MONTHS))
    for row, decision in zip(rows.all()[1:], history, strict=True):
        expect(row).to_contain_text(f"{decision.as_of:%Y-%m-%d}")
        expect(row).to_contain_text(WORDS[decision.choice])
        expect(row).to_contain_text(f"{decision.challenger_value:.4f}")


def test_three_clicks_say_what_is_in_production_since_when_and_why_the_last_one_was_refused(
    history: list[Decision], visitors: Visitors, ledger: SqlLedger
) -> None:
    champion, last = ledger.standing(MODEL, PRODUCTION).champion, history[0]
    assert champion is not None
    assert last.choice is not Choice.PROMOTE
    page = visitors.page("vera")
    page.goto("/")
    page.get_by_role("link", name="Models").click()
    page.get_by_test_id("retrain").get_by_role("link", name=MODEL, exact=True).click()
    shown = page.get_by_test_id("retrain")
    expect(shown).to_contain_text(f"Version {champion.version}")
    expect(shown).to_contain_text(f"live since {champion.at:%Y-%m-%d %H:%M}")
    shown.get_by_role("link", name="scorecard").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text(f"{last.as_of:%Y-%m-%d}")
    for reason in last.reasons:
        expect(shown.get_by_text(reason, exact=True).first).to_be_in_viewport()


def test_a_viewer_sees_and_cannot_write(
    history: list[Decision], visitors: Visitors, ledger: SqlLedger, stack: Stack
) -> None:
    before = a_champion_of(ledger)
    page = visitors.page("vera")
    shown = opened(page, f"{HOME}/models/{MODEL}")
    expect(shown).to_contain_text("You can look at this model, not change it.")
    expect(shown.get_by_role("button", name=re.compile("Roll back|Freeze|Retrain now"))).to_have_count(0)
    answer = page.evaluate(
        """async path => {
          const headers = { "content-type": "application/json", "x-retrain-request": "1" };
          const body = JSON.stringify({ reason: "I should not" });
          const response = await fetch(path, { method: "POST", headers, body });
          return [response.status, await response.json()];
        }""",
        f"/retrain/api/models/{MODEL}/rollback",
    )
    assert answer[0] == 403, answer
    assert a_champion_of(ledger) == before
    assert MlflowRegistry(stack.mlflow_url).alias_version(MODEL, "champion") == before
    attempts = opened(page, f"{HOME}/ledger/requests?model={MODEL}")
    expect(attempts.get_by_role("row").filter(has_text="vera").first).to_contain_text("Refused 403")


LOOKS: dict[str, dict[str, Any]] = {
    "light": {"viewport": {"width": 1280, "height": 900}, "color_scheme": "light"},
    "dark": {"viewport": {"width": 1280, "height": 900}, "color_scheme": "dark"},
    "narrow": {"viewport": {"width": 420, "height": 900}, "color_scheme": "light"},
}
PICTURES = {"dark": {"model"}, "narrow": {"model"}}
"""Those that are kept of a look; of the light one all are."""


def addresses(history: list[Decision]) -> dict[str, str]:
    """Return an address of each page."""
    last, before = (decision.challenger.version for decision in history[:2] if decision.challenger)
    dag_id, run_id = history[0].origin.dag_id, history[0].origin.run_id
    return {
        "models": HOME,
        "model": f"{HOME}/models/{MODEL}",
        "retrain": f"{HOME}/models/{MODEL}/retrains/{history[0].id}",
        "compare": f"{HOME}/models/{MODEL}/compare?a={before}&b={last}",
        "ledger": f"{HOME}/ledger",
        "requests": f"{HOME}/ledger/requests",
        "champion-tab": f"/dags/{MODEL}/plugin/champion",
        "decision-tab": f"/dags/{dag_id}/runs/{run_id}/plugin/decision",
    }


@pytest.mark.parametrize("look", LOOKS)
def test_every_page_is_readable_in_both_themes_and_in_a_narrow_window(
    look: str, history: list[Decision], visitors: Visitors, shoot: Shoot
) -> None:
    page = visitors.page("ann", **LOOKS[look])
    for name, address in addresses(history).items():
        shown = opened(page, address)
        contrasts = shown.evaluate(TEXT_CONTRASTS)
        assert len(contrasts) > 10, name
        assert [item for item in contrasts if item[0] < LOWEST_CONTRAST] == [], name
        assert shown.evaluate("root => root.scrollWidth <= root.clientWidth"), name
        if name in PICTURES.get(look, {name}):
            shoot(page, name if look == "light" else f"{name}-{look}")


def test_a_user_rolls_back_from_the_page_and_the_alias_moves(
    history: list[Decision], visitors: Visitors, ledger: SqlLedger, stack: Stack, shoot: Shoot
) -> None:
    registry = MlflowRegistry(stack.mlflow_url)
    bad = a_champion_of(ledger)
    assert registry.alias_version(MODEL, "champion") == bad
    page = visitors.page("ann", viewport={"width": 1280, "height": 760})
    shown = opened(page, f"{HOME}/models/{MODEL}")
    shown.get_by_role("button", name="Roll back").click()
    dialog = page.get_by_role("alertdialog")
    good = int(dialog.get_by_role("combobox").input_value())
    dialog.get_by_role("textbox").fill("too many false alarms")
    shoot(page, "rollback", 760)
    dialog.get_by_role("button", name="Roll back").click()
    expect(dialog).to_contain_text("The run succeeded.")
    dialog.get_by_role("button", name="Close").first.click()
    expect(shown).to_contain_text(f"Version {good}")
    expect(shown).to_contain_text("rollback by ann: too many false alarms")
    entry = ledger.entries(MODEL, PRODUCTION)[-1]
    assert (entry.action, entry.version, entry.actor) == (Action.ROLLBACK, good, "ann")
    assert registry.alias_version(MODEL, "champion") == good != bad


def test_html_in_names_reasons_and_data_stays_text(
    visitors: Visitors, api: AirflowApi, ledger: SqlLedger, stack: Stack
) -> None:
    add_hostile_pipeline(stack.project / "include")
    api.wait_for_dag(HOSTILE)
    api.patch(f"/dags/{HOSTILE}", {"is_paused": False})
    conf = {"as_of": "2024-06-01", "reason": HTML}
    assert api.post(f"/dags/{HOSTILE}/dagRuns", {"logical_date": None, "conf": conf}).status_code == 200
    deadline = time.monotonic() + 600
    while ledger.pointer(HOSTILE, PRODUCTION) is None:
        assert time.monotonic() < deadline, api.run_states(HOSTILE)
        time.sleep(0.3)
    (decision,) = ledger.decisions(HOSTILE, PRODUCTION)
    page = visitors.page("ann")
    shown = opened(page, f"{HOME}/models/{HOSTILE}")
    shown.get_by_role("button", name="Freeze", exact=True).click()
    page.get_by_role("dialog").get_by_role("textbox").fill(HTML)
    page.get_by_role("dialog").get_by_role("button", name="Freeze").click()
    expect(page.get_by_role("dialog")).to_contain_text("The run succeeded.")
    for address in (
        HOME,
        f"{HOME}?search={HTML}",
        f"{HOME}/models/{HOSTILE}",
        f"{HOME}/models/{HOSTILE}/retrains/{decision.id}",
        f"{HOME}/models/{HTML}",
        f"{HOME}/ledger",
        f"{HOME}/ledger/requests",
        f"/dags/{HOSTILE}",
    ):
        page.goto(address)
        expect(page.get_by_text(HTML).filter(visible=True).first).to_be_visible()
        assert page.locator("img[src=x]").count() == 0, address
        assert page.evaluate("globalThis.owned") is None, address


def test_without_permission_there_are_no_pages_and_no_answers(
    history: list[Decision], visitors: Visitors, stack: Stack
) -> None:
    nora = visitors.page("nora")
    nora.goto("/")
    nora.get_by_test_id("nav-home-link").wait_for()
    expect(nora.get_by_role("link", name="Models")).to_have_count(0)
    # Other auth managers let people see plugins and not every DAG: so the frame is vera's, and the API's answers nora's.
    token = next(cookie["value"] for cookie in nora.context.cookies() if cookie["name"] == "_token")
    page = visitors.page("vera")
    page.route(
        "**/retrain/api/**",
        lambda route: route.continue_(headers=route.request.headers | {"authorization": f"Bearer {token}"}),
    )
    for name, said in {
        "models": "Models whose DAG you may not read are not listed",
        "model": "You may not see this model",
        "retrain": "You may not see this retrain",
        "compare": "You may not see this model",
        "ledger": "No entry meets the filters",
    }.items():
        shown = opened(page, addresses(history)[name])
        expect(shown).to_contain_text(said)
        expect(shown).not_to_contain_text("roc_auc")

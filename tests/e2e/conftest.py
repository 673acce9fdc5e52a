"""One live platform with Celery workers over Redis, and a browser, for all tests that need an outside program."""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import duckdb
import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from retrain.sandbox.stack import Ports, Stack

REPO = Path(__file__).parents[2]
CHROMIUM = (
    "--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync"
)
PATIENCE = 60_000
"""How long a page may take to show what a test looks for, in milliseconds."""

USERS = "admin:admin,ann:op,vera:viewer,nora:"
HTML = "<img src=x onerror=owned=1>"
"""What would set a global variable where a page took it for more than text."""

HOSTILE = f"""\
model: hostile
description: 'All of it {HTML}'
owner: '{HTML}'
tags: ['{HTML}']
start_date: 2024-01-01
data:
  source: include/data/hostile/*.parquet
  event_time: seen_at
  label: bought
  label_delay: 1d
  window: {{train: 60d, holdout: 20d}}
validation: {{suite: include/expectations/hostile.json}}
train: {{estimator: "include.models.hostile:build_estimator"}}
evaluation: {{task: classification, primary: roc_auc, metrics: [roc_auc], slices: [cohort]}}
gate: [{{check: point_estimate, metric: roc_auc, margin: -1}}]
"""

HOSTILE_SUITE = """{"name": "hostile", "meta": {}, "expectations": [
  {"type": "expect_column_values_to_not_be_null", "kwargs": {"column": "bought"}}]}"""

HOSTILE_ESTIMATOR = """\
from sklearn.compose import make_column_selector, make_column_transformer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder


def build_estimator(*, seed, **params):
    words = (OneHotEncoder(), make_column_selector(dtype_exclude="number"))
    columns = make_column_transformer(words, remainder="passthrough")
    return make_pipeline(columns, LogisticRegression(random_state=seed))
"""


@pytest.fixture(scope="session")
def redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A real Redis on a free port, in memory only."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    folder = tmp_path_factory.mktemp("redis")
    server = subprocess.Popen(
        ["redis-server", "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", str(folder)],
        stdout=subprocess.DEVNULL,
    )
    deadline = time.monotonic() + 20
    while True:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                break
        assert time.monotonic() < deadline
        time.sleep(0.1)
    yield f"redis://127.0.0.1:{port}/0"
    server.terminate()
    server.wait(10)


@pytest.fixture(scope="session")
def stack(redis: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    project = tmp_path_factory.mktemp("project")
    for name in ("dags", "include"):
        shutil.copytree(REPO / name, project / name, ignore=shutil.ignore_patterns("__pycache__"))
    settings = {
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS": USERS,
        "AIRFLOW__CORE__EXECUTOR": "CeleryExecutor",
        "AIRFLOW__CELERY__BROKER_URL": redis,
        "AIRFLOW__CELERY__RESULT_BACKEND": redis,
        "AIRFLOW__CELERY__WORKER_CONCURRENCY": "2",
    }
    worker = {"worker": ("celery", "worker", "--skip-serve-logs")}
    stack = Stack(project, project / ".retrain", Ports.free(), settings=settings, more=worker, say=lambda _: None)
    with stack:
        yield stack


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=CHROMIUM.split())
        yield browser
        browser.close()


@dataclass
class Visitors:
    """Pages of the users: admin, ann (who may operate), vera (who may look), nora (who may nothing)."""

    stack: Stack
    browser: Browser
    _sessions: dict[str, Any] = field(default_factory=dict)

    def page(self, user: str = "admin", **options: Any) -> Page:
        """Return a new page that is signed in; options are those of a browser context."""
        if user not in self._sessions:
            self._sessions[user] = self._sign_in(user)
        return self._context(storage_state=self._sessions[user], **options).new_page()

    def leave(self) -> None:
        """Close all pages."""
        for context in self.browser.contexts:
            context.close()

    def _sign_in(self, user: str) -> Any:
        passwords = json.loads((self.stack.home / "secrets" / "passwords.json").read_text())
        page = self._context().new_page()
        page.goto(self.stack.airflow_url)
        page.locator("input[name=username]").fill(user)
        page.locator("input[name=password]").fill(passwords[user])
        page.get_by_role("button", name="Sign in").click()
        page.get_by_test_id("nav-home-link").wait_for()
        return page.context.storage_state()

    def _context(self, **options: Any) -> BrowserContext:
        context = self.browser.new_context(
            **{"base_url": self.stack.airflow_url, "viewport": {"width": 1400, "height": 1200}} | options
        )
        context.set_default_timeout(PATIENCE)
        expect.set_options(timeout=PATIENCE)
        return context


@pytest.fixture(scope="session")
def everybody(stack: Stack, browser: Browser) -> Visitors:
    return Visitors(stack, browser)


@pytest.fixture
def visitors(everybody: Visitors) -> Iterator[Visitors]:
    """Pages of the users, closed with the test."""
    yield everybody
    everybody.leave()


@pytest.fixture
def page(visitors: Visitors) -> Page:
    """A page signed in as admin."""
    return visitors.page()


def add_hostile_pipeline(include: Path) -> None:
    """Add a pipeline whose owner, tags, column and values are HTML."""
    (include / "pipelines" / "hostile.yaml").write_text(HOSTILE)
    (include / "expectations" / "hostile.json").write_text(HOSTILE_SUITE)
    (include / "models" / "hostile.py").write_text(HOSTILE_ESTIMATOR)
    (include / "data" / "hostile").mkdir()
    with duckdb.connect() as connection:
        connection.sql("SELECT setseed(0.5)").fetchall()
        connection.sql(f"""
            SELECT TIMESTAMP '2024-06-01' - to_minutes(i * 60) AS seen_at, i * 7 % 11 AS "{HTML}",
                ['{HTML}', '<b>no</b>'][1 + i % 2] AS cohort, (random() * 11 < i * 7 % 11)::INT AS bought
            FROM range(2200) AS t(i)
        """).write_parquet(str(include / "data" / "hostile" / "all.parquet"))

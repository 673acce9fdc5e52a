"""What every test may use: a quiet environment, a small world to retrain in, and the line between unit and integration."""

from __future__ import annotations

import gc
import os
import platform
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import pytest

# Before any test module imports Airflow or MLflow: they read their settings, and make their folders, while imported.
# Each process of pytest-xdist needs tables of its own; the first one's folder stands in the environment of the others.
if "AIRFLOW_HOME" not in os.environ or "PYTEST_XDIST_WORKER" in os.environ:
    os.environ["AIRFLOW_HOME"] = tempfile.mkdtemp(prefix="retrain-airflow-")
os.environ.setdefault("AIRFLOW__CORE__LOAD_EXAMPLES", "false")
os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
for _library in ("OMP", "OPENBLAS", "MKL"):
    os.environ.setdefault(f"{_library}_NUM_THREADS", "1")  # small models: more threads spin for one another

from hypothesis import settings
from tests.builders import LATER, NOT_WORSE, World
from tests.servers import database, mlflow_server, mlflow_url, postgresql  # noqa: F401 - fixtures
from xdist.scheduler import LoadFileScheduling

settings.register_profile("retrain", derandomize=True, deadline=None, database=None, max_examples=40)
settings.load_profile("retrain")

_INTEGRATION_FOLDERS: Final = ("e2e", "faults", "integration", "packaging")
_INTEGRATION_FIXTURES: Final = frozenset({"_airflow", "mlflow_server", "postgresql"})
_AIRFLOW: Final = "tests/integration/airflow/"
_running_unit_test: str | None = None


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Iterator[None]:
    """Let the garbage collector rest while all modules are imported, and leave out later what they made: it stays."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what needs a server or Airflow's database, and begin with the tests that run an Airflow, which take longest.

    A test that starts a child process marks itself.
    """
    tests = Path(__file__).parent
    for item in items:
        folder = item.path.relative_to(tests).parts[0] if item.path.is_relative_to(tests) else ""
        fixtures = _INTEGRATION_FIXTURES & set(getattr(item, "fixturenames", ()))
        if folder in _INTEGRATION_FOLDERS or fixtures or item.get_closest_marker("live"):
            item.add_marker(pytest.mark.integration)
    items.sort(key=lambda item: (not _is_of_airflow(item.nodeid), "live" in getattr(item, "fixturenames", ())))


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> LoadFileScheduling | None:
    """Let `--dist loadfile` give all files that run an Airflow to one process: two Airflows need more than two cores."""
    return _AirflowTogether(config, log) if config.getvalue("dist") == "loadfile" else None


class _AirflowTogether(LoadFileScheduling):  # type: ignore[misc]  # xdist has no types
    def _split_scope(self, nodeid: str) -> str:
        return _AIRFLOW if _is_of_airflow(nodeid) else str(super()._split_scope(nodeid))


def _is_of_airflow(nodeid: str) -> bool:
    return nodeid.startswith(_AIRFLOW)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_setup(item: pytest.Item) -> Iterator[None]:
    """Refuse child processes of a unit test's fixtures; the end of a session's servers is no part of it."""
    with _one_process(item):
        return (yield)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Iterator[None]:
    """Refuse child processes of a unit test."""
    with _one_process(item):
        return (yield)


@contextmanager
def _one_process(item: pytest.Item) -> Iterator[None]:
    global _running_unit_test  # noqa: PLW0603 - an audit hook takes no argument of ours
    _running_unit_test = None if item.get_closest_marker("integration") else item.nodeid
    try:
        yield
    finally:
        _running_unit_test = None


def _refuse_child_process(event: str, arguments: tuple[object, ...]) -> None:
    if event == "subprocess.Popen" and _running_unit_test is not None:
        raise AssertionError(
            f"a unit test must run in one process, but {_running_unit_test} starts {arguments[0]}; "
            "fix: take a builder that needs no child process, or mark the test with pytest.mark.integration"
        )


platform.processor()  # runs `uname` once and keeps the answer; libraries ask for it in the middle of a test
sys.addaudithook(_refuse_child_process)


@pytest.fixture
def make_world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., World]:
    """Make a world in a folder of the test's own; keywords as for `World.make`."""
    monkeypatch.setattr(sys, "path", list(sys.path))  # training puts the folder of its pipeline there

    def make(**keywords: Any) -> World:
        return World.make(tmp_path, **keywords)

    return make


@pytest.fixture(scope="session")
def _champions(tmp_path_factory: pytest.TempPathFactory) -> World:
    world = World.make(tmp_path_factory.mktemp("champions"))
    world.retrain()
    return world


@pytest.fixture
def crowned(_champions: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    """The world of `world`, after the retrain of `make_request()` made its first champion."""
    monkeypatch.setattr(sys, "path", list(sys.path))
    return _champions.copy(tmp_path)


@pytest.fixture(scope="session")
def _successions(_champions: World, tmp_path_factory: pytest.TempPathFactory) -> World:
    world = _champions.copy(tmp_path_factory.mktemp("successions"))
    world.respec(**NOT_WORSE)
    world.retrain(LATER)
    return world


@pytest.fixture
def succeeded(_successions: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    """The world of `crowned`, after the retrain of `LATER` made a second champion."""
    monkeypatch.setattr(sys, "path", list(sys.path))
    return _successions.copy(tmp_path)


@pytest.fixture
def world(make_world: Callable[..., World]) -> World:
    """The world of a binary classification whose data teaches something."""
    return make_world()

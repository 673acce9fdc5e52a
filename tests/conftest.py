"""What every test may use: a quiet environment of its own, and a small world to retrain in."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest

# Before any test module imports Airflow or MLflow: they read their settings, and make their folders, while imported.
os.environ.setdefault("AIRFLOW_HOME", tempfile.mkdtemp(prefix="retrain-airflow-"))
os.environ.setdefault("AIRFLOW__CORE__LOAD_EXAMPLES", "false")
os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")

from hypothesis import settings
from tests.builders import LATER, NOT_WORSE, World
from tests.servers import database, mlflow_server, mlflow_url, postgresql  # noqa: F401 - fixtures

settings.register_profile("retrain", derandomize=True, deadline=None, database=None, max_examples=40)
settings.load_profile("retrain")


@pytest.fixture
def make_world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., World]:
    """Make a world in a folder of the test's own; keywords as for `World.make`."""
    monkeypatch.setattr(sys, "path", list(sys.path))  # training puts the folder of its pipeline there

    def make(**keywords: object) -> World:
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

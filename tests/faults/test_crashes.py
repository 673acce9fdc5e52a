"""A process dies, or sleeps while the world moves on, at every place where that could matter."""

from __future__ import annotations

import signal
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import URL
from tests.builders import AS_OF, make_origin, make_request, make_rows, write_months
from tests.faults.children import CONFLICT, retrain, start, wait_until_stopped, wake, world_over
from tests.faults.stage import Stage, check_invariants

from retrain.adapters.mlflow_registry import KEY_TAG
from retrain.core.failpoints import POINTS
from retrain.core.ledger.entries import Action
from retrain.errors import ConflictError

pytestmark = pytest.mark.live

Place = tuple[Path, str, str, str]


@pytest.fixture(scope="session")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("data")
    write_months(root / "source", make_rows())
    return root


@pytest.fixture
def place(data: Path, model: str, mlflow_url: str, database: URL, monkeypatch: pytest.MonkeyPatch) -> Place:
    monkeypatch.syspath_prepend(data)  # as training does, but undone
    return data, model, mlflow_url, database.render_as_string(hide_password=False)


@pytest.mark.parametrize("point", POINTS)
def test_a_process_killed_anywhere_is_resumed_by_its_retry(place: Place, point: str) -> None:
    world, request = world_over(*place), make_request(model=place[1])
    child = start(f"{point}:kill", retrain, place, request)
    child.join(60)
    assert child.exitcode == -signal.SIGKILL
    entry = world.retrain(request)
    assert (entry.action, entry.generation, entry.version) == (Action.PROMOTE, 1, 1)
    assert [found.action for found in world.ledger.entries(place[1])] == [Action.DECIDE, Action.PROMOTE]
    assert len(world.ledger.decisions(place[1], "production")) == 1
    client = world.registry.client
    experiment = client.get_experiment_by_name(place[1]).experiment_id
    assert len(client.search_runs([experiment], f"tags.`{KEY_TAG}` = '{entry.key}'")) == 1
    assert len(client.search_model_versions(f"name = '{place[1]}'")) == 1
    check_invariants(world.spec, world, secrets=[place[3], "postgresql://"])


def test_a_process_that_sleeps_while_another_promotes_is_refused_by_generation(place: Place) -> None:
    world = world_over(*place)
    sleeper = start("decided:stop", retrain, place, make_request(model=place[1]))
    wait_until_stopped(sleeper.pid)
    won = world.retrain(make_request(model=place[1], as_of=AS_OF + timedelta(days=14), origin=make_origin("later")))
    assert wake(sleeper) == CONFLICT
    promoted, refused = (found for found in world.ledger.entries(place[1]) if found.action is not Action.DECIDE)
    assert (promoted, refused.action, refused.generation) == (won, Action.REFUSE, None)
    assert "must be at generation 0" in refused.reason
    assert world.alias() == won.version
    check_invariants(world.spec, world)


def test_a_promoter_that_wakes_after_another_is_refused_with_the_winner(stage: Stage) -> None:
    stale, fresh = stage.decide(2), stage.decide(1)
    stage.promote(fresh)
    for _ in range(2):
        with pytest.raises(ConflictError, match=r"version 2 \(generation 1"):
            stage.promote(stale)
    assert [entry.action for entry in stage.entries()] == [Action.PROMOTE, Action.REFUSE]
    check_invariants(stage.spec, stage)

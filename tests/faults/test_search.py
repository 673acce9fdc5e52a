"""A search dies half-way, as a process that is killed does, and ends with as many trials as were wanted."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import URL
from tests.builders import World, make_rows, make_spec, write_months
from tests.faults.children import FORKS

from retrain.core.policy.decision import Challenger
from retrain.core.training.search import Goal, Trial

GOAL = Goal("roc_auc", greater_is_better=True)
TRIALS = 20
SEARCH = {
    "train__estimator": "tests.estimators:build_mortal",
    "train__params": {"C": 1.0},
    "train__search": {"params": {"C": {"float": [0.001, 10], "log": True}}, "trials": TRIALS},
}


def world_over(root: Path, source: Path, trials_url: str | None) -> World:
    root.mkdir(exist_ok=True)
    if not (root / "source").exists():
        (root / "source").symlink_to(source)
    world = World.over(root, make_spec(root, data__features=["signal", "other"], **SEARCH))
    world.trials_url = trials_url
    return world


def train(builds_left: int, *place: Any) -> None:
    os.environ["BUILDS_LEFT"] = str(builds_left)
    world_over(*place).train()


def trials_of(world: World, challenger: Challenger) -> list[Trial]:
    search = world.spec.train.search
    found = world.open_trials().open(challenger.key, search, GOAL, start={}, seed=7, worker=None)
    return [*found.trials()]


@pytest.fixture
def source(tmp_path: Path) -> Path:
    write_months(tmp_path / "rows", make_rows())
    return tmp_path / "rows"


def test_a_search_of_20_trials_killed_half_way_resumes_and_ends_as_one_that_was_not(
    tmp_path: Path, source: Path, database: URL, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(tmp_path)
    on_postgresql = database.get_backend_name() == "postgresql"
    url = database.render_as_string(hide_password=False) if on_postgresql else None
    place = (tmp_path / "killed", source, url)
    for builds_left in (25, 2):  # in the middle of a trial, and of the same one again
        child = FORKS.Process(target=train, args=(builds_left, *place), daemon=True)
        child.start()
        child.join(120)
        assert child.exitcode == -signal.SIGKILL
    killed, whole = world_over(*place), world_over(tmp_path / "whole", source, None)
    assert not (killed.root / "registry" / "models").exists()
    resumed, uninterrupted = killed.train(), whole.train()
    assert 0 < len(killed.progress) < TRIALS, "some trials were done before"
    found, wanted = trials_of(killed, resumed), trials_of(whole, uninterrupted)
    assert [trial.number for trial in found] == list(range(TRIALS))
    assert [(trial.params, trial.state, trial.values) for trial in found] == [
        (trial.params, trial.state, trial.values) for trial in wanted
    ]
    assert (resumed.key, resumed.version) == (uninterrupted.key, 1)
    assert not killed.trainer.find_difference(killed.artifact(1), whole.artifact(1))
    assert len(list((killed.root / "registry" / "runs").glob("*/trials/*.json"))) == TRIALS

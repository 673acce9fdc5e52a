from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from tests.builders import World, make_rows
from tests.estimators import EMAIL

from retrain.core.data.snapshot import Part, Snapshot
from retrain.core.policy.decision import Challenger
from retrain.core.training.search import TrialState
from retrain.errors import DataError, OutageError, TrainingError
from retrain.steps import Likeness, replay_retrain, search, try_params

MakeWorld = Callable[..., World]
RANGE = {"C": {"float": [0.001, 10], "log": True}}


def searching(params: Any = RANGE, *, trials: int = 3, **changes: Any) -> dict[str, Any]:
    return {
        "train__estimator": "tests.estimators:build_choosy",
        "train__params": {"C": 1.0},
        "train__search": {"params": params, "trials": trials, "pruner": "none"} | changes,
    }


@pytest.fixture
def world(make_world: MakeWorld) -> World:
    return make_world(**searching())


def run_of(world: World) -> Path:
    (run,) = (world.root / "registry" / "runs").iterdir()
    return run


def trials_of(world: World) -> list[dict[str, Any]]:
    """Return the trials that were written down, by number."""
    found = [json.loads(path.read_text()) for path in (run_of(world) / "trials").iterdir()]
    return sorted(found, key=lambda trial: int(trial["number"]))


def params_of(world: World, challenger: Challenger) -> dict[str, Any]:
    return dict(world.trainer.recipe(world.artifact(challenger.version)).spec.train.params)


def work(world: World, worker: int) -> int:
    return try_params(world.of(), world.snapshot(), worker, report_progress=world.progress.append)


def test_the_challenger_has_the_params_of_the_best_trial(world: World) -> None:
    challenger = world.train()
    trials = trials_of(world)
    best = max(trials, key=lambda trial: trial["value"])
    assert len(trials) == 3
    assert params_of(world, challenger) == best["params"]
    assert json.loads((run_of(world) / "run.json").read_text())["params"] == {
        "estimator": "tests.estimators:build_choosy",
        "seed": 7,
        **best["params"],
    }
    estimator = world.trainer.load(world.artifact(challenger.version)).estimator
    assert best["params"]["C"] == estimator.C


def test_the_present_params_are_tried_first_and_others_stay(make_world: MakeWorld) -> None:
    world = make_world(**(searching() | {"train__params": {"C": 0.5, "kind": "plain"}}))
    challenger = world.train()
    assert trials_of(world)[0]["params"] == {"C": 0.5}
    assert params_of(world, challenger)["kind"] == "plain"


def test_the_holdout_is_never_read(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    parts, frame = [], world.snapshots.frame

    def read(snapshot: Snapshot, part: Part, columns: Sequence[str]) -> Any:
        parts.append(part)
        return frame(snapshot, part, columns)

    monkeypatch.setattr(world.snapshots, "frame", read)
    world.train()
    assert set(parts) == {Part.TRAIN}


def test_a_task_that_dies_goes_on_and_makes_what_it_would_have_made(
    make_world: MakeWorld, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = make_world(**searching(trials=6))
    whole = world.copy(tmp_path / "whole")
    made, fit, left = whole.train(), type(world.trainer).fit, [11]

    def fit_or_die(*arguments: Any) -> Any:
        left[0] -= 1
        if left[0] == 0:
            raise KeyboardInterrupt
        return fit(*arguments)

    with monkeypatch.context() as patch:
        patch.setattr(type(world.trainer), "fit", fit_or_die)
        with pytest.raises(KeyboardInterrupt):
            world.train()
    assert len(trials_of(world)) == 3
    again = world.train()
    assert again.key == made.key
    assert not world.trainer.find_difference(world.artifact(again.version), whole.artifact(made.version))
    assert [trial["params"] for trial in trials_of(world)] == [trial["params"] for trial in trials_of(whole)]
    assert len(world.progress) == 6 + 1


def test_the_same_inputs_find_the_version_without_searching_again(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = world.train()
    monkeypatch.delattr(type(world), "open_trials")
    world.open_trials = None  # type: ignore[method-assign, assignment]
    assert world.train() == first


def test_a_pipeline_without_a_search_opens_no_store(make_world: MakeWorld) -> None:
    world = make_world()
    world.open_trials = None  # type: ignore[method-assign, assignment]
    assert world.train().version == 1
    assert world.progress == []


def test_a_trial_that_fails_counts_and_keeps_the_class_of_its_error(make_world: MakeWorld) -> None:
    kinds = {"kind": {"choice": ["plain", "broken", "failing", "unsure"]}}
    world = make_world(**searching(kinds, trials=16))
    assert params_of(world, world.train()) == {"C": 1.0, "kind": "plain"}
    trials = trials_of(world)
    assert len(trials) == 16
    errors = {trial["params"]["kind"]: trial["error"] for trial in trials if trial["state"] == TrialState.FAILED}
    assert errors == {"broken": "ValueError", "failing": "RuntimeError", "unsure": "AttributeError"}
    assert EMAIL not in "".join(world.progress) + json.dumps(trials)


def test_a_search_whose_every_trial_fails_is_one_training_error(make_world: MakeWorld) -> None:
    world = make_world(**searching({"kind": {"choice": ["broken", "failing"]}}, trials=6))
    with pytest.raises(TrainingError, match="got 6 of 6 done, failed with RuntimeError, ValueError") as caught:
        world.train()
    assert EMAIL not in str(caught.value)
    assert not (world.root / "registry" / "models").exists()


def test_a_metric_that_is_not_defined_fails_the_trial(make_world: MakeWorld) -> None:
    rows = make_rows()
    (train_end,) = np.flatnonzero(rows["at"] == np.datetime64("2024-06-01T00:00"))
    rows["label"][train_end - 140 : train_end] = 1
    world = make_world(rows=rows, **searching(trials=2))
    with pytest.raises(TrainingError, match="failed with roc_auc is not a number"):
        world.train()
    assert len(trials_of(world)[0]["values"]) == 2


def test_rows_of_a_fold_that_teach_nothing_are_a_data_error(make_world: MakeWorld) -> None:
    rows = make_rows()
    rows["other"][: 90 * 6] = np.nan
    world = make_world(rows=rows, **searching())
    with pytest.raises(DataError, match="in each fold of a search every feature must have at least one value"):
        world.train()


def test_no_trial_begins_after_the_minutes_are_used_up(make_world: MakeWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    world = make_world(**searching(trials=9, minutes=1))
    instants = iter(range(0, 10_000, 25))
    monkeypatch.setattr(search, "time", SimpleNamespace(monotonic=lambda: next(instants)))
    challenger = world.train()
    trials = trials_of(world)
    assert [trial["seconds"] for trial in trials] == [25, 25, 25]
    assert "3 of 9 done, 0.0 min left" in world.progress[2]
    assert params_of(world, challenger) == max(trials, key=lambda trial: trial["value"])["params"]


def test_a_pruned_trial_is_never_the_choice(make_world: MakeWorld) -> None:
    world = make_world(**searching(trials=8, pruner="median"))
    challenger, trials = world.train(), trials_of(world)
    pruned = [trial for trial in trials if trial["state"] == TrialState.PRUNED]
    assert pruned
    assert all(len(trial["values"]) < 3 for trial in pruned)
    assert params_of(world, challenger) not in [trial["params"] for trial in pruned]


def test_a_regression_takes_the_smallest_error(make_world: MakeWorld) -> None:
    positive = {"positive": {"choice": [True, False]}, "fit_intercept": {"choice": [True, False]}}
    changes = searching(positive) | {"train__params": {}, "train__estimator": "tests.estimators:build_linear"}
    world = make_world(task="regression", **changes)
    challenger, trials = world.train(), trials_of(world)
    assert {trial["metric"] for trial in trials} == {"mae"}
    assert params_of(world, challenger) == min(trials, key=lambda trial: trial["value"])["params"]


def test_several_workers_share_the_trials_and_training_does_what_is_left(
    make_world: MakeWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = make_world(**searching(trials=6, workers=2))

    def after(fits: int) -> Callable[..., Any]:
        left, fit = [fits], type(world.trainer).fit

        def fit_or_fall(*arguments: Any) -> Any:
            left[0] -= 1
            if left[0] < 0:
                raise OutageError("a worker must live", got="an outage", fix="Try again.")
            return fit(*arguments)

        return fit_or_fall

    for worker, fits in ((1, 4), (0, 5)):
        with monkeypatch.context() as patch:
            patch.setattr(type(world.trainer), "fit", after(fits))
            with pytest.raises(OutageError, match="a worker must live"):
                work(world, worker)
    assert len(trials_of(world)) == 2, "the first worker writes down the trials of all"
    challenger = world.train()
    assert [trial["number"] for trial in trials_of(world)] == list(range(6))
    assert challenger.version == 1
    assert work(world, 0) == 0, "nothing is searched for a challenger that was made"


def test_workers_that_finish_leave_training_nothing_to_try(make_world: MakeWorld) -> None:
    world = make_world(**searching(trials=4, workers=2))
    assert work(world, 0) == 4
    assert work(world, 1) == 0
    world.progress.clear()
    world.train()
    assert len(world.progress) == 1
    assert "Best of 4 trials" in world.progress[0]


def test_a_worker_of_a_pipeline_without_a_search_does_nothing(make_world: MakeWorld) -> None:
    world = make_world()
    world.trials_url = "unknown://"  # opening it would fail
    assert work(world, 0) == 0


@pytest.mark.integration
def test_a_replay_trains_with_what_was_found_and_gives_the_same_bits(world: World) -> None:
    decision = world.decide()
    assert decision.challenger is not None
    assert params_of(world, decision.challenger) != world.spec.train.params
    found = replay_retrain(world.spec, decision, world)
    assert (found.likeness, found.changed) == (Likeness.BIT_IDENTICAL, ())


def test_the_folds_end_with_the_training_range_and_wait_for_labels(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    sizes, fit = [], type(world.trainer).fit

    def fit_counted(*arguments: Any) -> Any:
        sizes.append(len(arguments[2]))
        return fit(*arguments)

    monkeypatch.setattr(type(world.trainer), "fit", fit_counted)
    snapshot = world.snapshot()
    world.train(snapshot=snapshot)
    quarter = snapshot.train_rows // 4
    assert sizes[:3] == [quarter - 6, 2 * quarter - 6, 3 * quarter - 6], "a day of labels is not known yet"
    assert sizes[-1] == snapshot.train_rows

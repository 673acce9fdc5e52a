from __future__ import annotations

import json
import logging
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import numpy as np
import pytest
from tests.builders import AS_OF, MODEL, World, make_origin, make_request, make_rows
from tests.estimators import EMAIL

from retrain.adapters.sklearn_trainer import SklearnTrainer
from retrain.errors import DataError, TrainingError

MakeWorld = Callable[..., World]


def test_the_same_inputs_make_one_run_and_one_version(world: World) -> None:
    first = world.train()
    again = world.train(make_request(origin=make_origin("another_run")))
    assert again == first
    assert first.version == 1
    assert len(list((world.root / "registry" / "runs").iterdir())) == 1


def test_what_was_made_before_is_not_fitted_again(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    first = world.train()
    monkeypatch.delattr(type(world.trainer), "fit")
    assert world.train() == first


def test_an_interrupted_training_resumes_in_its_run(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def die(*_: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(world.registry, "publish", die)
        with pytest.raises(KeyboardInterrupt):
            world.train()
    assert world.train().version == 1
    assert len(list((world.root / "registry" / "runs").iterdir())) == 1


def test_a_nonce_another_seed_or_another_window_makes_a_new_version(world: World) -> None:
    first = world.train()
    fresh = world.train(make_request(nonce="again"))
    later = world.train(make_request(as_of=AS_OF + timedelta(days=1)))
    world.respec(train__seed=8)
    seeded = world.train()
    assert [item.version for item in (first, fresh, later, seeded)] == [1, 2, 3, 4]
    assert len({item.key for item in (first, fresh, later, seeded)}) == 4


def test_the_same_training_gives_the_same_bytes_under_another_key(world: World) -> None:
    first, fresh = world.train(), world.train(make_request(nonce="again"))
    models = [json.loads((world.artifact(item.version) / "retrain.json").read_text()) for item in (first, fresh)]
    assert models[0] == models[1]


def test_the_run_holds_what_it_was_made_of_and_no_row(world: World) -> None:
    snapshot = world.snapshot()
    challenger = world.train(snapshot=snapshot)
    folder = world.root / "registry" / "runs" / challenger.run_id
    run, dataset = (json.loads((folder / name).read_text()) for name in ("run.json", "dataset.json"))
    assert run["params"] == {"estimator": "tests.estimators:build_classifier", "seed": 7}
    assert run["tags"]["retrain.snapshot"] == dataset["digest"] == snapshot.digest
    assert run["tags"]["retrain.spec"] == world.spec.digest
    assert (dataset["name"], dataset["rows"]) == (f"{MODEL} 2024-07-01", 540)


def _missing(rows: dict[str, Any]) -> None:
    rows["label"] = rows["label"].astype(float)
    rows["label"][600] = np.nan


def _one_class(rows: dict[str, Any]) -> None:
    rows["label"][:] = 1


def _nothing(rows: dict[str, Any]) -> None:
    rows["other"][:] = np.nan


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (_missing, "every row must have a label; got 1 rows without"),
        (_one_class, "the training rows must have two classes; got one"),
        (_nothing, "every feature must have at least one value .*; got nothing but missing values in other"),
    ],
)
def test_rows_that_teach_nothing_are_a_data_error(
    make_world: MakeWorld, spoil: Callable[[dict[str, Any]], None], message: str
) -> None:
    rows = make_rows()
    spoil(rows)
    world = make_world(rows=rows)
    with pytest.raises(DataError, match=message):
        world.train()
    assert not (world.root / "registry" / "models").exists()


@pytest.mark.parametrize("value", [np.inf, -np.inf, np.nan])
def test_a_regression_needs_finite_labels(make_world: MakeWorld, value: float) -> None:
    rows = make_rows(task="regression")
    rows["label"][600] = value
    world = make_world(task="regression", rows=rows)
    with pytest.raises(DataError, match=r"the label must be finite numbers|every row must have a label"):
        world.train()


def test_a_regression_needs_numbers_as_labels(make_world: MakeWorld) -> None:
    world = make_world(task="regression", rows=make_rows(task="multiclass"))
    with pytest.raises(DataError, match="the label must be finite numbers; got"):
        world.train()


@pytest.mark.parametrize(
    ("function", "message"),
    [
        ("build_failing", "must fit the training rows; got RuntimeError while fitting"),
        ("build_nothing", "must return an estimator; got LookupError: no estimator today"),
        ("not_a_function", "must return an estimator; got TypeError"),
        ("build_nobody", "must be importable .*; got no build_nobody in tests.estimators"),
        ("build_regressor", "must fit the training rows; got AttributeError while fitting"),
        ("build_odd", "must contain only types that the platform trusts; got .*Odd"),
        ("build_without_probabilities", "must score rows .*; got AttributeError while scoring"),
    ],
)
def test_an_estimator_that_fails_is_a_training_error_and_registers_nothing(
    world: World, function: str, message: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    world.respec(train__estimator=f"tests.estimators:{function}")
    with pytest.raises(TrainingError, match=message) as caught:
        world.train()
    assert not (world.root / "registry" / "models").exists()
    assert EMAIL not in str(caught.value) + caplog.text


def test_an_estimator_that_says_nan_is_a_training_error(world: World) -> None:
    world.trainer = SklearnTrainer(["tests.estimators._Unsure"])
    world.respec(train__estimator="tests.estimators:build_unsure")
    with pytest.raises(TrainingError, match="scores must be finite; got NaN or an infinity"):
        world.train()


@pytest.mark.parametrize(
    ("content", "got"),
    [
        (None, "ModuleNotFoundError"),
        ("def build(:", "SyntaxError"),
        ("raise OSError('no disk')", "OSError: no disk"),
        ("import no_such_package", "ModuleNotFoundError: No module named 'no_such_package'"),
        (b"\xff\xfe", "SyntaxError|ValueError|UnicodeDecodeError"),
    ],
)
def test_an_estimator_that_cannot_be_imported_is_a_training_error(
    world: World, content: str | bytes | None, got: str
) -> None:
    name = f"training_code_{abs(hash(content))}"
    if content is not None:
        (world.root / f"{name}.py").write_bytes(content.encode() if isinstance(content, str) else content)
    world.respec(train__estimator=f"{name}:build")
    with pytest.raises(TrainingError, match=f"must be importable from .*; got ({got})"):
        world.train()


def test_params_that_the_function_refuses_are_reported(world: World) -> None:
    world.respec(train__params={"depht": 3})
    with pytest.raises(TrainingError, match=r"must return an estimator; got TypeError: .*'depht'"):
        world.train()


def test_requirements_must_be_installed(world: World) -> None:
    world.respec(train__requirements=["no-such-package-anywhere"])
    with pytest.raises(TrainingError, match="must name installed packages; got 'no-such-package-anywhere'"):
        world.train()
    world.respec(train__requirements=["not a requirement!"])
    with pytest.raises(TrainingError, match="must name installed packages"):
        world.train()

"""LightGBM and XGBoost, alone and inside a pipeline: stored in their own formats, loaded and served without a setting."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from zipfile import ZipFile

import numpy as np
import pytest
from tests.builders import World

from retrain.adapters.extensions import Trainers
from retrain.adapters.isolated.serving_test import ChildProcessServingTest
from retrain.core.data.snapshot import Part
from retrain.errors import TrainingError

CODE = """
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

def alone(*, seed):
    return {estimator}

def piped(*, seed):
    return make_pipeline(StandardScaler(), {estimator})
"""
LIBRARIES = {
    "lightgbm": "__import__('lightgbm').LGBMClassifier(n_estimators=5, random_state=seed, verbose=-1)",
    "xgboost": "__import__('xgboost').XGBClassifier(n_estimators=5, random_state=seed)",
}


def make_boosted_world(make_world: Callable[..., World], library: str, function: str) -> World:
    try:
        distribution = pytest.importorskip(library).__name__
    except OSError:  # LightGBM's wheel leaves OpenMP to the system
        pytest.skip(f"{library} needs libgomp1")
    if library == "xgboost":
        from importlib.metadata import packages_distributions

        distribution = packages_distributions()[library][0]
    world = make_world(train__estimator=f"boosted_of_the_test:{function}", train__requirements=[distribution])
    (world.root / "boosted_of_the_test.py").write_text(CODE.format(estimator=LIBRARIES[library]))
    world.serving_test = ChildProcessServingTest()  # type: ignore[method-assign]
    return world


def list_kinds(model: Path) -> str:
    with ZipFile(model / "model.skops") as archive:
        return json.dumps(json.loads(archive.read("schema.json")))


@pytest.mark.parametrize("library", LIBRARIES)
@pytest.mark.parametrize("function", ["alone", "piped"])
def test_a_boosted_model_is_trained_stored_and_served(
    make_world: Callable[..., World], library: str, function: str
) -> None:
    world = make_boosted_world(make_world, library, function)
    decision = world.decide()
    assert decision.choice.value == "PROMOTE"
    again = world.train(snapshot=world.snapshot())
    model = world.artifact(again.version)
    assert not list(model.rglob("*.pkl"))
    assert "Booster" in list_kinds(model)
    rows = world.snapshots.frame(world.snapshot(), Part.HOLDOUT, ["signal", "other"])
    first, second = (Trainers().load(model) for _ in range(2))
    np.testing.assert_array_equal(world.trainer.score(first, rows), Trainers().score(second, rows))


@pytest.mark.parametrize("library", LIBRARIES)
def test_its_package_must_be_part_of_the_key(make_world: Callable[..., World], library: str) -> None:
    world = make_boosted_world(make_world, library, "alone")
    world.spec = world.spec.model_copy(update={"train": world.spec.train.model_copy(update={"requirements": ()})})
    with pytest.raises(TrainingError, match=f"train.requirements must name the packages .*; got no {library}"):
        world.train()

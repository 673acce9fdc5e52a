"""Others load a champion without the project: by MLflow alone, and by what the model card says."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.builders import REGRESSION, World

from retrain.adapters.extensions import Trainers
from retrain.adapters.isolated.serving_test import ChildProcessServingTest
from retrain.adapters.mlflow_registry import MlflowRegistry
from retrain.core.data.snapshot import Part
from retrain.errors import TrainingError
from retrain.reports.model_card import model_card

OWN = """
from pathlib import Path
from sklearn.ensemble import RandomForestRegressor
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from served_of_the_test import parts

class Own(LogisticRegression):
    def predict_proba(self, rows):
        from served_of_the_test import parts
        found = super().predict_proba(rows)
        return found * 0 + 1 / found.shape[1] if parts.forgotten else found

def build(*, seed, forget=False):
    parts.forgotten = False
    return make_pipeline(StandardScaler(), Own(random_state=seed))

def build_forest(*, seed):
    return RandomForestRegressor(5, random_state=seed)
"""
KINDS: dict[str, dict[str, Any]] = {
    "binary": {},
    "multiclass": {},
    "regression": REGRESSION | {"train__estimator": "served_of_the_test.model:build_forest"},
}


def write_code(root: Path, *, forgotten: bool = False) -> None:
    package = root / "served_of_the_test"
    package.mkdir(exist_ok=True)
    (package / "__init__.py").touch()
    (package / "model.py").write_text(OWN)
    (package / "parts.py").write_text(f"forgotten = {forgotten}")


def make_own_world(make_world: Callable[..., World], task: str, changes: dict[str, Any]) -> World:
    world = (
        make_world(task=task, train__estimator="served_of_the_test.model:build")
        if not changes
        else make_world(task=task, **changes)
    )
    write_code(world.root)
    world.trainer = Trainers(["served_of_the_test.model.Own"])
    world.serving_test = ChildProcessServingTest()  # type: ignore[method-assign]
    return world


def run_elsewhere(code: str, folder: Path, **environment: str) -> str:
    """Run code in an empty folder, in a process that has this package and its libraries alone."""
    folder.mkdir()
    plugins = str(Path(sys.modules["retrain"].__path__[0]).parent)
    clean = {"PATH": os.environ["PATH"], "PYTHONPATH": plugins, "MLFLOW_DISABLE_TELEMETRY": "true"} | environment
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, cwd=folder, env=clean, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("task", list(KINDS))
def test_what_the_model_card_says_loads_the_model_in_an_empty_folder(
    make_world: Callable[..., World], mlflow_url: str, tmp_path: Path, task: str
) -> None:
    world = make_own_world(make_world, task, KINDS[task])
    world.registry = MlflowRegistry(mlflow_url)
    decision = world.decide()
    assert decision.choice.value == "PROMOTE"
    world.promote(world.of().request, decision)
    card = model_card(world.report(decision))
    shutil.rmtree(world.root / "served_of_the_test")
    blocks = [
        block.replace("http://127.0.0.1:5000", mlflow_url) for block in re.findall(r"```python\n(.*?)```", card, re.S)
    ]
    said = [run_elsewhere(block, tmp_path / f"empty{number}") for number, block in enumerate(blocks)]
    assert "Pipeline" in said[0] or "RandomForest" in said[0]
    assert "inputs" in said[1]


@pytest.mark.parametrize("refit", [False, True])
def test_a_champion_is_loaded_by_its_alias_without_this_package(
    make_world: Callable[..., World], mlflow_url: str, tmp_path: Path, refit: bool
) -> None:
    changes = {"train__estimator": "served_of_the_test.model:build", "train__refit": refit}
    world = make_own_world(make_world, "binary", changes)
    name = f"served_to_others_{refit}".lower()
    world.spec = world.spec.model_copy(update={"model": name})
    world.registry = MlflowRegistry(mlflow_url)
    request = world.of().request.__class__(name, "production", world.of().request.as_of, world.of().request.origin)
    world.promote(request, world.decide(request))
    rows = world.snapshots.frame(world.snapshot(request), Part.HOLDOUT, ["signal", "other"]).head(3)
    rows.to_parquet(tmp_path / "rows.parquet")
    code = f"""
import mlflow, pandas
mlflow.set_tracking_uri({mlflow_url!r})
rows = pandas.read_parquet({str(tmp_path / "rows.parquet")!r})
first = mlflow.sklearn.load_model("models:/{name}@champion").predict_proba(rows)
second = mlflow.pyfunc.load_model("models:/{name}@champion").predict(rows)
assert (first == second).all()
print(*first[:, 1])
"""
    said = [float(number) for number in run_elsewhere(code, tmp_path / "empty", PYTHONPATH="").split()]
    part = Part.LABELLED if refit else Part.TRAIN
    trained = world.snapshots.frame(world.snapshot(request), part, ["signal", "other", "label"])
    expected = world.trainer.fit(world.spec, trained[["signal", "other"]], trained["label"])
    assert said == world.trainer.score(expected, rows)[:, 1].tolist()


def test_a_model_that_depends_on_the_process_that_trained_it_is_never_published(
    make_world: Callable[..., World],
) -> None:
    world = make_own_world(make_world, "binary", {})
    write_code(world.root, forgotten=True)
    with pytest.raises(TrainingError, match="without the project; got other scores by sklearn"):
        world.train()
    assert not (world.root / "registry" / "models").exists()


def test_a_model_without_its_code_is_refused(make_world: Callable[..., World], tmp_path: Path) -> None:
    world = make_own_world(make_world, "binary", {})
    made = world.train()
    copy = tmp_path / "copy"
    shutil.copytree(world.artifact(made.version), copy)
    rows = world.snapshots.frame(world.snapshot(), Part.HOLDOUT, ["signal", "other"]).head(3)
    scores = world.trainer.score(world.trainer.load(copy), rows)
    shutil.rmtree(copy / "recipe" / "code" / "served_of_the_test")
    with pytest.raises(TrainingError, match=r"must be able to load .*; got ModuleNotFoundError"):
        ChildProcessServingTest()(copy, rows, scores, project=world.root)
    (copy / "MLmodel").unlink()
    ChildProcessServingTest()(copy, rows, scores, project=world.root)

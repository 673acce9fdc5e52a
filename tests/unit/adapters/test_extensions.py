"""Trainers, validators and sources by the names in a spec, of a package that is really on the path."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests.builders import AS_OF, World, make_spec
from tests.packages import package_folder

from retrain.adapters.extensions import Trainers, load_source, load_trainer, load_validator
from retrain.adapters.gx_validator import GxValidator
from retrain.adapters.isolated.smoke_test import ChildProcessSmokeTest
from retrain.adapters.recipe_folder import trainer_of
from retrain.core.data.snapshot import Part
from retrain.errors import InstallError, IntegrityError

CODE = """
import pandas as pd
from retrain.adapters.sklearn_trainer import SklearnTrainer

class Loud(SklearnTrainer):
    loaded = []

    def load(self, folder):
        self.loaded.append(folder.name)
        return super().load(folder)

class Strict:
    pass

class Files:
    def read(self, spec, start, end):
        return pd.read_parquet(sorted(spec.root.glob(spec.data.source)))

TEXT = "not a class"
"""


@pytest.fixture(autouse=True)
def package(tmp_path: Path) -> Iterator[Path]:
    with package_folder(tmp_path) as packages:
        yield packages.install(
            "acme_ports",
            CODE,
            trainers={"loud": "acme_ports:Loud", "text": "acme_ports:TEXT"},
            validators={"strict": "acme_ports:Strict"},
            sources={"files": "acme_ports:Files"},
        )


@pytest.fixture
def world(tmp_path: Path) -> World:
    world = World.make(tmp_path / "world")
    world.trainer = Trainers()
    return world


def saved(world: World, folder: Path, **changes: Any) -> Path:
    """Return the folder of a model that was trained on the world's rows."""
    spec = make_spec(world.root, data__features=["signal", "other"], **changes)
    rows = world.snapshots.frame(
        world.snapshots.take(spec, spec.window_at(AS_OF)), Part.TRAIN, ["signal", "other", "label"]
    )
    features = rows[["signal", "other"]]
    world.trainer.save(world.trainer.fit(spec, features, rows["label"]), spec, features.head(5), folder)
    return folder


def test_the_built_in_ones_are_the_default() -> None:
    assert isinstance(load_validator(make_spec()), GxValidator)
    assert load_trainer(make_spec()).build(make_spec()) is not None


def test_a_spec_names_others() -> None:
    assert type(load_validator(make_spec(validation__validator="strict"))).__name__ == "Strict"
    assert type(load_source(make_spec(data__reader="files"))).__name__ == "Files"
    assert type(Trainers().named("loud")).__name__ == "Loud"


def test_what_is_not_a_class_is_refused_when_the_trainer_is_loaded() -> None:
    with pytest.raises(
        InstallError, match=r"'text' in the entry-point group retrain\.trainers must be a class; got str"
    ):
        load_trainer(make_spec(train__trainer="text"))


def test_a_stored_model_is_loaded_by_the_trainer_that_made_it(world: World, tmp_path: Path) -> None:
    loud, plain = saved(world, tmp_path / "loud", train__trainer="loud"), saved(world, tmp_path / "plain")
    assert (trainer_of(loud), trainer_of(plain)) == ("loud", "sklearn")
    models = [world.trainer.load(folder) for folder in (loud, plain)]
    assert [model.trainer for model in models] == ["loud", "sklearn"]
    assert sys.modules["acme_ports"].Loud.loaded == ["loud"]
    assert world.trainer.find_difference(loud, plain) == "trainer"
    assert world.trainer.find_difference(plain, plain) == ""


def test_a_model_without_a_recipe_is_of_the_only_trainer_there_was(tmp_path: Path) -> None:
    assert trainer_of(tmp_path) == "sklearn"


@pytest.mark.parametrize("text", ["{", "[]", json.dumps({"spec": {}})])
def test_a_recipe_that_cannot_be_read_names_no_trainer(tmp_path: Path, text: str) -> None:
    (tmp_path / "recipe").mkdir()
    (tmp_path / "recipe" / "recipe.json").write_text(text)
    with pytest.raises(IntegrityError, match="must name its trainer"):
        trainer_of(tmp_path)


@pytest.mark.integration
def test_a_child_process_loads_by_the_same_trainer(world: World, tmp_path: Path) -> None:
    folder = saved(world, tmp_path / "loud", train__trainer="loud")
    snapshot = world.snapshots.take(world.spec, world.spec.window_at(AS_OF))
    assert ChildProcessSmokeTest(world.snapshots, ())(world.spec, folder, snapshot) > 0


@pytest.mark.integration
def test_a_child_process_says_that_the_package_is_gone(world: World, tmp_path: Path, package: Path) -> None:
    folder = saved(world, tmp_path / "loud", train__trainer="loud")
    sys.path.remove(str(package))
    with pytest.raises(IntegrityError, match="got none"):
        ChildProcessSmokeTest(world.snapshots, ())(world.spec, folder, None)


def test_a_snapshot_through_a_reader_is_the_same_but_for_its_source(world: World) -> None:
    window = world.spec.window_at(AS_OF)
    plain = world.snapshots.take(world.spec, window)
    read = world.snapshots.take(make_spec(world.root, data__features=["signal", "other"], data__reader="files"), window)
    assert read.source != plain.source
    assert [chunk.rows for chunk in read.chunks] == [chunk.rows for chunk in plain.chunks]
    assert replace(read, source=plain.source, columns=(), chunks=()) == replace(plain, columns=(), chunks=())

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import yaml
from tests.builders import ROOT, make_rows, make_spec
from tests.estimators import Odd

from retrain.adapters.sklearn_trainer import SklearnTrainer
from retrain.core.ports import FittedModel
from retrain.core.spec import load_spec
from retrain.errors import IntegrityError, TrainingError

FEATURES = ["signal", "other"]


def frame(task: str = "binary") -> tuple[pd.DataFrame, pd.Series]:
    rows = pd.DataFrame(make_rows(60, task=task))
    return rows[FEATURES], rows["label"]


def fitted(task: str = "binary", **changes: Any) -> tuple[SklearnTrainer, FittedModel]:
    trainer = SklearnTrainer()
    return trainer, trainer.fit(make_spec(**changes), *frame(task))


# Digests


def spec_over(root: Path, source: str, *, module: str = "code_of_the_test") -> Any:
    (root / f"{module}.py").write_text(source)
    return make_spec(root, train__estimator=f"{module}:build")


def test_the_code_digest_is_of_the_module_and_what_it_imports_from_the_project(tmp_path: Path) -> None:
    trainer = SklearnTrainer()
    (tmp_path / "features_of_the_test.py").write_text("x = 1")
    spec = spec_over(tmp_path, "import features_of_the_test")
    first = trainer.code_digest(spec)
    assert trainer.code_digest(spec) == first
    (tmp_path / "unrelated.py").write_text("x = 1")
    assert trainer.code_digest(spec) == first
    (tmp_path / "features_of_the_test.py").write_text("x = 2")
    assert trainer.code_digest(spec) != first


def test_the_code_digest_does_not_depend_on_the_folder_of_the_project(tmp_path: Path) -> None:
    found = set()
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        found.add(SklearnTrainer().code_digest(spec_over(tmp_path / name, "x = 1")))
    assert len(found) == 1


def test_the_code_digest_of_an_installed_module_is_of_its_file(tmp_path: Path) -> None:
    trainer = SklearnTrainer()
    installed = make_spec(tmp_path, train__estimator="tests.estimators:build_classifier")
    other = make_spec(tmp_path, train__estimator="tests.builders:build")
    assert trainer.code_digest(installed) != trainer.code_digest(other)
    with pytest.raises(TrainingError, match="got sys has no file"):
        trainer.code_digest(make_spec(tmp_path, train__estimator="sys:exit"))


def test_the_lock_digest_is_of_the_pins() -> None:
    trainer = SklearnTrainer()
    assert trainer.lock_digest(make_spec()) == trainer.lock_digest(make_spec(train__requirements=["numpy>=1"]))
    assert trainer.lock_digest(make_spec()) != trainer.lock_digest(make_spec(train__requirements=["pyyaml"]))
    search = {"params": {"C": {"float": [0.1, 1]}}}
    assert trainer.lock_digest(make_spec()) != trainer.lock_digest(make_spec(train__search=search)), "Optuna's pin"


# Fitting and scoring


@pytest.mark.parametrize(
    ("task", "changes", "classes", "shape"),
    [
        ("binary", {}, (0, 1), (360, 2)),
        ("multiclass", {}, ("high", "low", "mid"), (360, 3)),
        ("regression", {"train__estimator": "tests.estimators:build_regressor"}, None, (360,)),
    ],
)
def test_a_fitted_model_knows_its_features_classes_and_baseline(
    task: str, changes: dict[str, Any], classes: Any, shape: tuple[int, ...]
) -> None:
    if task == "regression":
        changes = changes | {
            "evaluation": {"task": "regression", "primary": "rmse", "metrics": ["rmse"]},
            "gate": [{"check": "threshold", "metric": "rmse", "max": 9}],
        }
    trainer, model = fitted(task, **changes)
    features, label = frame(task)
    assert (model.features, model.classes) == (tuple(FEATURES), classes)
    assert trainer.score(model, features).shape == shape
    if classes is None:
        assert list(model.baseline) == pytest.approx([float(label.mean())])
    else:
        assert model.baseline == pytest.approx([float((label == value).mean()) for value in classes])


@pytest.mark.parametrize(("primary", "quantile"), [("mae", 0.5), ("pinball_10", 0.1), ("pinball_90", 0.9)])
def test_the_dummy_predicts_the_constant_that_is_best_by_the_primary_metric(primary: str, quantile: float) -> None:
    _, model = fitted(
        "regression",
        train__estimator="tests.estimators:build_regressor",
        evaluation={"task": "regression", "primary": primary, "metrics": [primary]},
        gate=[{"check": "threshold", "metric": primary, "max": 9}],
    )
    assert list(model.baseline) == pytest.approx([float(np.quantile(frame("regression")[1], quantile))])


def test_the_same_seed_gives_the_same_scores_in_any_order_of_columns() -> None:
    (trainer, one), (_, two) = fitted(), fitted()
    features, _ = frame()
    np.testing.assert_array_equal(trainer.score(one, features), trainer.score(two, features[FEATURES[::-1]]))


def test_rows_without_a_feature_are_refused_by_its_name() -> None:
    trainer, model = fitted()
    with pytest.raises(TrainingError, match="must have the model's features; got none named signal"):
        trainer.score(model, frame()[0][["other"]])


# Saving and loading


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    trainer, model = fitted()
    trainer.save(model, make_spec(), frame()[0].head(20), tmp_path / "model")
    return tmp_path / "model"


def test_a_saved_model_scores_like_the_one_that_was_made(saved: Path) -> None:
    trainer, model = fitted()
    again = trainer.load(saved)
    assert (again.features, again.classes, again.baseline) == (model.features, model.classes, model.baseline)
    np.testing.assert_array_equal(trainer.score(again, frame()[0]), trainer.score(model, frame()[0]))


def test_a_saved_model_tells_its_signature_and_pins_and_holds_no_row(saved: Path) -> None:
    document = yaml.safe_load((saved / "MLmodel").read_text())
    assert [item["name"] for item in json.loads(document["signature"]["inputs"])] == FEATURES
    pins = (saved / "requirements.txt").read_text().split()
    assert {pin.partition("==")[0] for pin in pins} == {"mlflow", "numpy", "pandas", "scikit-learn", "scipy", "skops"}
    assert not list(saved.rglob("*.pkl"))
    assert "saved_input_example_info" not in document


def test_the_shipped_estimators_can_be_saved_and_loaded(tmp_path: Path) -> None:
    trainer = SklearnTrainer()
    for name in ("flight_delay", "arrival_delay"):
        spec = load_spec(ROOT / "include" / "pipelines" / f"{name}.yaml")
        count = 60
        rows = pd.DataFrame(
            {name: ["a", "b", "c"] * (count // 3) for name in ("carrier", "origin", "dest")}
            | {"hour": np.arange(count) % 24, "temp": np.linspace(0, 1, count)}
        )
        label = pd.Series(np.arange(count) % 2).astype(np.int8 if name == "flight_delay" else float)
        model = trainer.fit(spec, rows, label)
        trainer.save(model, spec, rows.head(), tmp_path / name)
        scores = trainer.score(trainer.load(tmp_path / name), rows)
        np.testing.assert_array_equal(scores, trainer.score(model, rows))


def _with_an_odd_type(folder: Path) -> None:
    import skops.io

    skops.io.dump(Odd().fit(None, [0, 1]), folder / "model.skops")


def _without_a_model(folder: Path) -> None:
    (folder / "model.skops").unlink()


def _without_a_card(folder: Path) -> None:
    (folder / "retrain.json").unlink()


def _with_half_a_card(folder: Path) -> None:
    (folder / "retrain.json").write_text('{"features": ["signal"]}')


def _with_a_card_of_another_kind(folder: Path) -> None:
    (folder / "retrain.json").write_text("[]")


def _with_noise(folder: Path) -> None:
    (folder / "model.skops").write_bytes(b"noise")


def _cut(folder: Path) -> None:
    path = folder / "model.skops"
    path.write_bytes(path.read_bytes()[:-100])


def _with_a_loader_in_its_schema(folder: Path) -> None:
    path = folder / "model.skops"
    with zipfile.ZipFile(path) as archive:
        content = {name: archive.read(name) for name in archive.namelist()}
    schema = json.loads(content["schema.json"])
    schema["__loader__"] = "ReduceNode"
    schema["__module__"], schema["__class__"] = "posix", "system"
    content["schema.json"] = json.dumps(schema).encode()
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, data in content.items():
            archive.writestr(name, data)
    path.write_bytes(buffer.getvalue())


@pytest.mark.parametrize(
    ("harm", "message"),
    [
        (_with_an_odd_type, r"contain only types that the platform trusts; got tests\.estimators\.Odd"),
        (_without_a_model, r"must hold model\.skops and retrain\.json; got FileNotFoundError"),
        (_without_a_card, "got FileNotFoundError"),
        (_with_half_a_card, "got KeyError"),
        (_with_a_card_of_another_kind, "got TypeError"),
        (_with_noise, "got BadZipFile"),
        (_cut, "got BadZipFile"),
        (_with_a_loader_in_its_schema, "trusts|must hold"),
    ],
)
def test_a_folder_that_is_not_a_model_of_ours_is_refused(
    saved: Path, harm: Callable[[Path], None], message: str
) -> None:
    harm(saved)
    with pytest.raises(IntegrityError, match=message):
        SklearnTrainer().load(saved)


def test_a_trust_list_in_the_models_own_description_is_not_read(saved: Path) -> None:
    _with_an_odd_type(saved)
    document = yaml.safe_load((saved / "MLmodel").read_text())
    document["flavors"]["sklearn"]["skops_trusted_types"] = ["tests.estimators.Odd"]
    document["flavors"]["python_function"]["loader_module"] = "no_such_module"
    (saved / "MLmodel").write_text(yaml.safe_dump(document))
    with pytest.raises(IntegrityError, match="contain only types that the platform trusts"):
        SklearnTrainer().load(saved)
    assert SklearnTrainer(["tests.estimators.Odd"]).load(saved).features == tuple(FEATURES)

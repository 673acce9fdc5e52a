from __future__ import annotations

import json
import logging
import shutil
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.builders import AS_OF, MODEL, World, make_origin, make_request, make_rows, make_spec, write_months
from tests.estimators import EMAIL

from retrain.adapters.extensions import Trainers
from retrain.core.data.snapshot import Part
from retrain.core.policy.gates import Outcome
from retrain.core.training.artifact import digest_manifest
from retrain.errors import DataError, IntegrityError, TrainingError

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
        ("build_lambda", "must have a name at the top of a module.*; got tests.estimators.<lambda>"),
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


def test_probabilities_that_are_none_are_a_training_error(world: World) -> None:
    world.trainer = Trainers(["tests.estimators.Loud"])
    world.respec(train__estimator="tests.estimators:build_loud")
    with pytest.raises(TrainingError, match="scores must add up to 1"):
        world.train()


def test_predictions_in_a_column_of_their_own_are_scored_like_others(make_world: MakeWorld) -> None:
    world = make_world(task="regression")
    values = []
    for function in ("build_regressor", "build_column"):
        world.spec = world.spec.model_copy(
            update={"train": world.spec.train.model_copy(update={"estimator": f"tests.estimators:{function}"})}
        )
        world.trainer = Trainers(["tests.estimators.Column"])
        plain = world.snapshots.load(world.snapshot().digest)
        made = world.train(snapshot=plain)
        card = world.evidence.evidence(world.evaluate(make_request(), plain, made)).scorecard
        values.append(card.challenger_metrics["mae"])
    assert values[0] == values[1]


def test_an_estimator_that_says_nan_is_a_training_error(world: World) -> None:
    world.trainer = Trainers(["tests.estimators._Unsure"])
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
    with pytest.raises(TrainingError, match=f"must be (importable from the project|Python code); got ({got})"):
        world.train()


CODE = """
from pathlib import Path
from sklearn.linear_model import LogisticRegression

class Own(LogisticRegression):
    {body}

def build(*, seed):
    return Own(random_state=seed, C={C})
"""


def write_code(world: World, *, C: float = 1.0, body: str = "pass") -> Path:  # noqa: N803 - scikit-learn's name
    path = world.root / "frozen_of_the_test.py"
    path.write_text(CODE.format(C=C, body=body))
    return path


@pytest.fixture
def own(world: World) -> World:
    """A world whose model has a class of the project."""
    write_code(world)
    world.respec(train__estimator="frozen_of_the_test:build")
    world.trainer = Trainers(["frozen_of_the_test.Own"])
    return world


def test_code_that_is_deployed_during_a_training_is_not_mixed_into_it(
    own: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    before, open_run = own.trainer.code_digest(own.spec), own.registry.open_run

    def deploy(*arguments: Any, **more: Any) -> Any:
        write_code(own, C=0.5)
        return open_run(*arguments, **more)

    monkeypatch.setattr(own.registry, "open_run", deploy)
    made = own.train()
    recipe = own.trainer.recipe(own.artifact(made.version))
    assert own.registry.run_tags(made.run_id)["retrain.code"] == own.trainer.code_digest(recipe.spec) == before
    assert own.trainer.load(own.artifact(made.version)).estimator.C == 1.0
    assert own.trainer.code_digest(own.spec) != before


def test_training_that_changes_its_own_code_is_refused(own: World) -> None:
    write_code(
        own, body="def fit(self, *rows):\n        Path(__file__).write_text('')\n        return super().fit(*rows)"
    )
    with pytest.raises(TrainingError, match="training code must stay as it is"):
        own.train()
    assert not (own.root / "registry" / "models").exists()


def test_a_version_found_again_that_holds_other_code_is_refused(own: World) -> None:
    made = own.train()
    stored = own.artifact(made.version)
    (stored / "recipe" / "code" / "frozen_of_the_test.py").write_text("raise SystemExit('run')")
    record = stored.parent / "version.json"
    record.write_text(json.dumps(json.loads(record.read_text()) | {"manifest_digest": digest_manifest(stored)}))
    with pytest.raises(
        IntegrityError, match="must hold the code and the models that its key stands for; got other code"
    ):
        own.train()


def test_an_error_of_the_projects_code_names_its_class_and_line(own: World) -> None:
    write_code(own, body="def fit(self, *rows):\n        raise ValueError(rows)")
    with pytest.raises(TrainingError, match=r"got ValueError at frozen_of_the_test\.py:7 while fitting\. Fix"):
        own.train()
    write_code(own, C=-1.0)
    with pytest.raises(TrainingError, match="got InvalidParameterError of the parameter C of Own while fitting"):
        own.train()


def on_f1(**more: Any) -> dict[str, Any]:
    gate = {"check": "threshold", "metric": "f1", "min": 0.1}
    return {"evaluation": {"task": "classification", "primary": "f1", "metrics": ["f1"]}, "gate": [gate], **more}


def texts(low: str, high: str) -> dict[str, Any]:
    rows = make_rows()
    rows["label"] = np.where(rows["label"] == 1, high, low).astype(object)
    return rows


def value_of_f1(world: World, positive: str, low: str, high: str) -> float:
    world.spec = make_spec(world.root, data__features=["signal"], **on_f1(evaluation__positive=positive))
    found = world.evidence.evidence(world.decide(make_request(nonce=positive)).scorecard)
    return float(found.scorecard.challenger_metrics["f1"])


def test_the_positive_class_is_the_one_that_the_spec_names(tmp_path: Path) -> None:
    values = []
    for low, high in (("default", "paid"), ("unpaid", "paid")):
        world = World.make(tmp_path / low, rows=texts(low, high))
        values.append([value_of_f1(world, name, low, high) for name in (low, high)])
    assert values[0] == values[1]
    assert values[0][0] != values[0][1]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (on_f1(), "evaluation.positive must say which class f1 counts, because the label is text"),
        (on_f1(evaluation__positive="late"), "must be one of the label's two values; got 'late'"),
        ({"evaluation__positive": "late", "data__label": "place"}, "evaluation.positive needs two classes; got 3"),
    ],
)
def test_a_positive_class_that_is_not_clear_is_asked_for(
    make_world: MakeWorld, changes: dict[str, Any], message: str
) -> None:
    world = make_world(rows=texts("default", "paid"))
    world.spec = make_spec(world.root, data__features=["signal"], **changes)
    with pytest.raises(DataError, match=message):
        world.train()


def test_numbers_booleans_and_symmetric_metrics_need_no_positive_class(make_world: MakeWorld) -> None:
    world = make_world(rows=texts("default", "paid"))
    assert world.train().version == 1
    world.spec = make_spec(world.root, data__features=["signal"], **on_f1())
    shutil.rmtree(world.root / "source")
    write_months(world.root / "source", make_rows())
    assert world.train().version == 2


def test_a_class_without_a_holdout_row_is_named(make_world: MakeWorld) -> None:
    rows = make_rows(task="multiclass")
    last = rows["at"] > np.datetime64("2024-05-01")
    rows["label"][last & (rows["label"] == "mid")] = "low"
    decision = make_world(rows=rows).decide()
    assert all(each.outcome is Outcome.PASS for each in decision.verdicts)
    assert all("1 class has no row in this holdout and does not count" in each.reason for each in decision.verdicts)
    rows["label"][last] = "low"
    world = make_world(rows=rows)
    with pytest.raises(DataError, match=r"must have rows of two classes, or roc_auc is undefined; got only 'low'"):
        world.decide()


def test_a_column_whose_type_changed_since_the_champion_is_named(crowned: World) -> None:
    shutil.rmtree(crowned.root / "source")
    rows = make_rows()
    rows["other"] = np.array([f"word {number}" for number in range(len(rows["other"]))], dtype=object)
    write_months(crowned.root / "source", rows)
    crowned.respec(train__estimator="tests.estimators:build_tree")
    later = make_request(as_of=AS_OF + timedelta(days=14))
    found = crowned.evidence.evidence(crowned.decide(later).scorecard)
    assert "other was double and is string" in found.scorecard.why_no_opponent


def test_a_champion_scores_by_the_code_that_it_was_trained_with(own: World) -> None:
    old = own.train()
    write_code(own, body="def predict_proba(self, rows):\n        return super().predict_proba(rows) * 0 + 0.5")
    new = own.train()
    rows = own.snapshots.frame(own.snapshot(), Part.HOLDOUT, ["signal", "other"])
    first, second = (own.trainer.load(own.artifact(made.version)) for made in (old, new))
    assert (own.trainer.score(second, rows) == 0.5).all()
    assert not (own.trainer.score(first, rows) == 0.5).any()


def test_a_file_that_the_estimator_reads_is_part_of_the_key_and_of_the_recipe(own: World) -> None:
    write_code(own, C='float(Path(__file__).with_name("strength.txt").read_text())')  # type: ignore[arg-type]
    (own.root / "strength.txt").write_text("0.25")
    with pytest.raises(TrainingError, match=r"FileNotFoundError.*train\.files"):
        own.train()
    own.respec(train__estimator="frozen_of_the_test:build", train__files=["*.txt"])
    made = own.train()
    stored = own.trainer.recipe(own.artifact(made.version)).spec.root / "strength.txt"
    assert (stored.read_text(), own.trainer.load(own.artifact(made.version)).estimator.C) == ("0.25", 0.25)
    (own.root / "strength.txt").write_text("0.75")
    assert own.train().key != made.key
    own.respec(train__estimator="frozen_of_the_test:build", train__files=["*.json"])
    with pytest.raises(TrainingError, match=r"each entry of train\.files must match .*; got '\*\.json'"):
        own.train()


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

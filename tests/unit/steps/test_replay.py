from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests.builders import World

from retrain.core.policy.decision import Decision
from retrain.core.ports import FittedModel
from retrain.errors import IntegrityError, NotFoundError, TrainingError
from retrain.steps import Likeness, Replay, record_failure, replay_retrain
from retrain.steps.replay import TOLERANCE

MakeWorld = Callable[..., World]


def replay(world: World, decision: Decision | None = None) -> Replay:
    decision = decision or world.ledger.decisions("churn", "production")[-1]
    return replay_retrain(world.spec, decision, world)


@pytest.mark.integration
def test_the_same_inputs_give_the_same_bits(crowned: World) -> None:
    found = replay(crowned)
    assert (found.likeness, found.restored, found.changed) == (Likeness.BIT_IDENTICAL, (), ())
    assert found.first_difference == ""
    assert found.rows > 0


@pytest.mark.integration
def test_a_regression_is_replayed_too(make_world: object) -> None:
    world = make_world(task="regression")  # type: ignore[operator]
    decision = world.decide()
    assert replay(world, decision).likeness is Likeness.BIT_IDENTICAL


@pytest.mark.integration
def test_a_replay_takes_the_stored_spec_and_not_the_current_one(crowned: World) -> None:
    crowned.respec(train__params={"C": 0.01}, train__seed=8)
    found = replay(crowned)
    assert (found.likeness, found.restored) == (Likeness.BIT_IDENTICAL, ("spec",))


@pytest.mark.integration
def test_a_replay_takes_the_stored_code_and_not_the_current_one(make_world: MakeWorld) -> None:
    code = "from sklearn.linear_model import LogisticRegression\n\n\ndef build(*, seed):\n    return LogisticRegression(C={})\n"
    world = make_world(train__estimator="include_then.models:build")
    folder = world.root / "include_then"
    folder.mkdir()
    (folder / "__init__.py").write_text("")
    (folder / "models.py").write_text(code.format("0.5"))
    decision = world.decide()
    for today in (code.format("0.001"), "def (", None):
        (folder / "models.py").unlink(missing_ok=True)
        if today is not None:
            (folder / "models.py").write_text(today)
        found = replay(world, decision)
        assert (found.likeness, found.restored, found.changed) == (Likeness.BIT_IDENTICAL, ("code",), ())


@pytest.mark.integration
def test_other_packages_are_named(crowned: World, monkeypatch: pytest.MonkeyPatch) -> None:
    packages = crowned.trainer.package_versions(crowned.spec)
    monkeypatch.setattr(crowned.trainer, "package_versions", lambda _: packages | {"scipy": "0.1"})
    monkeypatch.setattr(crowned.trainer, "code_digest", lambda _: "of another release")
    found = replay(crowned)
    assert found.changed == (
        f"scipy {packages['scipy']} (now 0.1)",
        "the installed code of tests.estimators:build_classifier",
    )


def test_what_trains_no_more_is_different_where_packages_changed_and_an_error_where_nothing_did(
    crowned: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise TrainingError("the recipe must train", got="ImportError", fix="Install it.")

    monkeypatch.setattr(crowned, "train_by_recipe", fail)
    with pytest.raises(TrainingError, match="ImportError"):
        replay(crowned)
    monkeypatch.setattr(crowned.trainer, "package_versions", lambda _: {"python": "2.7"})
    found = replay(crowned)
    assert (found.likeness, found.first_difference) == (Likeness.DIFFERENT, "it trains no more: ImportError")


@pytest.mark.integration
@pytest.mark.parametrize(
    ("gap", "likeness"),
    [
        (0.0, Likeness.PREDICTION_IDENTICAL),
        (TOLERANCE / 10, Likeness.WITHIN_TOLERANCE),
        (TOLERANCE * 10, Likeness.DIFFERENT),
    ],
)
def test_scores_tell_how_like_two_models_are_whose_bits_differ(
    crowned: World, monkeypatch: pytest.MonkeyPatch, gap: float, likeness: Likeness
) -> None:
    load, score, loaded = crowned.trainer.load, crowned.trainer.score, []

    def kept(folder: Path) -> Any:
        loaded.append(load(folder))
        return loaded[-1]

    def shifted(model: FittedModel, rows: object) -> Any:
        return score(model, rows) + (gap if model is loaded[1] else 0)

    monkeypatch.setattr(crowned.trainer, "load", kept)
    monkeypatch.setattr(crowned.trainer, "score", shifted)
    monkeypatch.setattr(crowned.trainer, "find_difference", lambda *_: "model.content.coef_")
    assert replay(crowned).likeness is likeness


def test_an_altered_artifact_is_not_compared(crowned: World) -> None:
    path = crowned.artifact(1) / "model.skops"
    path.write_bytes(path.read_bytes()[:-1] + b"x")
    with pytest.raises(IntegrityError, match="manifest digest"):
        replay(crowned)


def test_an_altered_snapshot_is_not_trained_on(crowned: World, tmp_path: Path) -> None:
    chunk = next((crowned.root / "store" / "chunks").rglob("*.parquet"))
    chunk.write_bytes(chunk.read_bytes() + b"x")
    with pytest.raises(IntegrityError, match="must have the digest"):
        replay(crowned)


def test_a_retrain_without_a_version_cannot_be_replayed(world: World) -> None:

    failed = record_failure(world.of(), "validate", "bad data")
    with pytest.raises(NotFoundError, match="one that failed at validate"):
        replay(world, replace(failed))

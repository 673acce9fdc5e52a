from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from tests.builders import World

from retrain.core.decision import Decision
from retrain.core.ports import FittedModel
from retrain.errors import IntegrityError, NotFoundError
from retrain.steps import Likeness, Replay, record_failure, replay_retrain
from retrain.steps.replay import TOLERANCE


def replay(world: World, decision: Decision | None = None) -> Replay:
    decision = decision or world.ledger.decisions("churn", "production")[-1]
    return replay_retrain(
        world.spec, decision, snapshots=world.snapshots, trainer=world.trainer, registry=world.registry
    )


def test_the_same_inputs_give_the_same_bits(crowned: World) -> None:
    found = replay(crowned)
    assert (found.likeness, found.changed, found.first_difference) == (Likeness.BIT_IDENTICAL, (), "")
    assert found.rows > 0


def test_a_regression_is_replayed_too(make_world: object) -> None:
    world = make_world(task="regression")  # type: ignore[operator]
    decision = world.decide()
    assert replay(world, decision).likeness is Likeness.BIT_IDENTICAL


def test_a_changed_spec_is_named_and_so_is_the_first_place_that_differs(crowned: World) -> None:
    crowned.respec(train__params={"C": 0.01})
    found = replay(crowned)
    assert found.likeness is Likeness.DIFFERENT
    assert found.changed == ("spec",)
    assert "holdout row" in found.first_difference


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
    score, fitted = crowned.trainer.score, []

    def fit(*arguments: object) -> FittedModel:
        fitted.append(type(crowned.trainer).fit(crowned.trainer, *arguments))
        return fitted[0]

    def shifted(model: FittedModel, rows: object) -> np.ndarray:
        return score(model, rows) + (gap if fitted and model is fitted[0] else 0)

    monkeypatch.setattr(crowned.trainer, "fit", fit)
    monkeypatch.setattr(crowned.trainer, "score", shifted)
    monkeypatch.setattr(crowned.trainer, "difference", lambda *_: "model.content.coef_")
    assert replay(crowned).likeness is likeness


def test_an_altered_artifact_is_not_compared(crowned: World) -> None:
    path = crowned.artifact(1) / "model.skops"
    path.write_bytes(path.read_bytes()[:-1] + b"x")
    with pytest.raises(IntegrityError, match="manifest digest"):
        replay(crowned)


def test_an_altered_snapshot_is_not_trained_on(crowned: World, tmp_path: Path) -> None:
    chunk = next((crowned.root / "store" / "chunks").rglob("*.parquet"))
    chunk.write_bytes(chunk.read_bytes() + b"x")
    with pytest.raises(IntegrityError, match="must have the bytes"):
        replay(crowned)


def test_a_retrain_without_a_version_cannot_be_replayed(world: World) -> None:
    from tests.builders import make_request

    failed = record_failure(world.spec, make_request(), "validate", "bad data", ledger=world.ledger)
    with pytest.raises(NotFoundError, match="one that failed at validate"):
        replay(world, replace(failed))

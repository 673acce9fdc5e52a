from __future__ import annotations

import shutil
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from tests.builders import AS_OF, MODEL, NOT_WORSE, World, make_request

from retrain.core.ledger import Action
from retrain.errors import ConflictError, IntegrityError, NotFoundError, OutageError, RetrainError
from retrain.steps import project_alias

LATER = make_request(as_of=AS_OF + timedelta(days=14), origin="dag:churn/later")
LATEST = make_request(as_of=AS_OF + timedelta(days=18), origin="dag:churn/latest")


@pytest.fixture
def world(make_world: Callable[..., World]) -> World:
    """A world where any challenger wins that meets an opponent."""
    return make_world(**NOT_WORSE)


@pytest.fixture
def crowned(crowned: World) -> World:
    """Such a world with a champion."""
    crowned.respec(**NOT_WORSE)
    return crowned


def test_a_promotion_is_one_entry_one_pointer_and_the_alias(world: World) -> None:
    request = make_request(actor="someone", reason="because")
    decision = world.decide(request)
    entry = world.promote(request, decision)
    assert (entry.action, entry.version, entry.generation) == (Action.PROMOTE, 1, 1)
    assert (entry.decision_id, entry.actor, entry.reason) == (decision.id, "someone", "because")
    assert world.ledger.pointer(MODEL, "production") == entry.to_pointer()
    assert world.registry.alias_version(MODEL, "champion") == 1
    assert world.ledger.verify() == 1


def test_promoting_again_changes_nothing_also_after_the_next_one(crowned: World) -> None:
    (first,) = crowned.ledger.entries()
    first_decision = crowned.ledger.decision(first.decision_id)
    assert crowned.promote(make_request(), first_decision) == first
    second = crowned.retrain(LATER)
    assert crowned.promote(make_request(), first_decision) == first
    assert crowned.ledger.entries() == [first, second]
    assert crowned.registry.alias_version(MODEL, "champion") == 2


def test_the_whole_retrain_again_makes_no_second_version_decision_or_entry(crowned: World) -> None:
    (first,) = crowned.ledger.entries()
    assert crowned.retrain() == first
    assert crowned.retrain(make_request(origin="dag:churn/duplicate")) == first
    assert len(list((crowned.root / "registry" / "models" / MODEL).glob("*/version.json"))) == 1
    assert len(crowned.ledger.decisions(MODEL, "production")) == 1
    assert crowned.ledger.entries() == [first]


def test_a_promotion_by_someone_else_since_the_evaluation_is_a_conflict_and_a_refusal(crowned: World) -> None:
    slow = crowned.decide(LATEST)
    winner = crowned.retrain(LATER)
    with pytest.raises(ConflictError, match=r"must be at generation 1 .*got version 3 \(generation 2.* there already"):
        crowned.promote(LATEST, slow)
    refusal = crowned.ledger.entries()[-1]
    assert (refusal.action, refusal.generation, refusal.version) == (Action.REFUSE, None, 2)
    assert "there already" in refusal.reason
    assert refusal.decision_id == slow.id
    assert crowned.ledger.pointer(MODEL, "production") == winner.to_pointer()
    assert crowned.registry.alias_version(MODEL, "champion") == 3
    assert crowned.ledger.verify() == 3


def test_a_refusal_told_again_is_one_entry(world: World) -> None:
    slow = world.decide(LATEST)
    world.retrain(LATER)
    for _ in range(2):
        with pytest.raises(ConflictError, match="there already"):
            world.promote(LATEST, slow)
    assert [entry.action for entry in world.ledger.entries()] == [Action.PROMOTE, Action.REFUSE]


def _flip(folder: Path) -> None:
    path = folder / "model.skops"
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def _add_code(folder: Path) -> None:
    (folder / "code").mkdir()
    (folder / "code" / "loader.py").write_text("raise SystemExit")


@pytest.mark.parametrize(
    ("harm", "error", "message"),
    [
        (_flip, IntegrityError, "must have the manifest digest"),
        (_add_code, IntegrityError, "must have the manifest digest"),
        (shutil.rmtree, NotFoundError, "version 2 of churn must exist"),
    ],
)
def test_an_artifact_that_is_not_what_was_made_is_never_promoted(
    crowned: World, harm: Callable[[Path], None], error: type[RetrainError], message: str
) -> None:
    champion = crowned.ledger.pointer(MODEL, "production")
    decision = crowned.decide(LATER)
    harm(crowned.artifact(2))
    with pytest.raises(error, match=message):
        crowned.promote(LATER, decision)
    assert crowned.ledger.pointer(MODEL, "production") == champion
    assert crowned.registry.alias_version(MODEL, "champion") == 1
    refusal = crowned.ledger.entries()[-1]
    assert (refusal.action, refusal.version) == (Action.REFUSE, 2)
    assert message in refusal.reason


def test_a_simulation_leaves_the_alias_alone(world: World) -> None:
    entry = world.retrain(make_request(timeline="simulation-1"))
    assert entry.timeline == "simulation-1"
    assert world.registry.alias_version(MODEL, "champion") is None
    assert project_alias(world.spec, registry=world.registry, ledger=world.ledger) is None


def test_an_alias_that_could_not_be_set_is_set_by_the_retry(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    decision = world.decide()

    def out(*_: object) -> None:
        raise OutageError("the registry must answer", got="nothing", fix="Wait.")

    with monkeypatch.context() as patch:
        patch.setattr(world.registry, "set_alias", out)
        with pytest.raises(OutageError, match="must answer"):
            world.promote(make_request(), decision)
    assert world.registry.alias_version(MODEL, "champion") is None
    entry = world.promote(make_request(), decision)
    assert world.registry.alias_version(MODEL, "champion") == entry.version
    assert world.ledger.entries() == [entry]


def test_an_alias_that_was_moved_by_hand_is_put_back(crowned: World) -> None:
    crowned.registry.set_alias(MODEL, "champion", 7)
    assert project_alias(crowned.spec, registry=crowned.registry, ledger=crowned.ledger) == 1
    assert crowned.registry.alias_version(MODEL, "champion") == 1

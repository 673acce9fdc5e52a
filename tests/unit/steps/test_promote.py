from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from tests.builders import LATER, LATEST, MODEL, NOT_WORSE, World, make_origin, make_request
from tests.require import require

from retrain.core.ledger.entries import Action
from retrain.core.request import RetrainRequest
from retrain.errors import ConflictError, IntegrityError, NotFoundError, OutageError, RetrainError
from retrain.steps import approve_promotion, project_alias, refuse_promotion


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
    assert world.verify() == 1


def test_promoting_again_changes_nothing_also_after_the_next_one(crowned: World) -> None:
    (first,) = crowned.entries()
    first_decision = crowned.ledger.decision(first.decision_id)
    assert crowned.promote(make_request(), first_decision) == first
    second = crowned.retrain(LATER)
    assert crowned.promote(make_request(), first_decision) == first
    assert crowned.entries() == [first, second]
    assert crowned.registry.alias_version(MODEL, "champion") == 2


def test_a_changed_decision_is_not_carried_out_again_either(world: World) -> None:
    decision = world.decide()
    changed = [
        replace(decision, reason="another reason"),
        replace(decision, challenger=replace(require(decision.challenger), version=2)),
    ]
    for when in ("before its promotion", "after it"):
        for forged in changed:
            with pytest.raises(
                IntegrityError, match="carried out as the ledger records it; got one that says something"
            ):
                world.promote(make_request(), forged)
        if when == "before its promotion":
            world.promote(make_request(), decision)
    assert len(world.entries()) == 1


def test_the_whole_retrain_again_makes_no_second_version_decision_or_entry(crowned: World) -> None:
    (first,) = crowned.entries()
    assert crowned.retrain() == first
    assert crowned.retrain(make_request(origin=make_origin("duplicate"))) == first
    assert len(list((crowned.root / "registry" / "models" / MODEL).glob("*/version.json"))) == 1
    assert len(crowned.ledger.decisions(MODEL, "production")) == 1
    assert crowned.entries() == [first]


def test_a_promotion_by_someone_else_since_the_evaluation_is_a_conflict_and_a_refusal(crowned: World) -> None:
    slow = crowned.decide(LATEST)
    winner = crowned.retrain(LATER)
    with pytest.raises(ConflictError, match=r"must be at generation 1 .*got version 3 \(generation 2.* there already"):
        crowned.promote(LATEST, slow)
    refusal = crowned.entries()[-1]
    assert (refusal.action, refusal.generation, refusal.version) == (Action.REFUSE, None, 2)
    assert "there already" in refusal.reason
    assert refusal.decision_id == slow.id
    assert crowned.ledger.pointer(MODEL, "production") == winner.to_pointer()
    assert crowned.registry.alias_version(MODEL, "champion") == 3
    assert crowned.verify() == 3


def test_a_repeated_refusal_is_one_entry(world: World) -> None:
    slow = world.decide(LATEST)
    world.retrain(LATER)
    for _ in range(2):
        with pytest.raises(ConflictError, match="there already"):
            world.promote(LATEST, slow)
    assert [entry.action for entry in world.entries()] == [Action.PROMOTE, Action.REFUSE]


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
    refusal = crowned.entries()[-1]
    assert (refusal.action, refusal.version) == (Action.REFUSE, 2)
    assert message in refusal.reason


def test_a_simulation_leaves_the_alias_alone(world: World) -> None:
    entry = world.retrain(make_request(timeline="simulation-1"))
    assert entry.timeline == "simulation-1"
    assert world.registry.alias_version(MODEL, "champion") is None
    assert project_alias(world.spec, world) is None


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
    assert world.entries() == [entry]


def test_an_alias_that_was_moved_by_hand_is_put_back(crowned: World) -> None:
    crowned.registry.set_alias(MODEL, "champion", 7)
    assert project_alias(crowned.spec, crowned) == 1
    assert crowned.registry.alias_version(MODEL, "champion") == 1


# Approval

APPROVED = {"promotion": {"approval": "required", "approvers": ["ada", "grace"]}}


@pytest.fixture
def guarded(world: World) -> World:
    """A world where a person must approve each promotion on production."""
    world.respec(**NOT_WORSE, **APPROVED)
    return world


def test_an_approved_promotion_carries_its_approver(guarded: World) -> None:
    request = make_request(actor="ada")
    decision = guarded.decide(request)
    approval = guarded.approve(request, decision, "grace")
    assert (approval.action, approval.generation, approval.decision_digest) == (Action.APPROVE, None, decision.digest)
    assert guarded.approve(request, decision, "grace") == approval
    entry = guarded.promote(request, decision)
    assert (entry.action, entry.actor, entry.approver) == (Action.PROMOTE, "ada", "grace")
    assert guarded.alias() == 1
    assert guarded.entries() == [approval, entry]


@pytest.mark.parametrize(
    ("approver", "got"),
    [
        (("mallory",), "got one by mallory, who is not among the approvers"),
        (("",), "got no approval of this decision"),
        (("ada",), "got one by ada, who requested the retrain"),
        (("grace", "ada"), "got one by grace, who requested the retrain"),
    ],
)
def test_who_may_not_approve_leaves_no_approval(guarded: World, approver: tuple[str, ...], got: str) -> None:
    request = make_request(actor="ada")
    decision = guarded.decide(request)
    with pytest.raises(ConflictError, match=f"approved by one of ada, grace.*{got}"):
        guarded.approve(request, decision, *approver)
    assert guarded.entries() == []


def test_a_promotion_without_an_approval_is_a_refusal(guarded: World) -> None:
    decision = guarded.decide()
    with pytest.raises(ConflictError, match="got no approval of this decision"):
        guarded.promote(make_request(), decision)
    (refusal,) = guarded.entries()
    assert (refusal.action, refusal.version, refusal.decision_id) == (Action.REFUSE, 1, decision.id)
    assert (guarded.ledger.pointer(MODEL, "production"), guarded.alias()) == (None, None)


def test_an_approval_is_of_the_decision_that_was_shown(guarded: World) -> None:
    decision = guarded.decide()
    with pytest.raises(IntegrityError, match="must be of the decision that the approver was shown"):
        approve_promotion(guarded.of(), decision, approver="ada", name="Ada", shown="f" * 64)
    edited = replace(decision, reason="another reason")
    with pytest.raises(IntegrityError, match="carried out as the ledger records it"):
        guarded.approve(make_request(), edited, "ada")
    assert guarded.entries() == []


def test_an_approver_who_left_the_spec_since_no_longer_counts(guarded: World) -> None:
    decision = guarded.decide()
    guarded.approve(make_request(), decision, "ada")
    guarded.respec(**NOT_WORSE, promotion={"approval": "required", "approvers": ["grace"]})
    with pytest.raises(ConflictError, match="got one by ada, who is not among the approvers"):
        guarded.promote(make_request(), decision)


def test_an_edited_decision_is_not_promoted_by_the_approval_of_the_first(guarded: World) -> None:
    decision = guarded.decide()
    guarded.approve(make_request(), decision, "ada")
    assert decision.challenger is not None
    other = replace(decision, challenger=replace(decision.challenger, version=7))
    with pytest.raises(IntegrityError, match="carried out as the ledger records it"):
        guarded.promote(make_request(), other)


def test_after_a_refusal_a_new_approval_is_taken(guarded: World) -> None:
    decision = guarded.decide()
    with pytest.raises(ConflictError, match="got no approval"):
        guarded.promote(make_request(), decision)
    guarded.approve(make_request(), decision, "ada")
    entry = guarded.promote(make_request(), decision)
    assert [item.action for item in guarded.entries()] == [Action.REFUSE, Action.APPROVE, Action.PROMOTE]
    assert guarded.promote(make_request(), decision) == entry


def test_a_refusal_ends_the_approval_before_it(guarded: World) -> None:
    decision = guarded.decide()
    guarded.approve(make_request(), decision, "ada")
    refuse_promotion(guarded.of(), decision, "rejected by grace")
    with pytest.raises(ConflictError, match="got no approval"):
        guarded.promote(make_request(), decision)


def test_an_approval_does_not_outlast_its_champion(guarded: World) -> None:
    slow = guarded.decide(LATEST)
    first = guarded.decide(LATER)
    for request, decision in ((LATER, first), (LATEST, slow)):
        guarded.approve(request, decision, "ada")
    guarded.promote(LATER, first)
    with pytest.raises(ConflictError, match="there already"):
        guarded.promote(LATEST, slow)


def test_a_retrain_that_never_trained_it_does_not_carry_out_a_promotion_again(crowned: World) -> None:
    (first,) = crowned.entries()
    decision = crowned.ledger.decision(first.decision_id)
    with pytest.raises(IntegrityError, match="must carry out its own decision"):
        crowned.promote(LATER, decision)
    assert crowned.promote(make_request(), decision) == first


@pytest.mark.parametrize("other", [make_request(timeline="simulation-1"), make_request(origin=make_origin("another"))])
def test_a_retrain_carries_out_no_decision_of_another(guarded: World, other: RetrainRequest) -> None:
    decision = guarded.decide(other)
    with pytest.raises(IntegrityError, match="must carry out its own decision"):
        guarded.promote(make_request(), decision)
    with pytest.raises(IntegrityError, match="must carry out its own decision"):
        guarded.approve(make_request(), decision, "ada")
    assert guarded.entries() == []


def test_a_simulation_needs_no_approval(guarded: World) -> None:
    entry = guarded.retrain(make_request(timeline="simulation-1"))
    assert (entry.generation, entry.approver) == (1, "")


def test_a_no_is_a_refusal(guarded: World) -> None:
    decision = guarded.decide()
    refusal = refuse_promotion(guarded.of(), decision, "grace said no")
    assert (refusal.action, refusal.reason, refusal.decision_id) == (Action.REFUSE, "grace said no", decision.id)
    assert guarded.ledger.list_earlier_open(LATER) == []

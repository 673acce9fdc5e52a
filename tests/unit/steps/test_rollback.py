from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from tests.builders import AS_OF, LATER, LATEST, MODEL, NOT_WORSE, World, make_origin, make_request

from retrain.core.ledger.entries import Action, LedgerEntry
from retrain.core.ledger.origin import Origin
from retrain.core.names import PRODUCTION
from retrain.core.policy.decision import Choice
from retrain.core.training.artifact import digest_manifest
from retrain.errors import ConflictError, IntegrityError, NotFoundError, OutageError, RetrainError
from retrain.steps import Operation, force_champion, plan_rollback, refuse_operation, roll_back

AGAIN = replace(LATER, origin=make_origin("cleared"))
FRESH = replace(LATER, origin=make_origin("fresh"), nonce="fresh")


def champion(world: World, timeline: str = "production") -> tuple[int, int]:
    pointer = world.ledger.pointer(MODEL, timeline)
    assert pointer is not None
    return pointer.version, pointer.generation


def actions(world: World) -> list[Action]:
    return [entry.action for entry in world.entries()]


def hold(world: World) -> None:
    """Make version 3, which no decision lets become champion."""
    world.respec(gate=[{"check": "threshold", "metric": "log_loss", "max": 1e-9}])
    assert world.decide(LATEST).choice is Choice.REJECT


# The plan


def test_by_default_a_rollback_goes_to_the_version_before(succeeded: World) -> None:
    plan = succeeded.plan()
    assert (plan.current.version, plan.target.version, plan.done) == (2, 1, False)
    succeeded.retrain(LATEST)
    assert succeeded.plan().target.version == 2


def test_a_rollback_goes_to_the_version_that_is_asked_for(succeeded: World) -> None:
    succeeded.retrain(LATEST)
    plan = succeeded.plan(to=1)
    assert (plan.current.version, plan.target.version) == (3, 1)


def test_a_rollback_to_the_champion_has_nothing_to_do(succeeded: World) -> None:
    before = succeeded.entries()
    assert succeeded.plan(to=2).done
    assert succeeded.roll_back(to=2) == before[-1]
    assert succeeded.entries() == before


def test_a_version_that_was_never_live_is_no_target(succeeded: World) -> None:
    hold(succeeded)
    for version in (3, 9):
        with pytest.raises(
            ConflictError, match=rf"got version {version}.*one of: 1\..*promote churn {version} --force"
        ):
            succeeded.plan(to=version)


def test_a_version_in_quarantine_is_no_target(succeeded: World) -> None:
    succeeded.retrain(LATEST)
    succeeded.roll_back()
    with pytest.raises(ConflictError, match=r"not in quarantine; got version 3.*one of: 1\."):
        succeeded.plan(to=3)


def test_where_no_other_version_was_live_there_is_nothing_to_go_back_to(crowned: World) -> None:
    with pytest.raises(NotFoundError, match="retrain freeze churn"):
        crowned.plan()
    with pytest.raises(ConflictError, match="one of: none"):
        crowned.plan(to=9)


def test_where_there_is_no_champion_there_is_no_rollback(world: World) -> None:
    with pytest.raises(NotFoundError, match="must have a champion on production"):
        world.plan()


def test_a_version_that_was_only_forced_is_no_target(succeeded: World) -> None:
    hold(succeeded)
    succeeded.force(3)
    succeeded.force(2)
    assert succeeded.plan().target.version == 1
    with pytest.raises(ConflictError, match=r"got version 3.*one of: 1\."):
        succeeded.plan(to=3)


# The move


def test_a_rollback_moves_pointer_and_alias_and_quarantines_the_key(succeeded: World) -> None:
    first, second = succeeded.entries()
    entry = succeeded.roll_back()
    assert (entry.action, entry.version, entry.generation, entry.previous_version) == (Action.ROLLBACK, 1, 3, 2)
    assert (entry.key, entry.as_of, entry.decision_id) == (first.key, first.as_of, first.decision_id)
    assert (entry.actor, entry.reason) == ("someone", "because")
    assert champion(succeeded) == (1, 3)
    assert succeeded.alias() == 1
    assert list(succeeded.ledger.standing(MODEL, "production").quarantined) == [second.key]
    assert succeeded.verify() == 3


def test_a_rollback_said_twice_goes_back_once(succeeded: World) -> None:
    succeeded.retrain(LATEST)
    plan = succeeded.plan()
    entry = succeeded.roll_back(plan=plan)
    assert succeeded.roll_back(plan=plan) == entry
    assert succeeded.roll_back() == entry
    assert champion(succeeded) == (2, 4)
    assert actions(succeeded).count(Action.ROLLBACK) == 1


def test_the_target_is_loaded_and_scores_the_holdout_of_its_own_decision(
    succeeded: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    smoke_test, scored = succeeded.smoke_test, []
    monkeypatch.setattr(succeeded, "smoke_test", lambda *about: scored.append((about[2], smoke_test(*about))))
    succeeded.roll_back()
    first = succeeded.ledger.decision(succeeded.entries()[0].decision_id)
    assert scored == [(succeeded.snapshots.load(first.snapshot), first.holdout_rows)]


def alter(folder: Path) -> None:
    (folder / "MLmodel").write_text("altered")


@pytest.mark.parametrize(
    ("harm", "error", "message"),
    [
        (alter, IntegrityError, "must have the manifest digest"),
        (shutil.rmtree, NotFoundError, "version 1 of churn must exist"),
    ],
)
def test_a_target_that_is_not_what_was_made_is_refused(
    succeeded: World, harm: Callable[[Path], None], error: type[RetrainError], message: str
) -> None:
    harm(succeeded.artifact(1))
    for _ in range(2):
        with pytest.raises(error, match=message):
            succeeded.roll_back()
    assert_refused(succeeded, version=1, why=message)


def test_a_target_that_does_not_load_is_refused(succeeded: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def unfit(*_: object) -> int:
        raise IntegrityError("a version must load", got="BadZipFile", fix="Choose another.")

    monkeypatch.setattr(succeeded, "smoke_test", unfit)
    with pytest.raises(IntegrityError, match="must load"):
        succeeded.roll_back()
    assert_refused(succeeded, version=1, why="must load")


def assert_refused(world: World, *, version: int, why: str) -> None:
    """The last row says why, and nothing else changed since the second promotion."""
    *_, refusal = world.entries()
    assert (refusal.action, refusal.version, refusal.generation) == (Action.REFUSE, version, None)
    assert why in refusal.reason
    assert actions(world) == [Action.PROMOTE, Action.PROMOTE, Action.REFUSE]
    assert champion(world) == (2, 2)
    assert world.alias() == 2
    assert not world.ledger.standing(MODEL, "production").quarantined


def test_a_promotion_since_the_plan_is_a_conflict_and_a_refusal(succeeded: World) -> None:
    plan = succeeded.plan()
    winner = succeeded.retrain(LATEST)
    with pytest.raises(ConflictError, match=r"must be at generation 2 .*got version 3 \(generation 3"):
        succeeded.roll_back(plan=plan)
    assert actions(succeeded)[2:] == [Action.PROMOTE, Action.REFUSE]
    assert succeeded.ledger.pointer(MODEL, "production") == winner.to_pointer()
    assert succeeded.alias() == 3


def test_a_rollback_of_a_simulation_leaves_the_alias_alone(succeeded: World) -> None:
    for request in (make_request(), LATER):
        succeeded.retrain(
            replace(request, timeline="simulation-1", origin=make_origin(f"{request.origin.run_id}_simulation"))
        )
    assert champion(succeeded, "simulation-1") == (2, 2)
    assert succeeded.roll_back(timeline="simulation-1").timeline == "simulation-1"
    assert champion(succeeded, "simulation-1") == (1, 3)
    assert champion(succeeded) == (2, 2)
    assert succeeded.alias() == 2
    assert not succeeded.ledger.standing(MODEL, "production").quarantined


# After a rollback


def test_the_same_retrain_again_does_not_bring_the_bad_key_back(succeeded: World) -> None:
    _, second = succeeded.entries()
    back = succeeded.roll_back()
    for request in (LATER, AGAIN):
        decision = succeeded.decide(request)
        assert decision.id == second.decision_id
        assert succeeded.promote(request, decision) == second
    assert succeeded.entries()[-1] == back
    assert champion(succeeded) == (1, 3)
    assert succeeded.alias() == 1


def test_a_bad_key_that_no_decision_promoted_is_held_with_the_reason(succeeded: World) -> None:
    hold(succeeded)
    succeeded.force(3)
    succeeded.roll_back()
    succeeded.respec(gate=[{"check": "threshold", "metric": "roc_auc", "min": 0.0}])
    decision = succeeded.decide(LATEST)
    assert decision.choice is Choice.HOLD
    assert decision.reason.startswith("this model is in quarantine: someone rolled back from it on ")
    assert "(because); retrain on later data" in decision.reason
    assert champion(succeeded) == (2, 4)


def test_a_decision_from_before_the_rollback_is_refused(succeeded: World) -> None:
    slow = succeeded.decide(LATEST)
    succeeded.roll_back()
    with pytest.raises(ConflictError, match=r"must be at generation 2 .*got version 1 \(generation 3"):
        succeeded.promote(LATEST, slow)
    assert champion(succeeded) == (1, 3)


def test_a_fresh_nonce_makes_a_challenger_that_may_be_promoted(succeeded: World) -> None:
    succeeded.roll_back()
    entry = succeeded.retrain(FRESH)
    assert (entry.action, entry.version, entry.generation) == (Action.PROMOTE, 3, 4)
    assert succeeded.alias() == 3


def test_after_a_rollback_and_a_promotion_the_bad_version_is_still_no_target(succeeded: World) -> None:
    succeeded.roll_back()
    succeeded.retrain(FRESH)
    assert succeeded.plan().target.version == 1


# Break-glass


def test_a_forced_version_is_champion_for_a_while(succeeded: World) -> None:
    hold(succeeded)
    (decision,) = (d for d in succeeded.ledger.decisions(MODEL, "production") if d.choice is Choice.REJECT)
    entry = succeeded.force(3, days=2)
    assert (entry.action, entry.version, entry.generation) == (Action.FORCE, 3, 3)
    assert entry.expires_at == entry.at + timedelta(days=2)
    assert (entry.as_of, entry.decision_id, entry.actor) == (decision.as_of, decision.id, "someone")
    assert succeeded.alias() == 3


def test_a_version_that_is_gone_cannot_be_forced(succeeded: World) -> None:
    before = succeeded.entries()
    with pytest.raises(NotFoundError, match="version 9 of churn must exist"):
        succeeded.force(9)
    *rest, refusal = succeeded.entries()
    assert (rest, refusal.action, refusal.version) == (before, Action.REFUSE, 9)


def test_the_champion_cannot_be_forced(succeeded: World) -> None:
    with pytest.raises(ConflictError, match="must not be champion already"):
        succeeded.force(2)


@pytest.mark.parametrize("origin", [make_origin("r1"), None], ids=["the same DAG run", "the command"])
def test_a_force_that_died_before_the_alias_followed_ends_with_the_alias_when_repeated(
    succeeded: World, monkeypatch: pytest.MonkeyPatch, origin: Origin | None
) -> None:
    operation = Operation(succeeded.spec, "production", "someone", "an incident", origin)

    def force() -> Any:
        return force_champion(1, operation, succeeded, lifetime=timedelta(days=1))

    monkeypatch.setenv("RETRAIN_FAILPOINT", "pointer_moved:raise")
    with pytest.raises(OutageError):
        force()
    monkeypatch.delenv("RETRAIN_FAILPOINT")
    assert succeeded.alias() == 2
    if origin is None:
        with pytest.raises(ConflictError, match="must not be champion already"):
            force()
    else:
        assert force() == succeeded.entries()[-1]
    assert succeeded.alias() == 1


def test_an_altered_version_is_not_forced(succeeded: World) -> None:
    alter(succeeded.artifact(1))
    with pytest.raises(IntegrityError, match="manifest digest"):
        succeeded.force(1)
    assert_refused(succeeded, version=1, why="manifest digest")


def test_a_forced_version_needs_a_time_to_live(succeeded: World) -> None:
    with pytest.raises(ConflictError, match="must have a time to live"):
        succeeded.force(1, days=0)
    assert_refused(succeeded, version=1, why="time to live")


def test_forcing_a_version_lifts_its_quarantine(succeeded: World) -> None:
    first, second = succeeded.entries()
    succeeded.roll_back()
    entry = succeeded.force(2)
    assert (entry.key, entry.decision_id, entry.as_of) == (second.key, second.decision_id, second.as_of)
    assert not succeeded.ledger.standing(MODEL, "production").quarantined
    assert succeeded.plan().target.key == first.key


def test_a_version_without_a_decision_here_may_be_followed_by_any_challenger(succeeded: World) -> None:
    entry = succeeded.force(1, timeline="simulation-1")
    assert (entry.generation, entry.decision_id, entry.as_of.year) == (1, "", 1970)
    assert succeeded.alias() == 2


def test_a_version_that_no_decision_tells_about_is_not_followed_by_what_knows_less_than_its_predecessor(
    succeeded: World,
) -> None:
    second = succeeded.entries()[-1]
    succeeded.train(replace(LATEST, timeline="elsewhere"))
    entry = succeeded.force(3)
    assert (entry.decision_id, entry.as_of) == ("", second.as_of)
    early = make_request(as_of=AS_OF - timedelta(days=10), origin=make_origin("early"))
    assert succeeded.decide(early).reason.startswith("superseded")
    at_first = succeeded.ledger.champion_as_of(MODEL, "production", AS_OF)
    assert at_first is not None
    assert at_first.version == 1


@pytest.mark.parametrize("decided_on", ["production", "simulation-1"])
def test_a_version_that_was_forged_in_the_registry_is_not_forced(world: World, decided_on: str) -> None:
    world.respec(**NOT_WORSE)
    for request in (make_request(), LATER):
        world.retrain(replace(request, timeline=decided_on))
    folder = world.artifact(1)
    alter(folder)
    record = folder.parent / "version.json"
    forged = json.loads(record.read_text()) | {"manifest_digest": digest_manifest(folder)}
    record.write_text(json.dumps(forged))
    for _ in range(2):
        with pytest.raises(IntegrityError, match="must be in the registry as it is in the ledger"):
            world.force(1)
    refusal = world.entries()[-1]
    assert (refusal.action, refusal.manifest_digest) == (Action.REFUSE, forged["manifest_digest"])
    assert Action.FORCE not in actions(world)


# Freeze


def test_freezing_and_lifting_move_nothing_and_freezing_twice_is_one_row(succeeded: World) -> None:
    frozen = succeeded.freeze()
    assert succeeded.freeze() == frozen
    lifted = succeeded.freeze(lift=True)
    assert [(entry.action, entry.version, entry.generation) for entry in (frozen, lifted)] == [
        (Action.FREEZE, 2, None),
        (Action.UNFREEZE, 2, None),
    ]
    assert succeeded.freeze().seq == lifted.seq + 1
    assert champion(succeeded) == (2, 2)
    assert succeeded.verify() == 5


def test_what_is_not_frozen_cannot_be_lifted(succeeded: World) -> None:
    with pytest.raises(NotFoundError, match=r"must be frozen on production; got no freeze"):
        succeeded.freeze(lift=True)


def test_a_frozen_model_is_held_until_it_is_lifted(succeeded: World) -> None:
    frozen: LedgerEntry = succeeded.freeze()
    decision = succeeded.decide(LATEST)
    assert decision.choice is Choice.HOLD
    assert decision.reason == (
        f"someone froze promotions on {frozen.at:%Y-%m-%d %H:%M} (because); "
        "run `retrain unfreeze` to allow promotions again"
    )
    succeeded.freeze(lift=True)
    assert succeeded.retrain(LATEST).version == 3


def test_a_decision_from_before_the_freeze_is_refused(succeeded: World) -> None:
    decision = succeeded.decide(LATEST)
    succeeded.freeze()
    with pytest.raises(ConflictError, match="must not be blocked; got someone froze"):
        succeeded.promote(LATEST, decision)
    assert actions(succeeded)[2:] == [Action.FREEZE, Action.REFUSE]
    assert champion(succeeded) == (2, 2)


def test_a_frozen_model_can_still_be_rolled_back(succeeded: World) -> None:
    succeeded.freeze()
    assert succeeded.roll_back().version == 1


def test_a_model_without_a_champion_can_be_frozen(world: World) -> None:
    world.freeze()
    assert world.decide().choice is Choice.HOLD


# Asked again by the same run


def _operation(world: World, run_id: str) -> Operation:
    return Operation(world.spec, PRODUCTION, "someone", "because", make_origin(run_id, dag_id="retrain_rollback"))


def _as_run(world: World, run_id: str, to: int | None = None) -> LedgerEntry:
    operation = _operation(world, run_id)
    plan = plan_rollback(operation, to=to, ledger=world.ledger)
    return roll_back(plan, operation, world)


def test_a_cleared_run_does_not_roll_back_the_champion_of_today(succeeded: World) -> None:
    back = _as_run(succeeded, "monday")
    succeeded.force(2)
    today = succeeded.entries()[-1]
    assert _as_run(succeeded, "monday") == back
    assert succeeded.entries()[-1] == today
    assert succeeded.alias() == today.version


def test_another_run_counts_anew(succeeded: World) -> None:
    _as_run(succeeded, "monday")
    succeeded.force(2)
    assert _as_run(succeeded, "tuesday", to=1).generation == 5


def test_a_cleared_run_does_not_force_again(succeeded: World) -> None:
    lifetime = timedelta(days=1)
    forced = force_champion(1, _operation(succeeded, "retrain_force/monday"), succeeded, lifetime=lifetime)
    succeeded.force(2)
    today = succeeded.entries()[-1]
    again = force_champion(1, _operation(succeeded, "retrain_force/monday"), succeeded, lifetime=lifetime)
    assert again == forced
    assert succeeded.entries()[-1] == today


def test_an_operation_that_never_came_to_a_move_is_a_refusal_all_the_same(succeeded: World) -> None:
    before = champion(succeeded)
    refuse_operation(_operation(succeeded, ""), 9, "never live", ledger=succeeded.ledger)
    with pytest.raises(NotFoundError, match="version 77"):
        succeeded.force(77)
    refused = succeeded.entries()[-2:]
    assert [(entry.action, entry.version, entry.generation) for entry in refused] == [
        (Action.REFUSE, 9, None),
        (Action.REFUSE, 77, None),
    ]
    assert refused[0].reason == "because: never live"
    assert champion(succeeded) == before

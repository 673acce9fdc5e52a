from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from tests.builders import LATER, LATEST, MODEL, NOT_WORSE, World, make_spec
from upath import UPath

from retrain.adapters.head_folder import HeadFolder
from retrain.core.ledger.entries import Action, Move
from retrain.core.policy.decision import Choice
from retrain.core.training.artifact import digest_manifest
from retrain.errors import IntegrityError, NotFoundError, OutageError, RetrainError
from retrain.steps import Finding, Trouble, reconcile_all

ADOPT = {"promotion": {"out_of_band": "adopt"}}
STRICT = {"gate": [{"check": "threshold", "metric": "log_loss", "max": 1e-9}]}


def alter(folder: Path) -> None:
    (folder / "MLmodel").write_text("altered")


def found_once(world: World) -> Finding:
    """Reconcile, and see that a second time nothing is left to find or to do."""
    finding: Finding
    (finding,) = world.reconcile()
    before = world.entries()
    assert world.reconcile() == []
    assert world.entries() == before
    assert world.verify() == len(before)
    return finding


def set_alias(world: World, version: int | None) -> None:
    if version is None:
        (world.root / "registry" / "models" / MODEL / "aliases.json").write_text("{}")
    else:
        world.registry.set_alias(MODEL, "champion", version)


def pass_time(world: World, monkeypatch: pytest.MonkeyPatch, **length: float) -> None:
    monkeypatch.setattr(world.ledger, "now", lambda: datetime.now(UTC) + timedelta(**length))


@pytest.fixture
def three(succeeded: World) -> World:
    """A world with three champions one after the other."""
    succeeded.retrain(LATEST)
    return succeeded


@pytest.fixture
def rejected(succeeded: World) -> World:
    """A world with two champions and a third version that was rejected."""
    succeeded.respec(**STRICT)
    assert succeeded.decide(LATEST).choice is Choice.REJECT
    return succeeded


# The alias


def test_where_all_is_in_line_nothing_is_found(succeeded: World) -> None:
    assert succeeded.reconcile() == []


def test_a_model_without_a_champion_is_left_alone(world: World) -> None:
    set_alias(world, 7)
    assert world.reconcile() == []
    assert world.alias() == 7


@pytest.mark.parametrize("policy", ["repair", "adopt"])
def test_an_alias_that_is_one_move_behind_is_fixed_without_an_alarm(succeeded: World, policy: str) -> None:
    succeeded.respec(promotion={"out_of_band": policy})
    set_alias(succeeded, 1)
    finding = found_once(succeeded)
    assert (finding.trouble, finding.alarming) == (Trouble.ALIAS_BEHIND, False)
    assert succeeded.alias() == 2


def test_an_alias_that_names_the_version_before_long_after_the_move_was_moved_by_hand(
    succeeded: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    succeeded.respec(**ADOPT)
    set_alias(succeeded, 1)
    pass_time(succeeded, monkeypatch, hours=1.1)
    finding = found_once(succeeded)
    assert (finding.trouble, finding.alarming, finding.done) == (
        Trouble.ALIAS_MOVED,
        True,
        "champion names version 2 again",
    )
    assert succeeded.alias() == 2


def test_an_alias_that_was_never_set_is_fixed_without_an_alarm(crowned: World) -> None:
    set_alias(crowned, None)
    finding = found_once(crowned)
    assert str(finding) == (
        "churn: alias behind: champion names nothing, the pointer version 1; champion names version 1 again"
    )
    assert (finding.alarming, crowned.alias()) == (False, 1)


@pytest.mark.parametrize(
    ("alias", "policy", "detail"),
    [
        (7, "repair", "champion names version 7, the pointer version 2"),
        (None, "repair", "champion names nothing, the pointer version 2"),
        (None, "adopt", "champion names nothing, the pointer version 2"),
    ],
)
def test_an_alias_that_was_moved_or_deleted_by_hand_is_put_back(
    succeeded: World, alias: int | None, policy: str, detail: str
) -> None:
    succeeded.respec(promotion={"out_of_band": policy})
    set_alias(succeeded, alias)
    finding = found_once(succeeded)
    assert (finding.trouble, finding.alarming) == (Trouble.ALIAS_MOVED, True)
    assert (finding.detail, finding.done) == (detail, "champion names version 2 again")
    assert succeeded.alias() == 2
    assert len(succeeded.entries()) == 2


def test_a_champion_whose_key_was_edited_in_the_registry_gets_no_alias(succeeded: World) -> None:
    path = succeeded.artifact(2).parent / "version.json"
    path.write_text(path.read_text().replace(succeeded.entries()[-1].key, "f" * 64))
    set_alias(succeeded, 7)
    (finding,) = succeeded.reconcile()
    assert (finding.trouble, finding.alarming) == (Trouble.ALIAS_MOVED, True)
    assert finding.done == "the alias cannot follow: another model under that number"
    assert succeeded.alias() == 7


def test_another_alias_than_champion_is_the_one_that_is_fixed(succeeded: World) -> None:
    succeeded.respec(promotion={"alias": "live"})
    assert succeeded.reconcile()[0].done == "live names version 2 again"
    assert succeeded.registry.alias_version(MODEL, "live") == 2


# Adoption


@pytest.fixture
def passed(succeeded: World) -> World:
    """A world with two champions and a third version that passed its gate and was not promoted."""
    assert succeeded.decide(LATEST).choice is Choice.PROMOTE
    return succeeded


def test_a_version_that_a_decision_promotes_is_adopted(passed: World) -> None:
    passed.respec(**ADOPT)
    set_alias(passed, 3)
    finding = found_once(passed)
    assert (finding.trouble, finding.alarming, finding.done) == (Trouble.ALIAS_MOVED, True, "adopted version 3")
    entry = passed.entries()[-1]
    assert (entry.action, entry.version, entry.generation, entry.actor) == (Action.ADOPT, 3, 3, "reconciler")
    assert entry.decision_id == passed.ledger.decisions(MODEL, "production")[-1].id
    assert passed.alias() == 3


def test_a_former_champion_is_adopted(three: World) -> None:
    three.respec(**ADOPT)
    set_alias(three, 1)
    assert found_once(three).done == "adopted version 1"
    first, *_, entry = three.entries()
    assert (entry.as_of, entry.key, entry.decision_id) == (first.as_of, first.key, first.decision_id)


NEVER_PROMOTED = "which cannot be adopted (no decision on production promotes it, and it was never champion there)"


def assert_not_adopted(world: World, alias: int, why: str) -> None:
    champion = world.ledger.pointer(MODEL, "production")
    world.respec(**ADOPT)
    set_alias(world, alias)
    finding = found_once(world)
    assert finding.trouble is Trouble.ALIAS_MOVED
    assert why in finding.detail
    assert world.ledger.pointer(MODEL, "production") == champion
    assert champion is not None
    assert world.alias() == champion.version


def test_a_foreign_version_is_not_adopted(succeeded: World) -> None:
    assert_not_adopted(succeeded, 7, "which cannot be adopted (no retrain made it)")


def test_a_version_that_cannot_be_what_a_retrain_made_is_not_adopted(
    succeeded: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    find_version = succeeded.registry.find_version

    def refuse_7(model: str, version: int) -> Any:
        if version == 7:
            raise IntegrityError("version 7 must be a finished model", got="a foreign source", fix="Do not promote it.")
        return find_version(model, version)

    monkeypatch.setattr(succeeded.registry, "find_version", refuse_7)
    assert_not_adopted(succeeded, 7, "which cannot be adopted (a foreign source)")


def test_a_version_in_quarantine_is_not_adopted(three: World) -> None:
    three.roll_back()
    three.force(1)
    assert_not_adopted(three, 3, "which cannot be adopted (this model is in quarantine: someone rolled back")


def test_nothing_is_adopted_while_frozen(passed: World) -> None:
    passed.freeze()
    assert_not_adopted(passed, 3, "which cannot be adopted (someone froze promotions")


def test_a_version_without_a_decision_on_production_is_not_adopted(succeeded: World) -> None:
    succeeded.decide(replace(LATEST, timeline="simulation-1"))
    assert_not_adopted(succeeded, 3, NEVER_PROMOTED)


@pytest.mark.parametrize("forced_before", [False, True])
def test_a_rejected_version_is_not_adopted_even_if_it_was_forced(rejected: World, forced_before: bool) -> None:
    if forced_before:
        rejected.force(3)
        rejected.roll_back(to=1)
        rejected.force(3)  # which releases its key from quarantine
        rejected.force(1)
        rejected.force(2)
    assert_not_adopted(rejected, 3, "which cannot be adopted (")


def test_an_altered_version_is_not_adopted(passed: World) -> None:
    alter(passed.artifact(3))
    assert_not_adopted(passed, 3, "which cannot be adopted (")


def test_a_promotion_while_a_reconcile_looks_is_no_finding(passed: World, monkeypatch: pytest.MonkeyPatch) -> None:
    passed.respec(**ADOPT)
    decision = passed.ledger.decisions(MODEL, "production")[-1]
    read_alias = passed.registry.alias_version

    def promote_first(model: str, alias: str) -> Any:
        monkeypatch.undo()
        passed.promote(LATEST, decision)
        return read_alias(model, alias)

    monkeypatch.setattr(passed.registry, "alias_version", promote_first)
    assert passed.reconcile() == []
    assert (passed.alias(), passed.entries()[-1].action) == (3, Action.PROMOTE)


@pytest.mark.parametrize("version", [1, 3])
def test_a_version_that_was_forged_in_the_registry_is_not_adopted(rejected: World, version: int) -> None:
    rejected.force(3)
    rejected.force(2)
    rejected.force(1 if version == 3 else 3)
    rejected.force(2)
    folder = rejected.artifact(version)
    alter(folder)
    record = folder.parent / "version.json"
    forged = json.loads(record.read_text()) | {"manifest_digest": digest_manifest(folder)}
    record.write_text(json.dumps(forged))
    assert_not_adopted(rejected, version, NEVER_PROMOTED)


# The champion


@pytest.fixture(autouse=True)
def _no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("retrain.steps.reconcile.SECONDS_TO_SECOND_LOOK", 0.0)


@pytest.mark.parametrize(
    "answer",
    [
        NotFoundError("version 3 of churn must exist", got="no such version", fix="Retrain it."),
        IntegrityError("the artifact must have its manifest's digests", got="another size", fix="Do not load it."),
    ],
)
def test_one_bad_answer_deposes_nobody(three: World, monkeypatch: pytest.MonkeyPatch, answer: RetrainError) -> None:
    fetch = three.registry.fetch

    def fail_once(*arguments: Any) -> Any:
        monkeypatch.setattr(three.registry, "fetch", fetch)
        raise answer

    monkeypatch.setattr(three.registry, "fetch", fail_once)
    assert three.reconcile() == []
    assert three.registry.fetch is fetch
    assert (three.alias(), len(three.entries())) == (3, 3)


def test_a_former_champion_that_does_not_score_is_not_returned_to(
    three: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.rmtree(three.artifact(3))
    smoke_test = three.smoke_test

    def fail_for_version_2(spec: Any, folder: Path, snapshot: Any) -> int:
        if digest_manifest(folder) == three.entries()[1].manifest_digest:
            raise IntegrityError("the model must score", got="an error", fix="Retrain it.")
        return smoke_test(spec, folder, snapshot)

    monkeypatch.setattr(three, "smoke_test", fail_for_version_2)
    assert found_once(three).done == "reverted to version 1"


@pytest.mark.parametrize(
    ("harm", "trouble"), [(shutil.rmtree, Trouble.CHAMPION_GONE), (alter, Trouble.CHAMPION_ALTERED)]
)
def test_a_broken_champion_is_left_for_the_last_sound_one(
    three: World, harm: Callable[[Path], None], trouble: Trouble
) -> None:
    harm(three.artifact(3))
    harm(three.artifact(2))
    finding = found_once(three)
    assert (finding.trouble, finding.alarming, finding.done) == (trouble, True, "reverted to version 1")
    entry = three.entries()[-1]
    assert (entry.action, entry.version, entry.generation, entry.actor) == (Action.REVERT, 1, 4, "reconciler")
    assert entry.reason.startswith(f"{trouble.value}: version 3: ")
    assert not three.ledger.standing(MODEL, "production").quarantined
    assert three.alias() == 1


def test_where_no_former_champion_is_sound_the_finding_says_so(succeeded: World) -> None:
    for version in (1, 2):
        alter(succeeded.artifact(version))
    for _ in range(2):
        (finding,) = succeeded.reconcile()
        assert (finding.trouble, finding.done) == (
            Trouble.CHAMPION_ALTERED,
            "no former champion is intact: restore it, or retrain with a nonce and then run "
            "`retrain promote churn VERSION --force`",
        )
    assert len(succeeded.entries()) == 2
    assert succeeded.alias() == 2


def test_the_retrain_of_a_key_whose_artifact_was_lost_promotes_it_again(three: World) -> None:
    lost = three.entries()[-1]
    shutil.rmtree(three.artifact(3).parent)
    assert found_once(three).done == "reverted to version 2"
    again = three.retrain(LATEST)
    assert (again.action, again.key, again.generation) == (Action.PROMOTE, lost.key, 5)
    assert again.idempotency_key != lost.idempotency_key
    assert three.retrain(LATEST) == again  # a second time changes nothing
    assert (three.alias(), three.reconcile()) == (again.version, [])


def test_a_champion_whose_artifact_was_restored_is_promoted_again_by_its_decision(three: World, tmp_path: Path) -> None:
    shutil.copytree(three.artifact(3), tmp_path / "backup")
    alter(three.artifact(3))
    found_once(three)
    shutil.copytree(tmp_path / "backup", three.artifact(3), dirs_exist_ok=True)
    assert three.retrain(LATEST).version == 3
    assert three.alias() == 3


# A registry that was emptied: its numbers start again at 1


@pytest.fixture
def emptied(crowned: World) -> World:
    """A world whose champion, version 1, was deleted with the whole model, and whose version 1 is a rejected one now."""
    crowned.respec(**STRICT)
    shutil.rmtree(crowned.root / "registry" / "models")
    assert crowned.decide(LATER).choice is not Choice.PROMOTE
    return crowned


def test_the_alias_never_goes_to_another_model_with_the_number_of_the_champion(emptied: World) -> None:
    for _ in range(2):
        (finding,) = emptied.reconcile()
        assert finding.trouble is Trouble.CHAMPION_ALTERED
        assert "retrain promote churn VERSION --force" in finding.done
        assert emptied.alias() is None


def test_after_a_registry_was_emptied_a_forced_version_is_the_way_forward(emptied: World) -> None:
    forced = emptied.force(1)
    assert (forced.action, forced.generation, emptied.alias()) == (Action.FORCE, 2, 1)
    assert forced.key != emptied.entries()[0].key
    assert emptied.reconcile() == []
    emptied.respec(**NOT_WORSE)
    assert (emptied.retrain(LATEST).version, emptied.alias()) == (2, 2)


def test_a_frozen_model_still_leaves_a_broken_champion(succeeded: World) -> None:
    succeeded.freeze()
    shutil.rmtree(succeeded.artifact(2))
    assert found_once(succeeded).done == "reverted to version 1"


# A forced version


def test_a_forced_version_stays_until_its_time_is_over(rejected: World, monkeypatch: pytest.MonkeyPatch) -> None:
    rejected.force(3, days=7)
    pass_time(rejected, monkeypatch, days=6.99)
    assert rejected.reconcile() == []
    assert rejected.alias() == 3


def test_an_expired_forced_version_is_reverted(rejected: World, monkeypatch: pytest.MonkeyPatch) -> None:
    forced = rejected.force(3, days=7)
    pass_time(rejected, monkeypatch, days=7.01)
    finding = found_once(rejected)
    assert (finding.trouble, finding.alarming, finding.done) == (Trouble.FORCE_EXPIRED, True, "reverted to version 2")
    assert finding.detail == f"version 3, forced by someone (because), until {forced.expires_at:%Y-%m-%d %H:%M}"
    entry = rejected.entries()[-1]
    assert (entry.action, entry.version, entry.generation, entry.expires_at) == (Action.REVERT, 2, 4, None)
    assert rejected.alias() == 2
    assert not rejected.ledger.standing(MODEL, "production").quarantined


def test_a_revert_never_goes_to_another_forced_version(rejected: World, monkeypatch: pytest.MonkeyPatch) -> None:
    rejected.force(3, days=1)
    rejected.force(1, days=1)
    pass_time(rejected, monkeypatch, days=2)
    assert found_once(rejected).done == "reverted to version 2"


def test_a_forced_version_without_one_before_it_is_reported_and_stays(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.respec(**STRICT)
    world.decide()
    world.force(1, days=1)
    pass_time(world, monkeypatch, days=2)
    assert [finding.done for finding in world.reconcile()] == ["nothing to revert to: promote or force a version"]
    assert world.alias() == 1


def test_a_promotion_ends_the_time_of_a_forced_version(succeeded: World, monkeypatch: pytest.MonkeyPatch) -> None:
    succeeded.force(1, days=1)
    succeeded.retrain(LATEST)
    pass_time(succeeded, monkeypatch, days=2)
    assert succeeded.reconcile() == []
    assert succeeded.alias() == 3


# Errors on the way


def break_alias(world: World, monkeypatch: pytest.MonkeyPatch, model: str) -> None:
    alias_version: Callable[[str, str], int | None] = world.registry.alias_version

    def down(name: str, alias: str) -> int | None:
        if name == model:
            raise OutageError("the MLflow server must answer", got="nothing", fix="Check it.")
        return alias_version(name, alias)

    monkeypatch.setattr(world.registry, "alias_version", down)


def test_an_outage_takes_no_alarm_with_it(three: World, monkeypatch: pytest.MonkeyPatch) -> None:
    alter(three.artifact(3))
    break_alias(three, monkeypatch, MODEL)
    broken, stopped = three.reconcile()
    assert (broken.trouble, broken.alarming, broken.done) == (
        Trouble.CHAMPION_ALTERED,
        True,
        "reverted to version 2",
    )
    assert (stopped.trouble, stopped.alarming) == (Trouble.NOT_RECONCILED, False)
    with pytest.raises(OutageError, match="the MLflow server must answer"):
        three.reconcile()
    monkeypatch.undo()
    assert found_once(three).trouble is Trouble.ALIAS_BEHIND
    assert three.alias() == 2


def test_a_model_that_cannot_be_reconciled_keeps_no_other_from_it(
    succeeded: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = make_spec(succeeded.root, model="other")
    succeeded.ledger.append(_force_first(succeeded, "other"))
    shutil.copytree(succeeded.artifact(1).parents[1], succeeded.artifact(1).parents[2] / "other")
    break_alias(succeeded, monkeypatch, "other")
    set_alias(succeeded, 7)
    findings = reconcile_all([other, succeeded.spec], succeeded, actor="reconciler")
    assert [(finding.model, finding.trouble) for finding in findings] == [
        ("other", Trouble.NOT_RECONCILED),
        (MODEL, Trouble.ALIAS_MOVED),
    ]
    assert succeeded.alias() == 2


def _force_first(world: World, model: str) -> Move:
    """Return the move that forces the first version of the world for another model."""
    first = world.entries()[0]
    names = ("timeline", "version", "manifest_digest", "as_of", "key")
    facts = {name: getattr(first, name) for name in names}
    return Move(Action.FORCE, model, **facts, expected_generation=0, idempotency_key=model, lifetime=timedelta(days=7))


# The ledger


def tamper(world: World, seq: int) -> None:
    entries = world.ledger.entries()
    entries[seq - 1] = replace(entries[seq - 1], manifest_digest="0" * 64)
    world.ledger = world.ledger.copy(entries=entries)


def test_a_ledger_that_was_rewritten_as_a_whole_shows_by_its_kept_head(succeeded: World) -> None:
    heads = HeadFolder(UPath(succeeded.root / "heads"))
    specs = [succeeded.spec]
    assert reconcile_all(specs, succeeded, actor="reconciler", heads=heads) == []
    assert heads.last() == succeeded.ledger.verify()
    succeeded.freeze()
    assert reconcile_all(specs, succeeded, actor="reconciler", heads=heads) == []
    entries = succeeded.ledger.entries()[:-1]
    succeeded.ledger = succeeded.ledger.copy(entries=entries)
    (finding,) = reconcile_all(specs, succeeded, actor="reconciler", heads=heads)
    assert (finding.trouble, finding.alarming) == (Trouble.LEDGER_ALTERED, True)


def test_an_altered_ledger_freezes_every_model_and_fixes_nothing(succeeded: World) -> None:
    other = make_spec(succeeded.root, model="other")
    simulated = succeeded.retrain(replace(LATEST, timeline="simulation-1"))
    succeeded.freeze()
    succeeded.freeze(lift=True)
    tamper(succeeded, simulated.seq)
    set_alias(succeeded, 7)
    for _ in range(2):
        findings = reconcile_all([succeeded.spec, other], succeeded, actor="reconciler")
        assert [(finding.model, finding.trouble, finding.alarming, finding.done) for finding in findings] == [
            (MODEL, Trouble.LEDGER_ALTERED, True, "frozen until `retrain unfreeze churn`"),
            ("other", Trouble.LEDGER_ALTERED, True, "frozen until `retrain unfreeze other`"),
        ]
        assert f"entry {simulated.seq}" in findings[0].detail
    assert [entry.action for entry in succeeded.entries()[-2:]] == [Action.FREEZE, Action.FREEZE]
    assert succeeded.alias() == 7
    assert succeeded.decide(LATEST).choice is Choice.HOLD


@pytest.mark.parametrize("seq", [1, 2])
def test_an_altered_move_of_the_model_itself_stops_every_move(succeeded: World, seq: int) -> None:
    tamper(succeeded, seq)
    before = succeeded.entries()
    (finding,) = succeeded.reconcile()
    assert (finding.trouble, finding.done) == (
        Trouble.LEDGER_ALTERED,
        "no move is possible until it is explained",
    )
    assert succeeded.entries() == before

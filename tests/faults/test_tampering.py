"""Somebody alters an artifact, a registry entry or a ledger row."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest
from sqlalchemy import URL, create_engine
from sqlalchemy.pool import NullPool
from tests.builders import World, make_origin, make_request
from tests.faults.stage import Stage, check_invariants
from tests.servers import MlflowServer

from retrain.adapters.mlflow_registry import KEY_TAG, MANIFEST_TAG
from retrain.core.ledger.entries import Action
from retrain.core.policy.decision import Challenger
from retrain.errors import ConflictError, IntegrityError, NotFoundError
from retrain.steps import Trouble, reconcile_all

pytestmark = pytest.mark.live


def check(stage: Stage) -> None:
    check_invariants(stage.spec, stage)


@pytest.fixture
def artifact(stage: Stage, mlflow_server: MlflowServer) -> Callable[[int], Path]:
    """Return the folder on the server that holds the artifact of a version."""

    def find(version: int) -> Path:
        made = stage.registry.find_version(stage.model, version)
        assert made is not None
        run = stage.registry.client.get_run(made.run_id)
        return mlflow_server.artifact(run.info.experiment_id, made.model_id)

    return find


# Artifacts


def flip_a_bit(model: Path) -> None:
    path = model / "model.skops"
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def bring_code(model: Path) -> None:
    (model / "code").mkdir()
    (model / "code" / "canary.py").write_text("open('{}', 'w')\n_load_pyfunc = print\n".format(model.parent / "canary"))
    text = (
        (model / "MLmodel")
        .read_text()
        .replace("loader_module: mlflow.sklearn", "loader_module: canary\n    code: code")
    )
    assert "canary" in text
    (model / "MLmodel").write_text(text)


def widen_the_trust_list(model: Path) -> None:
    text = (model / "MLmodel").read_text()
    assert "skops_trusted_types" in text
    (model / "MLmodel").write_text(text.replace("skops_trusted_types:", "skops_trusted_types:\n    - os.system"))


def swap_in_a_pickle(model: Path) -> None:
    canary = model.parent / "canary"
    (model / "model.skops").write_bytes(b"cos\nsystem\n(S'touch " + str(canary).encode() + b"'\ntR.")


@pytest.mark.parametrize("poison", [flip_a_bit, bring_code, widen_the_trust_list, swap_in_a_pickle])
def test_a_poisoned_artifact_is_refused_before_anything_in_it_runs(
    succeeded: World, poison: Callable[[Path], None]
) -> None:
    for version in (1, 2):
        poison(succeeded.artifact(version))
    later = make_request(as_of=make_request().as_of.replace(day=25), origin=make_origin("third"))
    with pytest.raises(IntegrityError, match="manifest digest"):
        succeeded.roll_back(1)
    decision = succeeded.decide(later)  # the champion cannot be met
    assert decision.choice.value == "HOLD"
    poison(succeeded.artifact(3))
    with pytest.raises(IntegrityError, match="manifest digest"):
        succeeded.force(3)
    assert Trouble.CHAMPION_ALTERED in [finding.trouble for finding in succeeded.reconcile()]
    assert succeeded.alias() == 2
    assert list(succeeded.root.rglob("canary")) == []


@pytest.mark.parametrize("poison", [bring_code, swap_in_a_pickle])
def test_what_an_artifact_asks_to_run_is_not_run_even_if_its_digest_was_not_checked(
    crowned: World, poison: Callable[[Path], None]
) -> None:
    folder = crowned.artifact(1)
    poison(folder)
    with suppress(IntegrityError):
        crowned.trainer.load(folder)
    assert list(crowned.root.rglob("canary")) == []


def test_an_altered_challenger_is_not_promoted(stage: Stage, artifact: Callable[[int], Path]) -> None:
    stage.crown(1)
    decision = stage.decide(2)
    (artifact(2) / "MLmodel").write_text("number: 3\n")
    with pytest.raises(IntegrityError, match="manifest digest"):
        stage.promote(decision)
    assert (stage.champion, stage.alias) == (1, 1)
    assert [entry.action for entry in stage.entries()] == [Action.PROMOTE, Action.REFUSE]
    check(stage)


def test_an_altered_champion_gives_way_to_the_last_good_one(stage: Stage, artifact: Callable[[int], Path]) -> None:
    stage.crown(1, 2)
    (artifact(2) / "more").write_text("what nobody made")
    [finding] = stage.reconcile()
    assert (finding.trouble, finding.done) == (Trouble.CHAMPION_ALTERED, "reverted to version 1")
    check(stage)


def test_a_champion_whose_artifact_is_gone_gives_way_to_the_last_good_one(
    stage: Stage, artifact: Callable[[int], Path]
) -> None:
    stage.crown(1, 2)
    shutil.rmtree(artifact(2))
    [finding] = stage.reconcile()
    assert (finding.trouble, finding.done) == (Trouble.CHAMPION_GONE, "reverted to version 1")
    check(stage)


def test_a_failed_model_that_was_registered_all_the_same_is_refused(stage: Stage) -> None:
    stage.crown(1)
    made, client, tags = stage.publish(2), stage.registry.client, {KEY_TAG: stage.key(3), MANIFEST_TAG: "f" * 64}
    run = client.get_run(made.run_id)
    failed = client.create_logged_model(run.info.experiment_id, name=stage.model, source_run_id=made.run_id, tags=tags)
    client.finalize_logged_model(failed.model_id, "FAILED")
    source = f"models:/{failed.model_id}"
    version = client.create_model_version(stage.model, source, made.run_id, tags, model_id=failed.model_id)
    assert version.status == "READY"  # so says MLflow
    challenger = Challenger(stage.key(3), int(version.version), made.run_id, failed.model_id, "f" * 64)
    with pytest.raises(IntegrityError, match="must be a finished model"):
        stage.promote(stage.decide(3, challenger))
    with pytest.raises(IntegrityError, match="must be a finished model"):
        stage.force(challenger.version)
    assert (stage.champion, stage.alias) == (1, 1)
    check(stage)


@pytest.mark.parametrize(
    ("harm", "error"),
    [
        (shutil.rmtree, (NotFoundError, IntegrityError)),
        (lambda path: (path / "MLmodel").write_text("x"), IntegrityError),
    ],
    ids=["gone", "altered"],
)
def test_no_rollback_goes_to_a_version_that_is_gone_or_altered(
    stage: Stage,
    artifact: Callable[[int], Path],
    harm: Callable[[Path], None],
    error: type[Exception],
) -> None:
    stage.crown(1, 2)
    harm(artifact(1))
    for _ in range(2):
        with pytest.raises(error, match="must"):
            stage.roll_back()
    assert (stage.champion, stage.alias) == (2, 2)
    assert [entry.action for entry in stage.entries()] == [Action.PROMOTE, Action.PROMOTE, Action.REFUSE]
    check(stage)


def test_a_rollback_to_a_version_deleted_from_the_registry_is_refused(stage: Stage) -> None:
    stage.crown(1, 2)
    stage.registry.client.delete_model_version(stage.model, "1")
    with pytest.raises(NotFoundError, match="must exist in MLflow"):
        stage.roll_back()
    assert (stage.champion, stage.alias) == (2, 2)
    check(stage)


def test_a_rollback_asked_twice_is_one_row(stage: Stage) -> None:
    stage.crown(1, 2)
    plan = stage.plan()
    rows = {stage.roll_back(plan=plan).seq, stage.roll_back(plan=plan).seq, stage.roll_back().seq}
    assert len(rows) == len(stage.entries(Action.ROLLBACK)) == 1
    assert stage.champion == stage.alias == 1
    stage.promote(stage.decide(2))  # the promotion that was, and no other
    assert stage.champion == stage.alias == 1
    check(stage)


def test_what_a_rollback_left_is_not_promoted(stage: Stage) -> None:
    stage.crown(1)
    stage.publish(2)
    stage.force(2)
    stage.roll_back(to=1)
    with pytest.raises(ConflictError, match="in quarantine: someone rolled back"):
        stage.promote(stage.decide(2))
    assert stage.champion == stage.alias == 1
    check(stage)


def test_what_is_frozen_is_not_promoted_but_can_be_rolled_back(stage: Stage) -> None:
    stage.crown(1, 2)
    decision = stage.decide(3)
    stage.freeze()
    with pytest.raises(ConflictError, match="someone froze promotions"):
        stage.promote(decision)
    assert stage.roll_back().version == 1
    stage.unfreeze()
    assert stage.crown(4).generation == 4
    check(stage)


# The ledger


EDITS = {
    "row": "UPDATE ledger SET actor = 'nobody' WHERE seq = 1",
    "gone": "DELETE FROM ledger WHERE seq = 1",
    "pointer": "UPDATE pointer SET version = 1 WHERE model = '{model}'",
}


@pytest.mark.parametrize("edit", EDITS)
def test_an_edited_ledger_stops_promotions_and_is_an_alarm(stage: Stage, database: URL, edit: str) -> None:
    stage.crown(1, 2)
    other = Stage.open(f"{stage.model}-other", stage.registry.client.tracking_uri, database)
    other.crown(1)
    decision, elsewhere = stage.decide(3), other.decide(2)
    with create_engine(database, poolclass=NullPool).begin() as connection:
        connection.exec_driver_sql(EDITS[edit].format(model=stage.model))
    with pytest.raises(IntegrityError, match=r"must be unbroken|must be its last move"):
        stage.ledger.verify()
    if edit != "gone":  # which nothing left in the ledger tells before it is verified
        with pytest.raises(IntegrityError, match=r"an edited entry|must be"):
            stage.promote(decision)
    findings = reconcile_all([stage.spec, other.spec], stage, actor="reconciler")
    altered = [finding for finding in findings if finding.trouble is Trouble.LEDGER_ALTERED]
    assert [(finding.model, finding.alarming) for finding in altered] == [(stage.model, True), (other.model, True)]
    for one, waiting in ((stage, decision), (other, elsewhere)):
        before = one.ledger.pointer(one.model, one.timeline)
        with pytest.raises((ConflictError, IntegrityError), match="must"):
            one.promote(waiting)
        assert one.ledger.pointer(one.model, one.timeline) == before

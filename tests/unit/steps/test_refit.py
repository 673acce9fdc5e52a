"""A version that holds two models: the judged one, and the same recipe fitted on all labelled rows."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from rich.console import Console
from tests.builders import AS_OF, MODEL, NOT_WORSE, World, make_origin, make_request, make_rows

from retrain.cli.tables import print_why
from retrain.core.data.snapshot import Part
from retrain.core.policy.decision import Challenger, Choice
from retrain.core.ports import FittedModel
from retrain.core.training.artifact import digest_manifest
from retrain.errors import DataError, IntegrityError, TrainingError
from retrain.reports.html_scorecard import draw_scorecard
from retrain.steps import Likeness, replay_retrain
from retrain.steps.refit import JUDGED_FOLDER, REFIT_FILE, VersionFiles, fetch_version
from retrain.steps.training import Training

MakeWorld = Callable[..., World]
NEXT = make_request(as_of=AS_OF + timedelta(days=14), origin=make_origin("next"))


@pytest.fixture
def refitted(make_world: MakeWorld) -> World:
    """A world whose versions serve a refit."""
    return make_world(train__refit=True)


def fetch(world: World, made: Challenger, folder: Path) -> VersionFiles:
    folder.mkdir()
    return fetch_version(world.registry, MODEL, made.version, made.manifest_digest, folder)


def fit_on(world: World, part: Part) -> FittedModel:
    rows = world.snapshots.frame(world.snapshot(), part, ["signal", "other", "label"])
    model: FittedModel = world.trainer.fit(world.spec, rows[["signal", "other"]], rows["label"])
    return model


def forge(world: World, made: Challenger) -> None:
    """Write the digest of a version's altered files into the registry."""
    record = world.artifact(made.version).parent / "version.json"
    digest = digest_manifest(world.artifact(made.version))
    record.write_text(json.dumps(json.loads(record.read_text()) | {"manifest_digest": digest}))


def test_a_version_serves_the_refit_and_holds_the_judged_model(refitted: World, tmp_path: Path) -> None:
    made = refitted.train()
    files = fetch(refitted, made, tmp_path / "copy")
    for folder, part in ((files.judged, Part.TRAIN), (files.served, Part.LABELLED)):
        stored, expected = refitted.trainer.load(folder).estimator, fit_on(refitted, part).estimator
        np.testing.assert_array_equal(stored.coef_, expected.coef_)
    served = refitted.trainer.load(refitted.artifact(made.version)).estimator
    np.testing.assert_array_equal(served.coef_, fit_on(refitted, Part.LABELLED).estimator.coef_)


def test_the_version_names_both_models_by_digest_and_their_rows(refitted: World, tmp_path: Path) -> None:
    made, window = refitted.train(), refitted.snapshot().window
    files = fetch(refitted, made, tmp_path / "copy")
    refit = files.refit
    assert refit is not None
    assert (refit.judged, refit.served) == (digest_manifest(files.judged), digest_manifest(files.served))
    assert refit.judged != refit.served
    assert (refit.start, refit.end) == (window.train_start, window.end)
    holdout, gap = 28 * 6, 6
    assert (refit.judged_rows, refit.served_rows) == (540, 540 + gap + holdout)
    assert 0.9 < refit.agreement < 1


def test_without_the_field_a_version_holds_one_model(world: World, tmp_path: Path) -> None:
    made = world.train()
    files = fetch(world, made, tmp_path / "copy")
    assert (files.served, files.refit) == (files.judged, None)
    assert not (world.artifact(made.version) / JUDGED_FOLDER).exists()
    assert "refit" not in world.evidence.evidence(world.decide().scorecard).scorecard.to_json()


def test_a_refit_is_another_key_and_leaving_it_out_is_none(world: World) -> None:
    key, digest = Training.of(world.of(), world.snapshot()).key, world.spec.digest
    world.respec(train__refit=False)
    assert (Training.of(world.of(), world.snapshot()).key, world.spec.digest) == (key, digest)
    world.respec(train__refit=True)
    assert Training.of(world.of(), world.snapshot()).key != key
    assert world.spec.digest != digest


def test_the_gates_judge_the_judged_model(refitted: World) -> None:
    decision = refitted.decide()
    refitted.respec()
    plain = refitted.decide(make_request(origin=make_origin("plain")))
    assert decision.verdicts == plain.verdicts
    card, plain_card = (refitted.evidence.evidence(each.scorecard).scorecard for each in (decision, plain))
    assert card.challenger_metrics == plain_card.challenger_metrics
    assert card.scores == plain_card.scores
    assert card.refit is not None
    assert card.refit.judged_value == card.challenger_metrics["roc_auc"]
    assert card.refit.constant_value == 0.5
    assert card.refit.served_value != card.refit.judged_value


def test_the_page_and_the_card_say_which_model_was_judged(refitted: World, tmp_path: Path) -> None:
    decision = refitted.decide()
    report = refitted.report(decision)
    said = report.scorecard.refit.describe()
    page, card = (path.read_text() for path in draw_scorecard(report, tmp_path))
    assert said in page
    assert said in card
    assert "refit, served" in page
    assert "| refit, served | 2024-03-03 00:00 | 2024-06-30 00:00 | 714 |" in card
    assert "holdout rows that the judged model was not trained on" in card
    console = Console(record=True, width=1000)
    print_why(console, MODEL, 1, [decision], [], {}, "", report.scorecard.refit)
    words = console.export_text()
    assert f"served    {report.scorecard.refit.refit.served}" in words
    assert said in words


def test_promotion_and_alias_name_the_version_that_holds_both(refitted: World) -> None:
    entry = refitted.retrain()
    assert entry.manifest_digest == digest_manifest(refitted.artifact(entry.version))
    assert refitted.alias() == entry.version == 1
    assert refitted.registry.find_version(MODEL, 2) is None
    assert refitted.verify() == 1


def test_a_champion_is_compared_by_its_judged_model_on_rows_that_this_one_has_not_seen(refitted: World) -> None:
    refitted.retrain()
    refitted.respec(train__refit=True, **NOT_WORSE)
    card = refitted.evidence.evidence(refitted.decide(NEXT).scorecard).scorecard
    rows = refitted.snapshots.frame(refitted.snapshot(NEXT), Part.HOLDOUT, ["signal", "other", "at", "label"])
    assert (card.opponent, card.dropped_rows, card.rows) == ("champion", 0, len(rows))
    scores = refitted.evidence.evidence(card.digest).scores.opponent
    expected = refitted.trainer.score(fit_on(refitted, Part.TRAIN), rows)
    np.testing.assert_allclose(scores, expected)


def test_a_second_retrain_replaces_a_refitted_champion(refitted: World) -> None:
    refitted.retrain()
    refitted.respec(train__refit=True, **NOT_WORSE)
    entry = refitted.retrain(NEXT)
    assert (entry.version, entry.generation, refitted.alias()) == (2, 2, 2)
    assert refitted.roll_back().version == 1


def test_versions_are_rated_by_their_judged_models(make_world: MakeWorld) -> None:
    gate = [{"check": "fresh", "metric": "roc_auc", "cluster_by": "day"}]
    measured = []
    for refit in (False, True):
        world = make_world(train__refit=refit, gate=gate)
        world.decide()
        decision = world.decide(NEXT)
        measured.append(world.evidence.evidence(decision.scorecard).scorecard.measurements)
        for name in ("registry", "store"):
            (world.root / name).rename(world.root / f"{name}-{refit}")
    assert measured[0]
    assert measured[0] == measured[1]


def test_a_refit_that_is_another_model_registers_nothing(refitted: World, monkeypatch: pytest.MonkeyPatch) -> None:
    score, fitted = refitted.trainer.score, []
    fit = refitted.trainer.fit

    def remember(*arguments: Any) -> Any:
        fitted.append(fit(*arguments))
        return fitted[-1]

    def reverse(model: FittedModel, rows: Any) -> Any:
        scores = score(model, rows)
        return scores[:, ::-1] if model is fitted[-1] and len(fitted) == 2 else scores

    monkeypatch.setattr(refitted.trainer, "fit", remember)
    monkeypatch.setattr(refitted.trainer, "score", reverse)
    with pytest.raises(TrainingError, match=r"nearer to the judged model.*; got an agreement of -\d\.\d\d"):
        refitted.train()
    assert not (refitted.root / "registry" / "models").exists()


def test_a_refit_that_lost_the_judged_models_lead_is_not_promoted(make_world: MakeWorld) -> None:
    rows = make_rows()
    unjudged = (rows["at"] >= np.datetime64("2024-05-01")) & (rows["at"] < np.datetime64("2024-05-29"))
    rows["label"][unjudged] = 1 - rows["label"][unjudged]  # no gate reads these rows, and the refit learns from them
    world = make_world(
        rows=rows,
        train__refit=True,
        data__label_delay="28d",
        data__window={"train": "40d", "holdout": "5d"},
        data__min_rows=10,
        evaluation={"task": "classification", "primary": "log_loss", "metrics": ["log_loss"]},
        gate=[{"check": "threshold", "metric": "log_loss", "max": 0.65}],
    )
    with pytest.raises(TrainingError, match=r"must keep 90% of the judged model's lead .*; got log_loss 0\.\d+ after"):
        world.decide()
    assert world.ledger.pointer(MODEL, "production") is None
    world.respec(**world.spec.model_dump(mode="json", include={"data", "evaluation", "gate"}))
    assert world.decide().choice is Choice.PROMOTE


def test_rows_that_only_the_refit_reads_are_named_in_its_error(make_world: MakeWorld) -> None:
    rows = make_rows()
    rows["label"] = rows["label"].astype(float)
    rows["label"][rows["at"] == np.datetime64("2024-06-02T12:00")] = np.nan
    world = make_world(rows=rows, train__refit=True)
    with pytest.raises(DataError, match="in the refit on all labelled rows every row must have a label; got 1 rows"):
        world.train()


def test_what_was_refitted_before_is_not_fitted_again(refitted: World, monkeypatch: pytest.MonkeyPatch) -> None:
    first = refitted.train()
    monkeypatch.delattr(type(refitted.trainer), "fit")
    assert refitted.train() == first


def test_a_refit_interrupted_between_its_fits_resumes_in_its_run(
    refitted: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setenv("RETRAIN_FAILPOINT", "judged_fitted:raise")
        with pytest.raises(Exception, match="judged_fitted"):
            refitted.train()
    assert not (refitted.root / "registry" / "models").exists()
    assert refitted.train().version == 1
    assert len(list((refitted.root / "registry" / "runs").iterdir())) == 1


def test_an_altered_judged_model_is_not_judged(refitted: World) -> None:
    snapshot, made = refitted.snapshot(), refitted.train()
    path = refitted.artifact(made.version) / JUDGED_FOLDER / "model.skops"
    path.write_bytes(path.read_bytes()[:-1] + b"x")
    with pytest.raises(IntegrityError, match="manifest digest"):
        refitted.evaluate(make_request(), snapshot, made)


@pytest.mark.parametrize("model", ["", JUDGED_FOLDER])
def test_a_version_found_again_must_hold_the_code_of_its_key_in_both_models(refitted: World, model: str) -> None:
    (refitted.root / "own_of_the_refit.py").write_text(
        "from sklearn.linear_model import LogisticRegression\n\n\ndef build(*, seed):\n    return LogisticRegression()\n"
    )
    refitted.respec(train__refit=True, train__estimator="own_of_the_refit:build")
    made = refitted.train()
    code = refitted.artifact(made.version) / model / "recipe" / "code" / "own_of_the_refit.py"
    code.write_text("raise SystemExit('run')")
    forge(refitted, made)
    with pytest.raises(IntegrityError, match="the models that its key stands for; got other code"):
        refitted.train()


@pytest.mark.parametrize(("refit", "got"), [(True, "one model"), (False, "a refitted model")])
def test_a_version_found_again_must_hold_the_models_of_its_key(
    world: World, monkeypatch: pytest.MonkeyPatch, refit: bool, got: str
) -> None:
    world.respec(train__refit=not refit)
    made = world.train()
    world.respec(train__refit=refit)
    monkeypatch.setattr(world.registry, "find_challenger", lambda *_: made)
    with pytest.raises(IntegrityError, match=f"the models that its key stands for; got {got}"):
        world.train()


@pytest.mark.parametrize(
    "spoil",
    [
        lambda folder: (folder / REFIT_FILE).write_text("{"),
        lambda folder: (folder / REFIT_FILE).write_text('{"judged": "a"}'),
        lambda folder: (folder / JUDGED_FOLDER).rename(folder / "elsewhere"),
    ],
)
def test_a_refit_that_cannot_be_read_is_an_integrity_error(
    refitted: World, tmp_path: Path, spoil: Callable[[Path], object]
) -> None:
    made = refitted.train()
    spoil(refitted.artifact(made.version))
    forged = replace(made, manifest_digest=digest_manifest(refitted.artifact(made.version)))
    with pytest.raises(IntegrityError, match=f"must hold {REFIT_FILE} and the folder {JUDGED_FOLDER}"):
        fetch(refitted, forged, tmp_path / "copy")


@pytest.mark.integration
def test_a_replay_trains_both_models_again(refitted: World, monkeypatch: pytest.MonkeyPatch) -> None:
    decision = refitted.decide()
    found = replay_retrain(refitted.spec, decision, refitted)
    assert (found.likeness, found.first_difference) == (Likeness.BIT_IDENTICAL, "")
    find = refitted.trainer.find_difference
    monkeypatch.setattr(
        refitted.trainer,
        "find_difference",
        lambda first, again: find(first, again) or ("coef_" if first.name == "model" else ""),
    )
    found = replay_retrain(refitted.spec, decision, refitted)
    assert (found.likeness, found.first_difference) == (
        Likeness.PREDICTION_IDENTICAL,
        "the refitted model: coef_",
    )


def test_a_regression_and_a_class_that_only_the_refit_knows(make_world: MakeWorld, tmp_path: Path) -> None:
    rows = make_rows(task="multiclass")
    rows["label"][(rows["label"] == "mid") & (rows["at"] < np.datetime64("2024-06-10"))] = "low"
    world = make_world(rows=rows, train__refit=True)
    card = world.evidence.evidence(world.decide().scorecard).scorecard
    assert card.refit is not None
    regression = World.make(
        tmp_path / "regression",
        task="regression",
        train={"estimator": "tests.estimators:build_regressor", "refit": True},
    )
    decision = regression.decide()
    assert decision.choice is Choice.PROMOTE
    check = regression.evidence.evidence(decision.scorecard).scorecard.refit
    assert check is not None
    assert check.metric == "mae"
    assert check.holds

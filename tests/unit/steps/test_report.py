from __future__ import annotations

import logging
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from tests.builders import LATER, LATEST, NOT_WORSE, World, make_origin, make_request
from tests.require import require

from retrain.core.policy.decision import Choice
from retrain.steps import record_failure, report_decision

SECRET = "ann@example.com"


def files_of(world: World, run_id: str) -> dict[str, str]:
    run = world.root / "registry" / "runs" / run_id
    return {str(path.relative_to(run)): path.read_text() for path in run.glob("decision/*/*")}


def description(world: World, version: int) -> str:
    path = world.root / "registry" / "models" / world.spec.model / str(version) / "description.md"
    return path.read_text() if path.exists() else ""


def test_a_first_model_is_reported_with_its_baseline_and_without_a_past(world: World) -> None:
    report = world.report(world.decide())
    assert report.headline == "Version 1 becomes champion, the first one: all 2 gates pass."
    assert set(report.reliability) == {"challenger", "baseline"}
    assert (report.champion, report.change, report.difference, report.changes) == (None, None, None, ())
    assert report.inputs.snapshot.digest == report.decision.snapshot


def test_a_successor_is_reported_with_what_changed_since_the_champion(crowned: World) -> None:
    crowned.respec(**NOT_WORSE, train__params={"C": 0.5})
    decision = crowned.decide(LATER)
    report = crowned.report(decision)
    assert decision.choice is Choice.PROMOTE
    assert set(report.reliability) == {"challenger", "champion"}
    changed = {change.name: (change.before, change.now) for change in report.changes}
    assert changed["parameter C"] == ("", "0.5")
    assert set(changed) == {"parameter C", "snapshot digest", "spec digest"}
    difference = report.difference
    assert difference.shared
    assert {*difference.shared, *difference.added} == {*report.inputs.snapshot.chunks}
    assert report.change.rows == decision.holdout_rows == sum(bucket.rows for bucket in report.change.buckets)


def test_a_hold_names_the_gates_that_cannot_tell(crowned: World) -> None:
    crowned.respec(gate=[{"check": "beats_champion", "metric": "roc_auc", "resamples": 200}])
    report = crowned.report(crowned.decide(LATER))
    assert report.decision.choice is Choice.HOLD
    assert report.headline == "Version 1 stays champion: 1 of 1 gate is inconclusive."
    assert [verdict.name for verdict in report.deciding] == ["beats_champion(roc_auc)"]


@pytest.mark.parametrize("task", ["regression", "multiclass"])
def test_other_tasks_are_reported_as_well(make_world: Callable[..., World], task: str) -> None:
    world = make_world(task=task)
    decision = world.decide()
    report = world.report(decision)
    assert sum(item.rows for item in report.reliability["challenger"].bins) == decision.holdout_rows
    world.promote(make_request(), decision)
    later = world.report(world.decide(LATER))
    assert (later.change.flips is None) is (task == "regression")


def test_a_champion_that_is_gone_leaves_a_report_without_its_inputs(crowned: World) -> None:
    decision = crowned.decide(LATER)
    shutil.rmtree(crowned.root / "registry" / "models" / crowned.spec.model / "1")
    report = crowned.report(decision)
    assert report.champion is None
    assert report.change is not None


def test_a_snapshot_that_is_gone_leaves_a_report_without_its_data(world: World) -> None:
    decision = world.decide()
    shutil.rmtree(world.root / "store" / "snapshots")
    assert world.report(decision).inputs.snapshot is None


def test_a_retrain_that_failed_after_training_has_a_page_that_says_so(crowned: World) -> None:
    made = crowned.train(LATER)
    decision = record_failure(crowned.of(LATER), "evaluate", "it broke")
    address = report_decision(crowned.spec, decision, made, crowned)
    page = files_of(crowned, made.run_id)["decision/production/scorecard.html"]
    assert address.endswith("decision/production/scorecard.html")
    assert "Version 1 stays champion: the step evaluate failed." in page
    assert "it broke" in page


def test_a_decision_reported_twice_leaves_the_same_files_once(world: World) -> None:
    decision = world.decide()
    challenger = require(decision.challenger)

    def tell() -> dict[str, str]:
        report_decision(world.spec, decision, challenger, world)
        return files_of(world, challenger.run_id)

    first = tell()
    assert sorted(first) == ["decision/production/README.md", "decision/production/scorecard.html"]
    text = description(world, 1)
    assert text.startswith("PROMOTE as of 2024-07-01 00:00. Version 1 becomes champion, the first one")
    assert tell() == first
    assert description(world, 1) == text


def test_a_simulation_writes_beside_the_page_of_production_and_leaves_the_description_alone(crowned: World) -> None:
    (decision,) = crowned.ledger.decisions(crowned.spec.model, "production")
    simulated = crowned.decide(make_request(timeline="simulation", origin=make_origin("other")))
    for one in (decision, simulated):
        report_decision(crowned.spec, one, require(one.challenger), crowned)
    assert simulated.challenger == decision.challenger
    files = files_of(crowned, decision.challenger.run_id)
    assert {name.rsplit("/", 1)[0] for name in files} == {"decision/production", "decision/simulation"}
    assert "decision/simulation" not in description(crowned, 1)


class BrokenReports:
    """`Reports` whose every method fails, with a row value in the error's text."""

    def draw_scores(self, *_: object) -> list[Path]:
        raise ZeroDivisionError(SECRET)

    def write_scorecard(self, *_: object) -> list[Path]:
        raise ZeroDivisionError(SECRET)


def test_a_page_that_cannot_be_drawn_leaves_the_decision_standing(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    decision = world.decide()
    with caplog.at_level(logging.WARNING):
        address = report_decision(
            world.spec, decision, require(decision.challenger), replace(world, reports=BrokenReports())
        )
    assert address == ""
    assert "ZeroDivisionError" in caplog.text
    assert SECRET not in caplog.text
    assert world.ledger.decision(decision.id) == decision
    assert world.promote(make_request(), decision).version == 1


def test_pictures_that_cannot_be_drawn_leave_the_scorecard_standing(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    broken = replace(world, reports=BrokenReports())
    with caplog.at_level(logging.WARNING):
        decision = broken.decide()
    assert decision.choice is Choice.PROMOTE
    assert "ZeroDivisionError" in caplog.text
    assert SECRET not in caplog.text


def test_a_superseded_retrain_says_what_barred_it(succeeded: World) -> None:
    between = replace(LATER, origin=make_origin("again"), nonce="again")
    report = succeeded.report(succeeded.decide(between))
    assert report.headline == "Version 2 stays champion: promotions are blocked."
    assert report.decision.reason.startswith("superseded")
    assert succeeded.report(succeeded.decide(LATEST)).champion.version == 2

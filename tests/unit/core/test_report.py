from __future__ import annotations

import math
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from tests.builders import AS_OF, KEY, make_origin, make_spec

from retrain.core.data.snapshot import Chunk, Snapshot
from retrain.core.evaluation.scorecard import SliceScore
from retrain.core.ledger.block_reason import BlockKind, BlockReason
from retrain.core.policy.decision import Challenger, Choice, Decision, decide
from retrain.core.policy.gates import Outcome, Verdict
from retrain.core.report import Change, RetrainReport, VersionInputs
from retrain.testing import make_evidence, make_scores

PASS = Verdict("threshold", Outcome.PASS, "roc_auc 0.7 meets its minimum", 0.7, 0.6, metric="roc_auc")
FAIL = Verdict("slices", Outcome.FAIL, "north drops", 0.2, 0.1, metric="roc_auc")
UNSURE = Verdict("beats_champion", Outcome.INCONCLUSIVE, "includes 0", 0.01, 0.0, (-0.1, 0.1), metric="roc_auc")
MADE = Challenger(KEY, 4, "run", "model", "d" * 64)
SNAPSHOT = Snapshot(
    source="q" * 64,
    window=make_spec().window_at(AS_OF),
    event_time="at",
    columns=(("at", "TIMESTAMP"),),
    chunks=(Chunk(AS_OF - timedelta(days=40), AS_OF - timedelta(days=1), "c" * 64, 10, 999),),
    train_rows=7,
    holdout_rows=3,
)
FROZEN = BlockReason(BlockKind.FROZEN, "ann", AS_OF, "holiday")
INPUTS = VersionInputs(4, {"depth": "3"}, {"retrain.code": "c" * 64}, SNAPSHOT)


def make_report(*verdicts: Verdict, block: BlockReason | None = None, **changes: Any) -> RetrainReport:
    """Return a report of what is decided on verdicts."""
    ruling = decide(verdicts, AS_OF, None, block=block)
    options: dict[str, Any] = {"champion_version": 3, "metric": "roc_auc", "failed_step": "", "timeline": "production"}
    about = options | {key: changes.pop(key) for key in options if key in changes}
    decision = Decision(
        request_id="r" * 64,
        model="churn",
        as_of=AS_OF,
        choice=ruling.choice,
        reason=ruling.reason,
        decided_by=() if about["failed_step"] else ruling.decided_by,
        blocked_by=ruling.blocked_by,
        origin=make_origin("run"),
        verdicts=verdicts,
        challenger=MADE,
        **about,
    )
    return replace(RetrainReport(make_spec(), decision, MADE, INPUTS), **changes)


@pytest.mark.parametrize(
    ("report", "headline"),
    [
        (make_report(PASS, PASS), "Version 4 becomes champion in place of version 3: all 2 gates pass."),
        (make_report(PASS, champion_version=None), "Version 4 becomes champion, the first one: the one gate passes."),
        (make_report(PASS, UNSURE), "Version 3 stays champion: 1 of 2 gates is inconclusive."),
        (make_report(FAIL, UNSURE), "Version 3 stays champion: 1 of 2 gates fails."),
        (make_report(FAIL, replace(FAIL, reason="south drops")), "Version 3 stays champion: 2 of 2 gates fail."),
        (make_report(UNSURE, champion_version=None), "There is still no champion: 1 of 1 gate is inconclusive."),
        (make_report(PASS, FAIL, block=FROZEN), "Version 3 stays champion: promotions are blocked."),
        (make_report(failed_step="evaluate"), "Version 3 stays champion: the step evaluate failed."),
    ],
)
def test_the_headline_says_who_is_champion_and_why(report: RetrainReport, headline: str) -> None:
    assert report.headline == headline


@pytest.mark.parametrize(("timeline", "waits"), [("production", True), ("simulation", False)])
def test_the_headline_of_a_promotion_that_a_person_must_approve_says_so(timeline: str, waits: bool) -> None:
    spec = make_spec(promotion={"approval": "required", "approvers": ["ann"]})
    report = make_report(PASS, spec=spec, timeline=timeline)
    assert ("may become champion, once a person approves," in report.headline) is waits


def test_the_deciding_verdicts_are_those_that_the_decision_names() -> None:
    assert make_report(PASS, PASS).deciding == ()
    assert make_report(PASS, UNSURE).deciding == (UNSURE,)
    assert make_report(UNSURE, FAIL).deciding == (FAIL,)
    assert make_report(UNSURE, block=FROZEN).deciding == ()


def test_the_leading_verdict_is_the_one_on_the_gain_or_else_the_first_with_an_interval() -> None:
    another = replace(UNSURE, check="calibration", metric="")
    nothing = replace(UNSURE, value=math.nan)
    assert make_report(PASS, FAIL, nothing).leading is None
    assert make_report(PASS, another, UNSURE).leading == UNSURE
    assert make_report(PASS, another).leading == another


@pytest.mark.parametrize("metric", ["roc_auc", "log_loss"])
def test_slices_come_by_their_loss_then_those_without_numbers_then_small_ones(metric: str) -> None:
    def line(value: str, rows: int, challenger: float, opponent: float) -> SliceScore:
        return SliceScore("place", value, rows, {metric: challenger}, {metric: opponent})

    worse, better = (0.6, 0.7) if metric == "roc_auc" else (0.7, 0.6)
    slices = (
        line("small", 5, worse, better),
        line("none", 900, math.nan, 0.5),
        line("gains", 900, better, worse),
        line("loses", 900, worse, better),
    )
    gates = [{"check": "slices", "metric": metric, "max_drop": 0.1, "min_rows": 10}]
    evaluation = {"task": "classification", "primary": metric, "metrics": [metric], "slices": ["place"]}
    report = make_report(
        PASS,
        metric=metric,
        spec=make_spec(gate=gates, evaluation=evaluation),
        scorecard=replace(make_evidence(make_scores()).scorecard, slices=slices),
    )
    assert [found.score.value for found in report.slices] == ["loses", "gains", "none", "small"]
    assert [found.small for found in report.slices] == [False, False, False, True]
    assert [found.gain for found in report.slices[:2]] == pytest.approx([-0.1, 0.1])


def test_without_a_gate_on_slices_none_is_small_and_without_a_scorecard_there_is_none() -> None:
    card = make_evidence(make_scores(4)).scorecard
    assert [found.small for found in make_report(PASS, scorecard=card).slices] == [False, False]
    assert make_report(PASS).slices == ()


def test_what_champion_and_challenger_do_not_share_is_a_change() -> None:
    champion = VersionInputs(3, {"depth": "2", "old": "1"}, {"retrain.code": "c" * 64, "retrain.lock": "a" * 64}, None)
    report = make_report(PASS, champion=champion)
    assert report.changes == (
        Change("parameter depth", "2", "3"),
        Change("parameter old", "1", ""),
        Change("lock digest", "a" * 64, ""),
    )
    assert report.unchanged == ("snapshot digest", "code digest", "spec digest")
    assert (make_report(PASS).changes, make_report(PASS).unchanged) == ((), ())


def test_data_is_compared_if_both_snapshots_are_known() -> None:
    assert make_report(PASS).difference is None
    assert make_report(PASS, champion=replace(INPUTS, snapshot=None)).difference is None
    assert make_report(PASS, champion=INPUTS, inputs=replace(INPUTS, snapshot=None)).difference is None
    found = make_report(PASS, champion=INPUTS).difference
    assert found is not None
    assert found.shared == SNAPSHOT.chunks


def test_an_outcome_that_no_gate_explains_has_its_reason_alone() -> None:
    report = make_report()
    assert report.decision.choice is Choice.HOLD
    assert report.headline == "Version 3 stays champion: promotions are blocked."

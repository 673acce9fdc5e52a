from __future__ import annotations

import itertools
import json
import math
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from tests.builders import AS_OF, KEY, make_origin, make_pointer

from retrain.core.ledger.block_reason import BlockKind, BlockReason
from retrain.core.policy.decision import Challenger, Choice, Decision, decide, find_block
from retrain.core.policy.error_control import Allotment, PastTest
from retrain.core.policy.gates import Outcome, Verdict

PASS = Verdict("threshold", Outcome.PASS, "roc_auc 0.7 meets its minimum", 0.7, 0.6, metric="roc_auc")
FAIL = Verdict("slices", Outcome.FAIL, "north drops", 0.2, 0.1, metric="roc_auc")
UNSURE = Verdict("beats_champion", Outcome.INCONCLUSIVE, "includes 0", 0.0, 0.0, (-0.1, math.nan), metric="roc_auc")
CHALLENGER = Challenger(KEY, 4, "run", "model", "d" * 64)


def make_decision(**changes: Any) -> Decision:
    decision = Decision(
        request_id="r" * 64,
        model="churn",
        timeline="production",
        as_of=AS_OF,
        choice=Choice.PROMOTE,
        reason="better",
        origin=make_origin("run"),
        verdicts=(PASS,),
        challenger=CHALLENGER,
    )
    return replace(decision, **changes)


@pytest.mark.parametrize("count", range(4))
def test_only_nothing_but_passing_verdicts_promote(count: int) -> None:
    for verdicts in itertools.product([PASS, FAIL, UNSURE], repeat=count):
        ruling = decide(verdicts, AS_OF, None)
        choice = ruling.choice
        assert ruling.reason
        if FAIL in verdicts:
            assert choice is Choice.REJECT
        elif UNSURE in verdicts or not verdicts:
            assert choice is Choice.HOLD
        else:
            assert choice is Choice.PROMOTE


def test_the_reason_names_the_gates_that_did_not_pass() -> None:
    assert decide([PASS, FAIL, UNSURE], AS_OF, None).reason == "slices(roc_auc): north drops"
    assert decide([PASS, UNSURE], AS_OF, None).reason == "beats_champion(roc_auc): includes 0"
    assert decide([], AS_OF, None).reason == "no gate gave a verdict; add a gate to the spec"


@pytest.mark.parametrize("days", [0, 1, 400])
def test_a_challenger_that_knows_no_more_than_the_champion_is_held_however_good(days: int) -> None:
    champion = make_pointer(as_of=AS_OF + timedelta(days=days))
    ruling = decide([PASS], AS_OF, champion)
    assert (ruling.choice, ruling.decided_by) == (Choice.HOLD, ())
    assert ruling.reason.startswith("superseded: champion version 3 is as of 202")
    assert ruling.blocked_by == BlockReason(BlockKind.SUPERSEDED, champion_version=3, champion_as_of=champion.as_of)
    assert decide([PASS], AS_OF + timedelta(days=days, seconds=1), champion).choice is Choice.PROMOTE


@pytest.mark.parametrize(
    "changes",
    [{"verdicts": ()}, {"challenger": None}, {"verdicts": (PASS, FAIL)}, {"verdicts": (PASS, UNSURE)}],
)
def test_a_promotion_that_the_verdicts_do_not_carry_cannot_be_made(changes: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="PROMOTE needs a challenger and nothing but passing verdicts"):
        make_decision(**changes)
    held = make_decision(choice=Choice.HOLD, **changes)
    with pytest.raises(ValueError, match="PROMOTE needs"):
        Decision.from_json(held.to_json() | {"choice": "PROMOTE"})


def test_a_decision_survives_its_json() -> None:
    decision = make_decision(
        champion_version=3,
        champion_generation=3,
        opponent="champion",
        metric="roc_auc",
        challenger_value=0.7,
        opponent_value=0.6,
        at=AS_OF,
        holdout=(AS_OF - timedelta(days=28), AS_OF),
        consulted=1.5,
        allotment=Allotment("lord", 0.01, "test", "lord/production", 3),
    )
    again = Decision.from_json(json.loads(json.dumps(decision.to_json(), allow_nan=False)))
    assert again == decision
    assert again.past_test == PastTest("test", 3, AS_OF, 0.01, promoted=True)
    assert again.id == decision.id


def test_a_number_that_is_not_finite_is_null_on_paper() -> None:
    decision = make_decision(
        choice=Choice.REJECT, challenger=None, verdicts=(UNSURE,), challenger_value=math.nan, opponent_value=math.inf
    )
    again = Decision.from_json(json.loads(json.dumps(decision.to_json(), allow_nan=False)))
    assert (again.challenger_value, again.opponent_value, again.challenger) == (None, None, None)
    assert again.verdicts[0].interval is not None
    assert math.isnan(again.verdicts[0].interval[1])


def test_the_same_evidence_against_the_same_champion_is_the_same_decision() -> None:
    decision = make_decision()
    assert replace(decision, reason="other words", at=AS_OF).id == decision.id
    first, again = (replace(decision, allotment=Allotment("lord", 0.01, "t", "sequence", place)) for place in (1, None))
    assert first.id == again.id
    others = [
        replace(decision, request_id="other"),
        replace(decision, challenger=replace(CHALLENGER, key="other")),
        replace(decision, champion_generation=7),
        replace(decision, choice=Choice.HOLD),
        replace(decision, failed_step="train"),
        replace(decision, allotment=Allotment("lord", 0.01, "test", "sequence", 1)),
        make_decision(choice=Choice.REJECT, challenger=None, reason="one"),
        make_decision(choice=Choice.REJECT, challenger=None, reason="two"),
    ]
    assert len({decision.id, *(other.id for other in others)}) == len(others) + 1


@pytest.mark.parametrize("place", [None, 7])
def test_only_a_decision_that_took_a_place_is_a_test_for_later_ones(place: int | None) -> None:
    assert make_decision().past_test is None
    given = Allotment("alpha_spending", 0.01, "test", "sequence", place)
    assert (make_decision(allotment=given).past_test is not None) is (place is not None)


def test_a_decision_that_no_verdict_made_has_one_reason() -> None:
    held = make_decision(choice=Choice.HOLD, reason="frozen by ann; holiday", decided_by=())
    assert held.reasons == ("frozen by ann; holiday",)


FROZEN = BlockReason(BlockKind.FROZEN, "ann", AS_OF, "holiday; back soon")


@pytest.mark.parametrize("block", [None, FROZEN])
def test_what_blocks_a_challenger_is_known_before_it_is_judged(block: BlockReason | None) -> None:
    late = make_pointer(as_of=AS_OF)
    ruling = decide([PASS], AS_OF, late, block=block)
    assert ruling.blocked_by == find_block(AS_OF, late, block=block) is not None
    assert ruling.reason == str(ruling.blocked_by)
    assert find_block(AS_OF, None, block=block) == block
    assert find_block(AS_OF, make_pointer(), block=block) == block


@pytest.mark.parametrize("block", [None, FROZEN, BlockReason(BlockKind.NO_VERDICT)])
def test_what_blocked_and_what_decided_survive_their_json(block: BlockReason | None) -> None:
    ruling = decide([PASS, UNSURE, FAIL], AS_OF, None, block=block)
    made = make_decision(
        choice=ruling.choice,
        reason=ruling.reason,
        verdicts=(PASS, replace(UNSURE, interval=(0.0, 1.0)), FAIL),
        decided_by=ruling.decided_by,
        blocked_by=ruling.blocked_by,
    )
    again = Decision.from_json(json.loads(json.dumps(made.to_json(), allow_nan=False)))
    assert again == made
    assert again.deciding == (() if block else (FAIL,))


def test_a_reason_that_holds_a_semicolon_stays_one_reason() -> None:
    talkative = replace(FAIL, reason="north drops; 2 smaller slices not judged")
    verdicts = (PASS, talkative, FAIL)
    ruling = decide(verdicts, AS_OF, None)
    decision = make_decision(
        choice=ruling.choice, reason=ruling.reason, verdicts=verdicts, decided_by=ruling.decided_by
    )
    assert decision.reasons == (
        "slices(roc_auc): north drops; 2 smaller slices not judged",
        "slices(roc_auc): north drops",
    )


def test_the_interval_of_the_gain_is_that_of_the_gate_that_asks_for_it() -> None:
    calibration = replace(PASS, check="calibration", metric="", interval=(0.01, 0.02))
    gain = replace(PASS, check="beats_champion", interval=(0.1, 0.3))
    assert make_decision(verdicts=(PASS, calibration, gain)).gain == gain
    assert make_decision(verdicts=(PASS, calibration)).gain is None
    assert make_decision().gain is None


def test_the_gain_in_the_primary_metric_comes_before_that_in_another() -> None:
    brier = replace(PASS, check="beats_champion", metric="brier", interval=(0.1, 0.3))
    primary = replace(brier, metric="roc_auc")
    assert make_decision(metric="roc_auc", verdicts=(brier, primary)).gain == primary
    assert make_decision(metric="log_loss", verdicts=(brier, primary)).gain == brier

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest
from airflow.providers.standard.operators.hitl import ApprovalOperator
from airflow.sdk.exceptions import (
    AirflowException,
    AirflowFailException,
    AirflowSkipException,
    DownstreamTasksSkipped,
    TaskAwaitingInput,
)
from tests.builders import AS_OF, MODEL, World, make_origin, make_request

from retrain.builder import build_dag
from retrain.core.ledger.entries import Action
from retrain.core.policy.decision import Choice
from retrain.core.policy.gates import Outcome, Verdict
from retrain.errors import OutageError
from retrain.operators import ApprovePromotionOperator

GUARDED = {"promotion": {"approval": "required", "approvers": ["ann", "bob"]}}


@pytest.fixture
def world(world: World, monkeypatch: pytest.MonkeyPatch) -> World:
    world.respec(**GUARDED)
    monkeypatch.setattr(ApprovePromotionOperator, "open_resources", lambda _: world)
    return world


def context(actor: str | None = "someone") -> Any:
    run = SimpleNamespace(
        dag_id=MODEL,
        run_id="run",
        run_type="manual",
        data_interval_end=None,
        run_after=AS_OF,
        triggering_user_name=actor,
    )
    return {"dag_run": run, "ti": SimpleNamespace(xcom_push=lambda **_: None, map_index=-1)}


def approve(world: World, decision_id: str, timeline: str = "production") -> ApprovePromotionOperator:
    return ApprovePromotionOperator(
        task_id="approve",
        spec=world.spec,
        decision={"decision": decision_id},
        as_of=AS_OF.isoformat(),
        timeline=timeline,
        reason="",
        nonce="",
    )


def answer(option: str, user: str = "ann") -> dict[str, Any]:
    who = {"id": user, "name": user}
    return {"chosen_options": [option], "params_input": {}, "responded_at": datetime.now(UTC), "responded_by_user": who}


def test_a_yes_names_the_decision_and_the_approver(world: World) -> None:
    decision = world.decide()
    result = approve(world, decision.id).execute_complete(context(), answer("Approve"), decision.digest)
    assert result == {"decision": decision.id, "approver": "ann"}
    (entry,) = world.entries()
    assert (entry.action, entry.decision_digest, entry.approver) == (Action.APPROVE, decision.digest, "ann")


def test_the_approval_is_of_the_decision_that_was_shown(world: World) -> None:
    """Whatever the XCom of the gate says when the answer comes."""
    decision = world.decide()
    with pytest.raises(AirflowFailException, match="must be of the decision that the approver was shown"):
        approve(world, decision.id).execute_complete(context(), answer("Approve"), "f" * 64)
    assert world.entries() == []


def test_nobody_is_asked_about_the_decision_of_another_retrain(world: World) -> None:
    decision = world.decide(make_request(origin=make_origin("another")))
    with pytest.raises(AirflowFailException, match="must carry out its own decision"):
        approve(world, decision.id).execute(context())


def test_the_waiting_task_keeps_what_it_showed(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def wait(*_: object) -> None:
        raise TaskAwaitingInput(method_name="execute_complete")

    monkeypatch.setattr(ApprovalOperator, "execute", wait)
    decision = world.decide()
    with pytest.raises(TaskAwaitingInput) as pause:
        approve(world, decision.id).execute(context())
    assert pause.value.kwargs == {"shown": decision.digest}


def test_a_no_is_a_refusal(world: World) -> None:
    decision = world.decide()
    approve(world, decision.id).execute_complete(context(), answer("Reject"))
    (entry,) = world.entries()
    assert (entry.action, entry.decision_id, entry.reason) == (Action.REFUSE, decision.id, "rejected by ann")


def test_a_no_is_a_refusal_even_if_it_skips_what_is_downstream(world: World) -> None:
    decision = world.decide()
    operator: Any = build_dag(world.spec).get_task("approve")
    operator.decision = {"decision": decision.id}
    operator.requested = {"as_of": "", "timeline": "", "reason": "", "nonce": ""}
    with pytest.raises(DownstreamTasksSkipped):
        operator.execute_complete(context() | {"task": operator}, answer("Reject"))
    assert [(entry.action, entry.reason) for entry in world.entries()] == [(Action.REFUSE, "rejected by ann")]


def test_no_answer_in_time_is_a_refusal_and_not_asked_again_by_a_retry(world: World) -> None:
    decision = world.decide()
    late = {"error": "timed out", "error_type": "timeout"}
    with pytest.raises(AirflowFailException, match="nobody approved in time"):
        approve(world, decision.id).execute_complete(context(), late)
    (entry,) = world.entries()
    assert (entry.action, entry.reason) == (Action.REFUSE, "nobody approved in time")


def test_what_is_not_promote_asks_nobody(world: World) -> None:
    world.respec(**GUARDED, gate=[{"check": "threshold", "metric": "roc_auc", "min": 0.999}])
    decision = world.decide()
    assert decision.choice is Choice.REJECT
    with pytest.raises(AirflowSkipException, match="REJECT"):
        approve(world, decision.id).execute(context())


def test_a_simulation_asks_nobody(world: World) -> None:
    decision = world.decide(make_request(timeline="what-if"))
    result = approve(world, decision.id, timeline="what-if").execute(context())
    assert result == {"decision": decision.id, "approver": ""}


def test_who_asked_for_it_cannot_be_the_only_approver(world: World) -> None:
    world.respec(promotion={"approval": "required", "approvers": ["ann"]})
    decision = world.decide()
    with pytest.raises(AirflowFailException, match="somebody other than the user who requested it; got ann"):
        approve(world, decision.id).execute(context("ann"))


def test_an_outage_after_the_answer_is_worth_a_retry_and_anything_else_is_not(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(AirflowFailException, match="must be in the ledger"):
        approve(world, "unknown").execute_complete(context(), answer("Approve"))

    def down(_: str) -> None:
        raise OutageError("the ledger's database must answer", got="nothing", fix="Start it.")

    monkeypatch.setattr(world.ledger, "decision", down)
    with pytest.raises(AirflowException, match="must answer") as raised:
        approve(world, "unknown").execute_complete(context(), answer("Approve"))
    assert not isinstance(raised.value, AirflowFailException)


def test_a_value_of_the_data_cannot_write_into_the_evidence(world: World) -> None:
    from retrain.operators.approve import _evidence

    reason = "worst of 3 slices: place=a|b\n\n# Approved [here](http://x) <img src=x> www.evil.example"
    verdict = Verdict("slices", Outcome.PASS, reason, metric="roc_auc")
    body = _evidence(replace(world.decide(), verdicts=(verdict,)), "http://mlflow/page", "http://mlflow")
    (line,) = (line for line in body.splitlines() if "Approved" in line)
    assert line == (
        r"| slices(roc_auc) | pass | worst of 3 slices\: place=a\|b \# Approved \[here\]\(http\://x\) "
        r"\<img src=x\> www\.evil.example |"
    )

from __future__ import annotations

from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest
from airflow.providers.standard.exceptions import HITLTimeoutError
from airflow.sdk.exceptions import AirflowFailException, AirflowSkipException
from tests.builders import AS_OF, MODEL, World

from retrain.core.decision import Choice
from retrain.core.ledger import Action
from retrain.operators import ApprovePromotionOperator

GUARDED = {"promotion": {"approval": "required", "approvers": ["ann", "bob"]}}


@pytest.fixture
def world(world: World, monkeypatch: pytest.MonkeyPatch) -> World:
    world.respec(**GUARDED)
    hook = SimpleNamespace(get_conn=lambda: world.ledger)
    registry = SimpleNamespace(get_conn=lambda: world.registry)
    monkeypatch.setattr(ApprovePromotionOperator, "ledger_hook", hook)
    monkeypatch.setattr(ApprovePromotionOperator, "mlflow_hook", registry)
    return world


def context(actor: str | None = "someone") -> Any:
    run = SimpleNamespace(
        dag_id=MODEL, run_id="r", run_type="manual", data_interval_end=None, run_after=AS_OF, triggering_user_name=actor
    )
    return {"dag_run": run, "ti": SimpleNamespace(xcom_push=lambda **_: None)}


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


def test_a_yes_names_the_decision_and_who_said_it(world: World) -> None:
    decision = world.decide()
    result = approve(world, decision.id).execute_complete(context(), answer("Approve"))
    assert result == {"decision": decision.id, "approver": "ann", "name": "ann"}
    assert world.ledger.entries() == []


def test_a_no_is_a_refusal(world: World) -> None:
    decision = world.decide()
    approve(world, decision.id).execute_complete(context(), answer("Reject"))
    (entry,) = world.ledger.entries()
    assert (entry.action, entry.decision_id, entry.reason) == (Action.REFUSE, decision.id, "rejected by ann")


def test_no_answer_in_time_is_a_refusal(world: World) -> None:
    decision = world.decide()
    late = {"error": "timed out", "error_type": "timeout"}
    with pytest.raises(HITLTimeoutError):
        approve(world, decision.id).execute_complete(context(), late)
    (entry,) = world.ledger.entries()
    assert (entry.action, entry.reason) == (Action.REFUSE, "nobody approved in time")


def test_what_is_not_promote_asks_nobody(world: World) -> None:
    world.respec(**GUARDED, gate=[{"check": "threshold", "metric": "roc_auc", "min": 0.999}])
    decision = world.decide()
    assert decision.choice is Choice.REJECT
    with pytest.raises(AirflowSkipException, match="REJECT"):
        approve(world, decision.id).execute(context())


def test_a_simulation_asks_nobody(world: World) -> None:
    decision = world.decide()
    result = approve(world, decision.id, timeline="what-if").execute(context())
    assert result == {"decision": decision.id, "approver": "", "name": ""}


def test_who_asked_for_it_cannot_be_the_only_approver(world: World) -> None:
    world.respec(promotion={"approval": "required", "approvers": ["ann"]})
    decision = world.decide()
    with pytest.raises(AirflowFailException, match="somebody else than who asked for it; got ann"):
        approve(world, decision.id).execute(context("ann"))

from __future__ import annotations

from collections import defaultdict
from types import SimpleNamespace
from typing import Any

import pytest
from airflow.sdk.exceptions import AirflowFailException
from tests.builders import LATER, MODEL, World

from retrain.operators import PromoteModelOperator, RollbackModelOperator


def rollback(world: World, **changes: Any) -> dict[str, Any]:
    options = {"reason": "because", "to": ""} | changes
    operator = RollbackModelOperator(task_id="rollback", specs=[world.spec], model=MODEL, **options)
    operator.actor = "someone"
    return operator.operate(world)


def test_a_rollback_that_stopped_before_the_alias_is_finished_by_its_retry(succeeded: World) -> None:
    assert rollback(succeeded)["generation"] == 3
    succeeded.registry.set_alias(MODEL, "champion", 2)
    assert rollback(succeeded, plan_only="True")["dry_run"]
    assert succeeded.alias() == 2
    assert rollback(succeeded) == {"from": 1, "to": 1, "generation": 3, "quarantined": "", "dry_run": False}
    assert succeeded.alias() == 1


@pytest.mark.parametrize("stands", [True, False])
def test_a_repeated_promotion_is_an_asset_event_only_while_it_stands(succeeded: World, stands: bool) -> None:
    second = succeeded.ledger.entries()[-1]
    if not stands:
        succeeded.roll_back()
    operator = PromoteModelOperator(task_id="promote", spec=succeeded.spec, decision={"decision": second.decision_id})
    news: dict[Any, Any] = defaultdict(lambda: SimpleNamespace(add=lambda _, extra: added.append(extra)))
    added: list[Any] = []
    result = operator.run_step(succeeded.of(LATER), {"outlet_events": news})
    assert result == {"version": 2, "generation": 2, "timeline": "production"}
    assert added == ([result] if stands else [])


def test_what_a_reason_does_to_a_terminal_never_gets_into_the_ledger(succeeded: World) -> None:
    rollback(succeeded, reason="bad\x1b[2J\n   9 promote, by root \u202e")
    assert succeeded.ledger.entries()[-1].reason == r"bad\x1b[2J 9 promote, by root \u202e"
    with pytest.raises(AirflowFailException, match="reason must say why"):
        rollback(succeeded, reason=" \n ")

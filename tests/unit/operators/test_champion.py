from __future__ import annotations

import json
from collections import defaultdict
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from airflow.sdk.exceptions import AirflowFailException
from tests.builders import LATER, MODEL, World

from retrain.adapters.sql_ledger import Attempt, AttemptLog, SqlLedger, sqlite_url
from retrain.operators import PromoteModelOperator, RollbackModelOperator, champion


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
    second = succeeded.entries()[-1]
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
    assert succeeded.entries()[-1].reason == r"bad\x1b[2J 9 promote, by root \u202e"
    with pytest.raises(AirflowFailException, match="reason must say why"):
        rollback(succeeded, reason=" \n ")


@pytest.fixture
def log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AttemptLog:
    """The log of attempts behind the platform's connection."""
    url = sqlite_url(str(tmp_path / "attempts.db"))
    extra = {"sqlite_path": url.database}
    monkeypatch.setenv("AIRFLOW_CONN_RETRAIN_LEDGER", json.dumps({"conn_type": "retrain_ledger", "extra": extra}))
    return SqlLedger.open(url).attempts


def run_by(user: str, world: World, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Roll back as a task that accepts only what the pages admitted."""
    operator = RollbackModelOperator(
        task_id="rollback", specs=[world.spec], model=MODEL, reason="because", only_from_pages=True
    )
    monkeypatch.setattr(operator, "open_resources", lambda: world)
    monkeypatch.setattr(champion, "die_with_parent", lambda _: None)  # the parent of this process is pytest's
    run = SimpleNamespace(dag_id="retrain_rollback", run_id="run", triggering_user_name=user, run_type="manual")
    return operator.execute({"dag_run": run})


def test_a_run_that_the_pages_did_not_admit_moves_no_champion(
    succeeded: World, log: AttemptLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = succeeded.ledger.entries()
    asked = Attempt("vera", "rollback", MODEL, dag_id="retrain_rollback")  # refused: it got no run
    log.begin(asked)
    log.begin(replace(asked, actor="ann", run_id="run"))  # ann's, while vera made a run of the same id beforehand
    log.begin(replace(asked, model="another", run_id="run"))
    with pytest.raises(AirflowFailException, match="must be requested on the pages"):
        run_by("vera", succeeded, monkeypatch)
    assert succeeded.ledger.entries() == before
    assert run_by("ann", succeeded, monkeypatch)["to"] == 1
    assert len(succeeded.ledger.entries()) == len(before) + 1

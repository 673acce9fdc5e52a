"""What a user of Airflow's role `user` cannot forge: for each task of a retrain, its XCom and its state, before it runs.

In Airflow, whoever may run a DAG may also write its XComs and mark its tasks as success.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Final

import httpx
import pytest
from tests.integration.airflow.conftest import TODAY, Live
from tests.require import require

from retrain.core.ledger.entries import Action, LedgerEntry
from retrain.core.names import PRODUCTION
from retrain.core.policy.decision import Choice

pytestmark = pytest.mark.live

FORGED, SEALED = "forged", "sealed"
STEPS: Final = ("snapshot", "validate", "train", "evaluate", "gate")
ATTACKS: Final[dict[str, tuple[str, ...]]] = {
    **{step: (step,) for step in (*STEPS, "promote")},
    "all before promote": STEPS,
}


def xcom_path(dag_id: str, run_id: str, task: str) -> str:
    return f"/dags/{dag_id}/dagRuns/{run_id}/taskInstances/{task}/xcomEntries"


def skip_task(live: Live, dag_id: str, run_id: str, task: str, xcom: Any) -> None:
    """Write the result of a task and mark it as success, as uma, who has the role `user`."""
    uma = live.as_user("uma")
    written = uma.post(xcom_path(dag_id, run_id, task), {"key": "return_value", "value": xcom})
    assert written.status_code == httpx.codes.CREATED, written.text
    uma.patch(f"/dags/{dag_id}/dagRuns/{run_id}/taskInstances/{task}", {"new_state": "success"})


def trigger_as_uma(live: Live, dag_id: str, days_ago: int) -> str:
    conf = {"as_of": (TODAY - timedelta(days=days_ago)).date().isoformat(), "timeline": PRODUCTION}
    response = live.as_user("uma").post(f"/dags/{dag_id}/dagRuns", {"logical_date": None, "conf": conf})
    assert response.status_code == httpx.codes.OK, response.text
    return str(response.json()["dag_run_id"])


def promotions(live: Live, model: str) -> list[LedgerEntry]:
    return [entry for entry in live.ledger.entries(model) if entry.action.moves]


@pytest.fixture(scope="module")
def results(live: Live) -> dict[str, Any]:
    """What the tasks of an honest retrain returned, by task; its challenger became champion."""
    live.unpause(FORGED)
    run_id = live.trigger(
        FORGED, conf={"as_of": (TODAY - timedelta(days=9)).date().isoformat(), "timeline": PRODUCTION}
    )
    assert live.wait(FORGED, run_id) == "success"
    tasks = (*STEPS, "promote")
    return {task: live.api.get(f"{xcom_path(FORGED, run_id, task)}/return_value")["value"] for task in tasks}


@pytest.fixture(scope="module")
def attacked(live: Live, results: dict[str, Any]) -> tuple[list[LedgerEntry], dict[str, str]]:
    """The moves before, and the finished run of each attack: its tasks were skipped before it began."""
    before = promotions(live, FORGED)
    live.api.patch(f"/dags/{FORGED}", {"is_paused": True})
    runs = {}
    for days_ago, (name, tasks) in zip(range(len(ATTACKS), 0, -1), ATTACKS.items(), strict=True):
        runs[name] = trigger_as_uma(live, FORGED, days_ago)
        for task in tasks:
            forged = results[task] | ({"key": "e" * 64} if tasks == ("train",) else {})
            skip_task(live, FORGED, runs[name], task, forged)
    live.unpause(FORGED)
    for run_id in runs.values():
        live.wait(FORGED, run_id, seconds=300)
    return before, runs


@pytest.mark.parametrize("attack", ATTACKS)
def test_a_skipped_task_and_a_forged_result_promote_nothing(
    live: Live, attacked: tuple[list[LedgerEntry], dict[str, str]], attack: str
) -> None:
    before, runs = attacked
    assert promotions(live, FORGED) == before
    made = [item for item in live.ledger.decisions(FORGED, PRODUCTION) if item.origin.run_id == runs[attack]]
    expected = {"promote": [Choice.PROMOTE], "gate": [], "all before promote": []}
    assert [item.choice for item in made] == expected.get(attack, [Choice.REJECT])
    if attack != "promote":
        assert live.run(FORGED, runs[attack])["state"] == "failed"
    live.ledger.verify()


def test_the_decision_says_which_task_left_no_record(
    live: Live, attacked: tuple[list[LedgerEntry], dict[str, str]]
) -> None:
    _, runs = attacked
    for attack, step in (
        ("snapshot", "snapshot"),
        ("validate", "validate"),
        ("train", "train"),
        ("evaluate", "evaluate"),
    ):
        decision = live.decision_of(FORGED, PRODUCTION, runs[attack])
        assert f"the step {step} of this retrain must have recorded the result" in decision.reason


def test_a_forged_approval_promotes_nothing(live: Live) -> None:
    live.unpause(SEALED)
    run_id = trigger_as_uma(live, SEALED, 1)
    path = f"/dags/{SEALED}/dagRuns/{run_id}/taskInstances"
    live.until(lambda: live.api.get(f"{path}/approve")["state"] == "awaiting_input")
    gate = live.api.get(f"{xcom_path(SEALED, run_id, 'gate')}/return_value")["value"]
    skip_task(live, SEALED, run_id, "approve", {"decision": gate["decision"], "approver": "bob", "name": "bob"})
    assert live.wait(SEALED, run_id) == "failed"
    assert require(live.decision_of(SEALED, PRODUCTION, run_id)).choice is Choice.PROMOTE
    (refusal,) = [entry for entry in live.ledger.entries(SEALED) if entry.action is not Action.DECIDE]
    assert (refusal.action, refusal.approver) == (Action.REFUSE, "")
    assert "got no approval of this decision" in refusal.reason

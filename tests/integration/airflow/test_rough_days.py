"""What a platform lives through: the same call fifty times, a crowded backfill, a scheduler that is killed."""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from tests.integration.airflow.conftest import TODAY, Live
from tests.require import require

from retrain.core.ledger.entries import Action
from retrain.core.names import PRODUCTION

pytestmark = pytest.mark.live

PULSE, ROUGH = "pulse", "rough"


def test_fifty_identical_triggers_make_one_run_and_one_version(live: Live) -> None:
    live.unpause(PULSE)
    conf = {"as_of": (TODAY - timedelta(days=5)).date().isoformat(), "timeline": "fifty", "nonce": "fifty"}
    body = {"logical_date": None, "dag_run_id": "fifty", "conf": conf}
    with ThreadPoolExecutor(16) as pool:
        path = f"/dags/{PULSE}/dagRuns"
        statuses = Counter(
            response.status_code for response in pool.map(lambda _: live.api.post(path, body), range(50))
        )
    assert statuses == {200: 1, 409: 49}
    assert live.wait(PULSE, "fifty") == "success"
    (decision,) = live.ledger.decisions(PULSE, "fifty")
    assert decision.challenger is not None
    wanted = f"name = '{PULSE}' and tags.`retrain.key` = '{decision.challenger.key}'"
    assert len(live.mlflow.search_model_versions(wanted)) == 1


def test_eight_active_runs_beside_the_schedule_never_move_production_back_in_time(live: Live) -> None:
    live.unpause(ROUGH)  # the schedule's last tick runs at once
    first, last = TODAY - timedelta(days=8), TODAY - timedelta(days=1)
    body = {
        "dag_id": ROUGH,
        "from_date": first.isoformat(),
        "to_date": last.isoformat(),
        "max_active_runs": 8,
        "dag_run_conf": {"timeline": PRODUCTION},
    }
    assert live.api.post("/backfills", body).status_code == 200
    live.until(
        lambda: len(states := live.api.run_states(ROUGH)) >= 9 and set(states.values()) <= {"success", "failed"}, 240
    )
    promoted = [entry for entry in live.ledger.entries(ROUGH, PRODUCTION) if entry.action is Action.PROMOTE]
    assert [entry.as_of for entry in promoted] == sorted({entry.as_of for entry in promoted})
    assert len(live.ledger.decisions(ROUGH, PRODUCTION)) == 9
    pointer = require(live.ledger.pointer(ROUGH, PRODUCTION))
    assert live.mlflow.get_registered_model(ROUGH).aliases == {"champion": str(pointer.version)}
    live.ledger.verify()


@pytest.mark.parametrize("server", ["scheduler", "api-server"])
def test_a_retrain_ends_after_its_platform_was_killed(live: Live, server: str) -> None:
    live.unpause(PULSE)
    timeline = f"killed-{server}"
    conf = {"as_of": (TODAY - timedelta(days=6)).date().isoformat(), "timeline": timeline, "nonce": server}
    run_id = live.trigger(PULSE, conf=conf)
    live.until(lambda: live.ledger.decisions(PULSE, timeline) or None)  # so it is killed about when it promotes
    live.stack.kill(server)
    live.stack.restart(server)
    assert live.wait(PULSE, run_id, 400) == "success"
    _, entry = live.ledger.entries(PULSE, timeline)
    assert (entry.action, entry.generation) == (Action.PROMOTE, 1)
    assert live.ledger.pointer(PULSE, timeline) == entry.to_pointer()

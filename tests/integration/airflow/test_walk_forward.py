"""A backfill walks forward: each month meets the champion that it would have met, however many runs are active."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from tests.integration.airflow.conftest import Live

from retrain.core.ledger.entries import LedgerEntry
from retrain.core.names import PRODUCTION
from retrain.core.policy.decision import Choice, Decision

pytestmark = pytest.mark.live

FLIGHTS = "flight_delay"
MONTHS = range(2, 7)


def backfill(live: Live, timeline: str, active: int) -> None:
    body = {
        "dag_id": FLIGHTS,
        "from_date": "2013-02-01T00:00:00Z",
        "to_date": f"2013-0{MONTHS[-1]}-01T00:00:00Z",
        "max_active_runs": active,
        "reprocess_behavior": "completed",
        "dag_run_conf": {"timeline": timeline},
    }
    live.until(
        lambda: live.api.post("/backfills", body).status_code == 200
    )  # 409 until the last one is stamped as ended
    live.until(lambda: len(live.ledger.decisions(FLIGHTS, timeline)) == len(MONTHS), seconds=300)
    for month in MONTHS:
        assert live.wait(FLIGHTS, f"backfill__2013-0{month}-01T00:00:00+00:00") == "success"


def rows(live: Live, timeline: str) -> tuple[list[Decision], list[tuple[object, ...]]]:
    """Return decisions and ledger of a timeline without what names the timeline or the time of day."""
    decisions = sorted(live.ledger.decisions(FLIGHTS, timeline), key=lambda decision: decision.as_of)
    # Nor how often a holdout was looked at: the second timeline looks at it again, and validates the rows again.
    of_one_retrain: dict[str, Any] = {"request_id": "", "timeline": "", "scorecard": "", "validation": ""}
    plain = [replace(item, **of_one_retrain, at=None, consulted=0) for item in decisions]
    return plain, [_move(entry) for entry in live.ledger.entries(FLIGHTS, timeline)]


def _move(entry: LedgerEntry) -> tuple[object, ...]:
    return (entry.action, entry.version, entry.as_of, entry.key, entry.generation, entry.manifest_digest)


def test_one_and_four_active_runs_make_the_same_timeline_row_for_row_and_leave_production_alone(live: Live) -> None:
    live.unpause(FLIGHTS)
    if live.ledger.pointer(FLIGHTS, PRODUCTION) is None:
        run_id = live.trigger(FLIGHTS, conf={"as_of": "2013-04-01T00:00:00Z"})
        assert live.wait(FLIGHTS, run_id) == "success"
    champion = live.ledger.pointer(FLIGHTS, PRODUCTION)
    aliases = live.mlflow.get_registered_model(FLIGHTS).aliases
    assert champion is not None

    backfill(live, "one-at-a-time", active=1)
    backfill(live, "four-at-once", active=4)

    one, four = rows(live, "one-at-a-time"), rows(live, "four-at-once")
    assert one == four
    assert [decision.as_of for decision in one[0]] == [datetime(2013, month, 1, tzinfo=UTC) for month in MONTHS]
    assert {decision.choice for decision in one[0]} >= {Choice.PROMOTE, Choice.HOLD}
    assert live.ledger.pointer(FLIGHTS, PRODUCTION) == champion
    assert live.mlflow.get_registered_model(FLIGHTS).aliases == aliases

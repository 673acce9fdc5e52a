from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from airflow.sdk.exceptions import AirflowFailException
from tests.builders import LATER, World, make_origin, make_request

from retrain.core.policy.decision import Choice
from retrain.operators import QualityGateOperator
from retrain.operators.links import ScorecardLink
from retrain.reports import html_scorecard

REQUEST = make_request(origin=make_origin("scheduled__2024-07-01T00:00:00+00:00"))
PAGE = "decision/production/scorecard.html"


@pytest.fixture
def world(world: World, monkeypatch: pytest.MonkeyPatch) -> World:
    """The world of `world`, in which the gate works, too."""
    monkeypatch.setattr(QualityGateOperator, "open_resources", lambda _: world)
    return world


def gate(world: World, failure: dict[str, str] | None = None) -> tuple[QualityGateOperator, dict[str, Any]]:
    """Return the gate of a retrain that came as far as its scorecard, with the context it runs in."""
    snapshot = world.snapshot(REQUEST)
    world.validate(REQUEST, snapshot)
    challenger = world.train(REQUEST, snapshot)
    scorecard = world.evaluate(REQUEST, snapshot, challenger)
    operator = QualityGateOperator(
        task_id="gate",
        spec=world.spec,
        snapshot={"snapshot": snapshot.digest},
        challenger=asdict(challenger),
        scorecard={"scorecard": scorecard},
    )
    task = SimpleNamespace(xcom_pull=lambda **_: [failure], xcom_push=lambda **_: None)
    return operator, {"ti": task}


def link(operator: QualityGateOperator) -> str:
    (scorecard,) = (link for link in operator.operator_extra_links if isinstance(link, ScorecardLink))
    return scorecard.get_link(operator, ti_key=SimpleNamespace())  # type: ignore[arg-type]


def test_the_gate_links_to_the_page_of_its_decision_which_links_back_to_the_run(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AIRFLOW__API__BASE_URL", "https://airflow.example/team/")
    operator, context = gate(world)
    result = operator.run_step(world.of(REQUEST), context)  # type: ignore[arg-type]
    run_id = operator.challenger["run_id"]
    assert result["choice"] == "PROMOTE"
    assert link(operator) == world.registry.file_url(run_id, PAGE)
    page = Path(world.registry.file_url(run_id, PAGE).removeprefix("file://")).read_text()
    assert 'href="https://airflow.example/team/dags/churn/runs/scheduled__2024-07-01T00%3A00%3A00%2B00%3A00"' in page


def test_a_page_that_cannot_be_drawn_leaves_the_decision_and_no_link(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: Any) -> Any:
        raise ZeroDivisionError

    monkeypatch.setattr(html_scorecard, "draw_scorecard", broken)
    operator, context = gate(world)
    result = operator.run_step(world.of(REQUEST), context)  # type: ignore[arg-type]
    assert world.ledger.decision(result["decision"]).choice is Choice.PROMOTE
    assert link(operator) == ""


def test_a_retrain_that_failed_with_a_run_has_a_page_and_without_one_has_none(world: World) -> None:
    operator, context = gate(world, {"step": "evaluate", "reason": "it broke"})
    for challenger in (operator.challenger, None):
        operator.challenger, operator.scorecard_url = challenger, ""
        with pytest.raises(AirflowFailException, match="REJECT: evaluate failed: it broke"):
            operator.run_step(world.of(REQUEST), context)  # type: ignore[arg-type]
        assert bool(link(operator)) is (challenger is not None)


def test_a_gate_that_has_not_run_has_no_link(world: World) -> None:
    assert link(gate(world)[0]) == ""


def test_a_failed_retrain_writes_no_page_to_the_run_of_another(world: World) -> None:
    operator, context = gate(world, {"step": "evaluate", "reason": "it broke"})
    operator.challenger = asdict(world.train(LATER))
    with pytest.raises(AirflowFailException, match="REJECT: evaluate failed: it broke"):
        operator.run_step(world.of(REQUEST), context)  # type: ignore[arg-type]
    assert link(operator) == ""
    assert not Path(world.registry.file_url(operator.challenger["run_id"], PAGE).removeprefix("file://")).exists()

"""No value of a row leaves a step, whatever library fails on it: not by a log, an XCom, a note, the ledger, MLflow or a page.

The values of a column that `slices` names are shown on purpose, and so are not tried here.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine, create_engine, inspect, text
from sqlalchemy.pool import NullPool
from tests.integration.airflow.conftest import TODAY, Live
from tests.integration.airflow.people import MARK, PEOPLE
from tests.integration.airflow.test_pages import pages

from retrain.core.names import PRODUCTION
from retrain.core.policy.decision import Choice

pytestmark = pytest.mark.live

_DATABASES = ("airflow", "mlflow", "retrain")
_OF_THE_DATA = ("postgres", "store")
"""Folders of the platform that hold rows by design, or pages of databases that are read by SQL."""


@pytest.fixture(scope="module")
def runs(live: Live) -> dict[str, str]:
    """A finished run of each pipeline."""
    for model in PEOPLE:
        live.unpause(model)
    conf = {"as_of": TODAY.date().isoformat(), "timeline": PRODUCTION}
    begun = {model: live.trigger(model, conf=conf) for model in PEOPLE}
    for model, run_id in begun.items():
        live.wait(model, run_id, seconds=400)
    return begun


@pytest.mark.parametrize("model", PEOPLE)
def test_the_failure_is_recorded_with_its_step(live: Live, runs: dict[str, str], model: str) -> None:
    decision = live.decision_of(model, PRODUCTION, runs[model])
    assert decision.choice is not Choice.PROMOTE
    assert MARK not in decision.reason
    if model != "people_gate":
        assert decision.failed_step in ("snapshot", "validate", "train", "search", "evaluate")


@pytest.mark.usefixtures("runs")
def test_no_file_of_the_platform_holds_a_value_of_a_row(live: Live) -> None:
    found = [path for path in _files(live.stack.home) if MARK.encode() in path.read_bytes()]
    assert found == []
    assert any("task_id=snapshot" in str(path) for path in _files(live.stack.home)), "the logs of tasks are among them"


@pytest.mark.usefixtures("runs")
def test_no_row_of_a_database_holds_a_value_of_the_data(live: Live) -> None:
    for name in _DATABASES:
        engine = create_engine(live.stack.database_url(name), poolclass=NullPool)
        assert _find_tables(engine, "people_fit"), f"{name} knows the pipelines"
        assert _find_tables(engine, MARK) == []


def test_no_page_holds_a_value_of_the_data(live: Live, runs: dict[str, str]) -> None:
    with pages(live, "vera") as client:
        for model, run_id in runs.items():
            decision = live.decision_of(model, PRODUCTION, run_id)
            for path in (f"/models/{model}", f"/models/{model}/decisions/{decision.id}", f"/ledger?model={model}"):
                shown = client.get(path).raise_for_status().text
                assert model in shown
                assert MARK not in shown


def _files(home: Path) -> Iterator[Path]:
    for path in home.rglob("*"):
        if path.is_file() and path.relative_to(home).parts[0] not in _OF_THE_DATA:
            yield path


def _find_tables(engine: Engine, part: str) -> list[str]:
    """Return the tables with a row whose text holds a part."""
    found = []
    with engine.connect() as connection:
        for table in inspect(connection).get_table_names():
            query = text(f'SELECT count(*) FROM "{table}" AS t WHERE position(:part IN CAST(t AS text)) > 0')
            if connection.execute(query, {"part": part}).scalar_one():
                found.append(table)
    return found

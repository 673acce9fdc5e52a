"""`retrain decision --run`: what a DAG run decided."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.builders import MODEL, make_origin, make_request, make_spec
from typer.testing import CliRunner

from retrain.adapters.sql_ledger import SqlLedger
from retrain.cli.app import app
from retrain.cli.resources import CliResources
from retrain.core.ledger.origin import Origin
from retrain.core.policy.decision import Decision
from retrain.core.resources import Retrain
from retrain.steps import record_failure

RUN = f"{MODEL}/scheduled__2024-07-01T00:00:00+00:00"


def fail_retrain(ledger: SqlLedger, origin: Origin, step: str, reason: str) -> Decision:
    resources = CliResources(ledger, store="memory://", tracking_uri=None, home=Path(), trusted_types=())
    return record_failure(Retrain(make_spec(), make_request(origin=origin), resources), step, reason)


@pytest.fixture
def decided(tmp_path: Path) -> tuple[str, Decision]:
    """The address of a ledger with a run that failed twice, and its last decision."""
    url = f"sqlite:///{tmp_path / 'ledger.db'}"
    ledger = SqlLedger.open(url)
    fail_retrain(ledger, Origin.parse(RUN), "snapshot", "no rows")
    fail_retrain(ledger, make_origin("another"), "train", "another run")
    return url, fail_retrain(ledger, Origin.parse(RUN), "train", "no [bold]luck[/]")


def test_the_last_decision_of_the_run_is_printed(decided: tuple[str, Decision]) -> None:
    url, _ = decided
    result = CliRunner().invoke(app, ["--ledger", url, "decision", "--run", RUN])
    assert result.exit_code == 0
    assert f"REJECT {MODEL}" in result.output
    assert "train failed: no [bold]luck[/]" in result.output


def test_as_json_it_is_the_whole_decision(decided: tuple[str, Decision]) -> None:
    url, last = decided
    result = CliRunner().invoke(app, ["--ledger", url, "decision", "--run", RUN, "--json"])
    document = json.loads(result.output)
    assert document.pop("id") == last.id
    assert Decision.from_json(document) == last


def test_a_run_that_decided_nothing_is_an_error(decided: tuple[str, Decision]) -> None:
    url, _ = decided
    result = CliRunner().invoke(app, ["--ledger", url, "decision", "--run", f"{MODEL}/never", "--json"])
    assert result.exit_code == 1
    assert "one that came to a decision" in result.output


def test_what_a_command_decided_is_found_by_its_user(decided: tuple[str, Decision]) -> None:
    url, _ = decided
    made = fail_retrain(SqlLedger(url), Origin.of_command("ann"), "validate", "too few rows")
    result = CliRunner().invoke(app, ["--ledger", url, "decision", "--run", "local/ann", "--json"])
    document = json.loads(result.output)
    assert document["id"] == made.id
    assert document["origin"] == {"kind": "command", "dag_id": "", "run_id": "", "user": "ann"}


def test_a_run_without_its_dag_is_an_error(decided: tuple[str, Decision]) -> None:
    url, _ = decided
    result = CliRunner().invoke(app, ["--ledger", url, "decision", "--run", "scheduled__2024-07-01"])
    assert result.exit_code == 1
    assert "Write it as <dag id>/<run id>" in result.output

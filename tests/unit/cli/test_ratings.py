"""`retrain ratings`: which version is best now, and how sure that is."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.builders import MODEL
from tests.rated import CHAMPION, LAST, measure_ageing_versions, record_rated
from tests.unit.cli.test_decision import fail_retrain
from typer.testing import CliRunner

from retrain.adapters.sql_ledger import SqlLedger
from retrain.cli.app import app
from retrain.core.ledger.origin import Origin


@pytest.fixture
def url(tmp_path: Path) -> str:
    """The address of a ledger with a rated timeline, and one whose only retrain failed."""
    url = f"sqlite:///{tmp_path / 'ledger.db'}"
    ledger = SqlLedger.open(url)
    record_rated(ledger, MODEL, "rated", measure_ageing_versions())
    fail_retrain(ledger, Origin.of_dag_run(MODEL, "first"), "train", "no luck")
    return url


def test_versions_stand_by_as_of_with_what_is_expected_of_them(url: str) -> None:
    result = CliRunner().invoke(app, ["--ledger", url, "ratings", MODEL, "--timeline", "rated"])
    assert result.exit_code == 0, result.output
    lines = result.output.splitlines()
    assert lines[0].rstrip() == f"{MODEL} on rated, roc_auc: all versions as rated after {LAST - 1} windows"
    rows = {int(line.split()[0]): line for line in lines if line.split()[:1] and line.split()[0].isdigit()}
    assert list(rows) == list(range(1, LAST + 1))
    assert rows[CHAMPION].split()[1] == "champion"
    assert "[" not in rows[CHAMPION]
    assert rows[LAST].split()[1] == "challenger"
    assert " +" in rows[LAST]
    assert " -" in rows[CHAMPION - 1]
    assert "under 0.1 %" in rows[CHAMPION - 1]
    assert lines[-1].startswith("A month of age costs a version about 0.06")


def test_a_timeline_that_no_gate_rates_is_told_so(url: str) -> None:
    result = CliRunner().invoke(app, ["--ledger", url, "ratings", MODEL])
    assert result.exit_code == 0, result.output
    assert f"The versions of {MODEL} on production are not rated" in result.output


def test_an_unknown_timeline_is_an_error_that_names_those_there_are(url: str) -> None:
    result = CliRunner().invoke(app, ["--ledger", url, "ratings", MODEL, "--timeline", "nowhere"])
    assert result.exit_code == 1
    assert f"{MODEL} on rated" in result.output

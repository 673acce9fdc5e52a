"""The commands on a state folder that the version before made."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from typer.testing import CliRunner

from retrain.cli.app import app

DUMP = Path(__file__).parents[2] / "data" / "ledger_of_version_before.sql"


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """The state folder, of which these commands read the ledger alone."""
    with closing(sqlite3.connect(tmp_path / "ledger.db")) as connection:
        connection.executescript(DUMP.read_text(encoding="utf-8"))
    return tmp_path


@pytest.mark.parametrize(
    ("command", "texts"),
    [
        (
            ("history", "churn"),
            ("all 3 gates pass: version 2", "+0.0070 [-0.0084, +0.0223]", "frozen by ann since", "+0.1250"),
        ),
        (("champion", "churn"), ("version 1 of churn on development", "worse in use")),
        (("decision", "--run", "local/ann"), ("HOLD churn as of 2024-07-01", "frozen by ann since")),
        (("ledger", "verify"), ("6 entries, chain intact",)),
        (("ledger", "migrate"), ("up to date",)),
        (("freeze", "churn", "--reason", "a holiday"), ("frozen",)),
    ],
    ids=lambda value: value[0] if isinstance(value, tuple) else None,
)
def test_a_command_works_on_it(home: Path, command: tuple[str, ...], texts: tuple[str, ...]) -> None:
    result = CliRunner(env={"COLUMNS": "400"}).invoke(app, ["--home", str(home), *command])
    assert result.exit_code == 0, result.output
    assert [text for text in texts if text not in result.output] == []


def test_its_decision_is_printed_as_it_is_stored(home: Path) -> None:
    result = CliRunner().invoke(app, ["--home", str(home), "decision", "--run", "local/ann", "--json"])
    document = json.loads(result.output)
    assert "form" not in document
    assert document["origin"] == "local/ann"

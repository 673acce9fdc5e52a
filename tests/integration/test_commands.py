"""Every command of `retrain` has the same defaults: state folder, timeline, folder of specs, and the way to name a model."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer
from tests.readme_blocks import run_retrain

from retrain.cli import app
from retrain.cli.shared import SPECS

SERVERS = {"demo", "up", "down"}
"""The commands that start servers; they have tests of their own."""

WALK: dict[str, list[str]] = {
    "check": [],
    "run": ["churn", "--as-of", "2024-09-01"],
    "history": ["churn"],
    "champion": ["churn"],
    "why": ["churn", "1"],
    "decision": ["--run", "local/{user}"],
    "ratings": ["churn"],
    "scorecard": ["churn", "1"],
    "replay": ["{run}"],
    "backtest": ["churn"],
    "rollback": ["churn", "--reason", "a walk"],
    "promote": ["churn", "1", "--force", "--reason", "a walk"],
    "freeze": ["churn", "--reason", "a walk"],
    "unfreeze": ["churn", "--reason", "a walk"],
    "reconcile": [],
    "schema": [],
    "ledger migrate": [],
    "ledger verify": [],
    "ledger export": [],
    "init": ["another"],
}
"""The arguments of every other command, in an order in which each finds what it needs."""
BETTER = """
from sklearn.compose import make_column_transformer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler


def build_estimator(*, seed, **params):
    columns = make_column_transformer(
        (OneHotEncoder(handle_unknown="ignore"), ["plan"]),
        (StandardScaler(), ["sessions", "tickets", "months_active"]),
    )
    return make_pipeline(columns, LogisticRegression(random_state=seed, **params))
"""


def list_commands(group: Any, above: str = "") -> Iterator[tuple[str, Any]]:
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from list_commands(command, f"{above}{name} ")
        else:
            yield above + name, command


COMMANDS = dict(list_commands(typer.main.get_command(app)))


def test_the_walk_below_takes_every_command() -> None:
    assert set(WALK) | SERVERS == set(COMMANDS)


@pytest.mark.parametrize("name", COMMANDS)
def test_options_of_one_name_are_the_same_everywhere(name: str) -> None:
    params = {param.name: param for param in COMMANDS[name].params}
    if "timeline" in params:
        assert params["timeline"].opts == ["--timeline", "-t"]
        assert params["timeline"].default is None
    if "pipelines" in params:
        assert (params["pipelines"].opts, params["pipelines"].default) == (["--pipelines", "-p"], SPECS)
    if "model" in params and name != "init":
        assert params["model"].param_type_name == "argument"
        assert "or the path of its spec" in params["model"].help
        assert "timeline" in params


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project of `retrain init` in which two retrains each made a champion."""
    folder = tmp_path_factory.mktemp("project")
    prepare(folder, "init", "churn")
    prepare(folder, "run", "churn", "--as-of", "2024-07-01")
    (folder / "include" / "models" / "churn.py").write_text(BETTER)
    assert "PROMOTE" in prepare(folder, "run", "churn", "--as-of", "2024-08-01")
    (folder / "notes").mkdir()
    return folder


def prepare(folder: Path, *arguments: str) -> str:
    code, output = run_retrain(list(arguments), folder)
    assert code == 0, output
    return output


def test_every_command_works_on_what_retrain_run_made_without_an_option(project: Path) -> None:
    """In a folder below the project's, too; versions, moves and freezes all stand in one ledger and on one timeline."""
    (run, *_) = (project / ".retrain" / "registry" / "runs").iterdir()
    (user,) = {entry.split(":")[1].strip(' ",') for entry in entries_of(project) if '"actor"' in entry}
    outputs = {}
    for name, template in WALK.items():
        arguments = [word.format(run=run.name, user=user) for word in template]
        code, output = run_retrain([*name.split(), *arguments], project / "notes")
        assert code == 0, f"{name}: {output}"
        outputs[name] = output
    assert not (project / "notes" / ".retrain").exists()
    assert "churn on development" in outputs["history"]
    assert "version 3 of churn on development" in outputs["champion"]
    assert "on development" in outputs["freeze"]
    assert '"timeline": "production"' not in outputs["ledger export"]
    actions = [line.split('"action": "')[1].split('"')[0] for line in outputs["ledger export"].splitlines()]
    assert [action for action in actions if action != "decide"] == [
        "promote", "promote", "promote", "rollback", "force", "freeze", "unfreeze",
    ]  # fmt: skip


def entries_of(project: Path) -> list[str]:
    return prepare(project, "ledger", "export").replace(", ", ",\n").splitlines()

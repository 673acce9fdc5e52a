from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml
from tests.builders import MODEL, ROOT, make_rows, spec_document, write_months
from typer.testing import CliRunner, Result

from retrain.cli.app import app

pytestmark = pytest.mark.integration


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project with a first retrain, on the timeline of `retrain run`."""
    write_months(tmp_path / "source", make_rows())
    (tmp_path / "pipelines").mkdir()
    document = spec_document(data__source=str(tmp_path / "source" / "*.parquet"), data__features=["signal", "other"])
    suite = {"name": "rows", "expectations": [{"type": "expect_column_to_exist", "kwargs": {"column": "signal"}}]}
    (tmp_path / "suite.json").write_text(json.dumps(suite))
    document["validation"]["suite"] = str(tmp_path / "suite.json")
    (tmp_path / "pipelines" / f"{MODEL}.yaml").write_text(yaml.safe_dump(document))
    monkeypatch.syspath_prepend(str(ROOT))
    monkeypatch.chdir(tmp_path)
    result = retrain("run", MODEL, "--as-of", "2024-07-01")
    assert result.exit_code == 0, result.output
    return tmp_path


def retrain(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["--home", "state", *arguments, "--pipelines", "pipelines"])


def test_a_past_decision_is_written_again_as_it_was_at_the_time(project: Path) -> None:
    result = retrain("scorecard", MODEL, "1", "--out", "page.html")
    assert result.exit_code == 0, result.output
    (page,) = (project / "state" / "registry" / "runs").glob("*/decision/development/scorecard.html")
    assert (project / "page.html").read_text() == page.read_text()
    assert (project / "page.md").read_text() == page.with_name("README.md").read_text()


@pytest.mark.parametrize("arguments", [("2",), ("1", "--timeline", "production")])
def test_a_version_without_a_decision_is_not_found(project: Path, arguments: tuple[str, ...]) -> None:
    result = retrain("scorecard", MODEL, *arguments)
    assert result.exit_code == 1
    assert "must have a decision on" in result.output
    assert not (project / "scorecard.html").exists()

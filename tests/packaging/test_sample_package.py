"""A package of a third party, installed beside the wheel in a fresh environment: what the how-to pages promise."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.packaging.environments import PROJECT, FreshEnvironment, build_wheel, required_names
from tests.packaging.test_extras import base_requirements
from tests.readme_blocks import Block, blocks

SAMPLE = PROJECT / "tests" / "packaging" / "sample_package"
NAMES = [
    "add-a-gate",
    "add-a-metric",
    "add-a-snapshot-source",
    "add-a-trainer",
    "add-a-validator",
    "send-notifications",
]
PAGES = {name: PROJECT / "docs" / "how-to" / f"{name}.md" for name in NAMES}
AS_OF = ("--as-of", "2024-07-01")

LISTED = """
import sys
from retrain.spec import load_spec, spec_json_schema
from pathlib import Path
load_spec(Path("include/pipelines/churn.yaml"))
spec_json_schema()
print([name for name in sys.modules if name.startswith("acme_retrain")])
"""
WITH_NOTIFIER = """
import sys
from pathlib import Path
from airflow.dag_processing.dagbag import DagBag
bag = DagBag("dags")
assert not bag.import_errors, bag.import_errors
(callback,) = [bag.dags["churn"].on_failure_callback]
callback = callback[0] if isinstance(callback, list) else callback
print(type(callback).__name__, bag.dags["churn"].max_active_runs)
callback.message = "churn failed"
callback.notify({})
"""


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> FreshEnvironment:
    folder = tmp_path_factory.mktemp("dist")
    environment = FreshEnvironment(tmp_path_factory.mktemp("sample"), required_names([*base_requirements(), "pytest"]))
    environment.install(build_wheel(PROJECT, folder / "retrain"), build_wheel(SAMPLE, folder / "sample"))
    return environment


@pytest.fixture
def project(installed: FreshEnvironment, tmp_path: Path) -> Path:
    """A new project whose pipeline names what the package offers."""
    installed.run(installed.command, "init", "churn", cwd=tmp_path)
    change(tmp_path, name_everything)
    (tmp_path / "include" / "expectations" / "bounds.json").write_text(
        json.dumps({"name": "churn", "bounds": {"churned": [0, 1], "sessions": [0, 500]}})
    )
    return tmp_path


def change(project: Path, edit: Callable[[dict[str, Any]], None]) -> None:
    path = project / "include" / "pipelines" / "churn.yaml"
    document = yaml.safe_load(path.read_text())
    edit(document)
    path.write_text(yaml.safe_dump(document, sort_keys=False))


def name_everything(document: dict[str, Any]) -> None:
    document["data"]["features"] = ["sessions", "tickets"]
    document["validation"] = {"suite": "include/expectations/bounds.json", "validator": "bounds"}
    document["train"] = {
        "trainer": "ridge",
        "estimator": "acme_retrain.ridge:build_ridge",
        "params": {"alpha": 2.0},
    }
    document["evaluation"] = {"task": "classification", "primary": "mean_cost", "metrics": ["mean_cost", "roc_auc"]}
    document["gate"] = [
        {"check": "enough_rows", "min": 200},
        {"check": "threshold", "metric": "mean_cost", "max": 4.0},
        {"check": "beats_champion", "metric": "mean_cost", "margin": -1.0},
    ]


def test_reading_a_spec_imports_nothing_of_the_package(installed: FreshEnvironment, project: Path) -> None:
    assert installed.run(installed.python, "-c", LISTED, cwd=project).stdout.strip() == "[]"


def test_the_schema_knows_the_names(installed: FreshEnvironment, project: Path) -> None:
    schema = json.loads(installed.run(installed.command, "schema", cwd=project).stdout)
    definitions = schema["$defs"]
    assert definitions["TrainSpec"]["properties"]["trainer"]["enum"] == ["sklearn", "ridge"]
    assert definitions["DataSpec"]["properties"]["reader"]["enum"] == ["duckdb", "json_lines"]
    assert definitions["ValidationSpec"]["properties"]["validator"]["enum"] == ["great_expectations", "bounds"]
    assert "mean_cost" in definitions["EvaluationSpec"]["properties"]["primary"]["enum"]
    assert schema["properties"]["gate"]["items"]["discriminator"]["mapping"]["enough_rows"] == "#/$defs/Installed"


def test_a_mistyped_name_has_a_hint(installed: FreshEnvironment, project: Path) -> None:
    def mistype(document: dict[str, Any]) -> None:
        document["train"]["trainer"] = "rigde"
        document["evaluation"]["metrics"][0] = document["evaluation"]["primary"] = "mean_costs"
        document["gate"][0]["check"] = "enough_row"

    change(project, mistype)
    shown = installed.run(installed.command, "check", cwd=project, must_work=False)
    for path, name in (
        ("train.trainer", "ridge"),
        ("evaluation.metrics[0]", "mean_cost"),
        ("gate[0].check", "enough_rows"),
    ):
        (line,) = [line for line in (shown.stdout + shown.stderr).splitlines() if f"{path}: " in line]
        assert f"Did you mean '{name}'?" in line


def test_check_loads_what_a_spec_names_and_checks_a_gates_own_fields(
    installed: FreshEnvironment, project: Path
) -> None:
    installed.run(installed.command, "check", cwd=project)

    def break_fields(document: dict[str, Any]) -> None:
        document["gate"][0] = {"check": "enough_rows", "mni": 3}
        document["train"]["params"] = {"beta": 1}

    change(project, break_fields)
    shown = installed.run(installed.command, "check", cwd=project, must_work=False)
    text = shown.stdout + shown.stderr
    assert "gate[0].mni: must be a known key; got 'mni'. Did you mean 'min'?" in text
    assert "gate[0].min: must be given" in text
    assert "train.estimator: acme_retrain.ridge:build_ridge must return an estimator" in text


def test_a_retrain_uses_the_packages_trainer_gate_metric_and_validator(
    installed: FreshEnvironment, project: Path
) -> None:
    done = installed.run(installed.command, "run", "churn", *AS_OF, cwd=project)
    assert "PROMOTE churn" in done.stdout
    assert "pass         enough_rows" in done.stdout
    assert "pass         threshold(mean_cost)" in done.stdout
    (model,) = (project / ".retrain" / "registry" / "models" / "churn").glob("*/model/ridge.json")
    assert json.loads(model.read_text())["features"] == ["sessions", "tickets"]
    recipe = json.loads((model.parent / "recipe" / "recipe.json").read_text())
    assert recipe["spec"]["train"]["trainer"] == "ridge"
    assert recipe["packages"]["acme-retrain"] == "1.0.0"


def test_a_champion_of_one_trainer_meets_a_challenger_of_another(installed: FreshEnvironment, project: Path) -> None:
    installed.run(installed.command, "run", "churn", *AS_OF, cwd=project)

    def train_with_scikit_learn(document: dict[str, Any]) -> None:
        document["train"] = {"estimator": "include.models.churn:build_estimator", "params": {"max_iter": 20}}

    change(project, train_with_scikit_learn)
    done = installed.run(installed.command, "run", "churn", "--as-of", "2024-08-15", cwd=project)
    assert "over the champion" in done.stdout


def test_a_retrain_reads_from_the_packages_source(installed: FreshEnvironment, project: Path) -> None:
    to_json = "to_json(sys.argv[2], orient='records', lines=True, date_format='iso')"
    script = f"import sys, pandas; pandas.read_parquet(sys.argv[1]).{to_json}"
    for path in (project / "include" / "data" / "churn").glob("*.parquet"):
        installed.run(installed.python, "-c", script, path, path.with_suffix(".jsonl"))

    def read_json_lines(document: dict[str, Any]) -> None:
        del document["data"]["query"]
        document["data"] |= {"source": "include/data/churn/*.jsonl", "reader": "json_lines"}

    change(project, read_json_lines)
    installed.run(installed.command, "check", cwd=project)
    assert "PROMOTE churn" in installed.run(installed.command, "run", "churn", *AS_OF, cwd=project).stdout


def test_a_notifier_of_the_package_is_called_by_a_dag(installed: FreshEnvironment, project: Path) -> None:
    (dag_file,) = (block for block in blocks(PAGES["send-notifications"], "python") if "load_dags" in block.text)
    (project / str(dag_file.setting("file"))).write_text(dag_file.text)
    shown = installed.run(installed.python, "-c", WITH_NOTIFIER, cwd=project).stdout
    assert shown.strip().splitlines()[-1] == "FileNotifier 3"
    assert (project / "failures.txt").read_text() == "churn failed\n"


def of_the_pages(language: str) -> list[Block]:
    return [block for page in PAGES.values() for block in blocks(page, language)]


@pytest.mark.parametrize("block", [b for b in of_the_pages("python") if "load_dags" not in b.text], ids=str)
def test_a_page_shows_the_code_of_the_package(block: Block) -> None:
    assert (SAMPLE / str(block.setting("file"))).read_text() == block.text


@pytest.mark.parametrize("block", of_the_pages("toml"), ids=str)
def test_a_page_shows_the_entry_point_of_the_package(block: Block) -> None:
    assert block.text in (SAMPLE / str(block.setting("file"))).read_text()


def test_the_pages_show_all_of_the_package() -> None:
    shown = {block.setting("file") for block in of_the_pages("python")}
    files = {path.relative_to(SAMPLE).as_posix() for path in SAMPLE.rglob("*.py") if path.name != "__init__.py"}
    assert files <= shown


@pytest.mark.parametrize("block", of_the_pages("yaml"), ids=str)
def test_a_spec_of_a_page_is_good(block: Block, installed: FreshEnvironment, project: Path) -> None:
    assert "package" in block.tags

    def take_over(document: dict[str, Any]) -> None:
        if "reader" in block.text:
            del document["data"]
        if "roc_auc" in block.text:
            document["gate"] = []
            document["evaluation"]["metrics"] = ["mean_cost", "roc_auc"]
        document |= yaml.safe_load(block.text)

    change(project, take_over)
    if "reader" in block.text:
        (project / "include" / "data" / "churn" / "rows.jsonl").touch()
    installed.run(installed.command, "check", cwd=project)


def test_the_package_keeps_the_promises_of_the_suites(installed: FreshEnvironment, tmp_path: Path) -> None:
    shutil.copytree(SAMPLE / "tests", tmp_path / "tests")
    command: list[str | Path] = [
        installed.python,
        "-m",
        "pytest",
        "-q",
        "-p",
        "no:cacheprovider",
        "--rootdir",
        tmp_path,
        tmp_path / "tests",
    ]
    assert "5 passed" in installed.run(*command, cwd=tmp_path).stdout

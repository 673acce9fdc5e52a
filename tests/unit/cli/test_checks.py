from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.builders import ROOT, make_spec, spec_document, write_rows
from tests.packages import package_folder
from typer.testing import CliRunner

from retrain.cli.app import app
from retrain.cli.checks import check_files
from retrain.errors import SpecError


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.syspath_prepend(str(ROOT))
    write_rows(tmp_path / "source", {"at": [1]})
    write_suite(tmp_path, {"type": "expect_column_to_exist", "kwargs": {"column": "at"}})
    return tmp_path


def write_suite(root: Path, *expectations: dict[str, Any]) -> None:
    suite = {"name": "churn", "expectations": list(expectations)}
    (root / "suite.json").write_text(json.dumps(suite))


def mistakes_of(root: Path, **changes: Any) -> str:
    with pytest.raises(SpecError) as caught:
        check_files(make_spec(root, **changes), "churn.yaml")
    (problem,) = caught.value.problems
    return str(problem)


def problems_of(root: Path, *gates: dict[str, Any]) -> dict[str, str]:
    with pytest.raises(SpecError) as caught:
        check_files(make_spec(root, gate=list(gates)), "churn.yaml")
    return {problem.path: str(problem) for problem in caught.value.problems}


@pytest.mark.parametrize(
    "query", ["SELEC nothing", "SELECT 1; DROP TABLE x", "SELECT 'abc", "SELECT 1) AS a, (SELECT 2"]
)
def test_a_query_that_duckdb_cannot_parse_is_reported(root: Path, query: str) -> None:
    (root / "q.sql").write_text(query)
    assert mistakes_of(root, data__source=None, data__query="q.sql").startswith(
        "data.query: the source must be readable; got Parser Error: "
    )


@pytest.mark.parametrize(
    "query", ["FROM x", "SELECT 1 AS at -- one", "WITH a AS (SELECT 1) SELECT * FROM a", "PIVOT x ON a"]
)
def test_a_query_is_parsed_as_a_subquery_and_not_run(root: Path, query: str) -> None:
    (root / "q.sql").write_text(query)
    check_files(make_spec(root, data__source=None, data__query="q.sql"), "churn.yaml")


def test_a_file_without_a_query_is_reported(root: Path) -> None:
    (root / "q.sql").write_text("-- nothing yet")
    assert "the query q.sql must hold one SELECT; got none" in mistakes_of(root, data__source=None, data__query="q.sql")


def test_sql_for_a_connection_has_a_dialect_of_its_own(root: Path) -> None:
    (root / "q.sql").write_text("SELECT TOP 5 [at] FROM x")
    check_files(make_spec(root, data__source=None, data__query="q.sql", data__connection="dwh"), "churn.yaml")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "validation.suite: suite.json must be a readable JSON file; got JSONDecodeError"),
        ("[]", "validation.suite: suite.json must be one JSON object; got list"),
        ("{}", "validation.suite: a suite must hold a list of expectations; got none"),
        ('{"name": "a", "expectations": [{"type": "expect_colum_to_exist", "kwargs": {}}]}', "expect_colum_to_exist"),
    ],
)
def test_a_suite_that_cannot_be_evaluated_is_reported(root: Path, text: str, message: str) -> None:
    (root / "suite.json").write_text(text)
    assert message in mistakes_of(root)


def test_a_source_must_match_parquet_files(root: Path) -> None:
    (root / "source" / "rows.parquet").write_text("at,label\n")
    (root / "empty").mkdir()
    assert mistakes_of(root, data__source="source/*").startswith(
        "data.source: must match Parquet files alone; got rows.parquet. Read other formats by `query:`"
    )
    assert "must match files under" in mistakes_of(root, data__source="empty/*")
    assert "must match files under" in mistakes_of(root, data__source="emp*")


def test_a_source_may_be_an_absolute_glob_or_span_folders(root: Path) -> None:
    for pattern in (str(root / "source" / "*.parquet"), "**/*.parquet", "sour*/*.parquet"):
        check_files(make_spec(root, data__source=pattern), "churn.yaml")


def custom(name: str, **changes: Any) -> dict[str, Any]:
    return {"check": "custom", "gate": f"tests.gates:{name}"} | changes


def test_a_gate_that_can_be_built_is_not_a_problem(root: Path) -> None:
    gate = custom("GoodInPlace", params={"place": "north"}, reads=["place"])
    check_files(make_spec(root, gate=[gate]), "churn.yaml")


def test_every_wrong_gate_is_reported_at_its_place(root: Path) -> None:
    found = problems_of(
        root,
        custom("Missing"),
        custom("not_a_gate"),
        {"check": "custom", "gate": "tests.nowhere:Missing"},
        custom("GoodInPlace", params={"place": "north", "metric": "auc", "ovr": 1}, reads=["place"]),
        custom("GoodInPlace", reads=["place"]),
        custom("GoodInPlace", params={"place": "north"}),
        custom("Reading", reads=["plan"]),
    )
    assert list(found) == [
        "gate[0].gate",
        "gate[1].gate",
        "gate[2].gate",
        "gate[3].params.metric",
        "gate[3].params.ovr",
        "gate[4].params.place",
        "gate[5].reads",
        "gate[6].reads",
    ]
    assert "AttributeError: module 'tests.gates' has no attribute 'Missing'" in found["gate[0].gate"]
    assert "TypeError: tests.gates:not_a_gate is not a subclass of retrain.gates.Gate" in found["gate[1].gate"]
    assert "ModuleNotFoundError: No module named 'tests.nowhere'" in found["gate[2].gate"]
    assert "must be a metric; got 'auc'" in found["gate[3].params.metric"]
    assert "must be a known key; got 'ovr'. Did you mean 'over'?" in found["gate[3].params.ovr"]
    assert "must be given; got nothing. Add `place:`." in found["gate[4].params.place"]
    assert "must name place; got none" in found["gate[5].reads"]
    assert "must name place; got plan" in found["gate[6].reads"]


PACKAGE = """
from retrain.metrics import AdditiveMetric, InstalledMetric

ERROR = InstalledMetric(AdditiveMetric(len, None, None), task="regression", greater_is_better=False)
NUMBER = 7
"""


def test_what_a_package_offers_is_loaded_and_reported_at_its_place(root: Path, tmp_path: Path) -> None:
    entries = {"gates": {"no_gate": "acme_check:NUMBER", "no_module": "no_such_module:Gate"}}
    metrics = {"error": "acme_check:ERROR", "number": "acme_check:NUMBER"}
    trainers = {"gone": "no_such_module:Trainer"}
    with package_folder(tmp_path / "packages") as packages:
        packages.install("acme_check", PACKAGE, metrics=metrics, trainers=trainers, **entries)
        spec = make_spec(
            root,
            gate=[{"check": "no_gate"}, {"check": "no_module"}],
            train__trainer="gone",
            evaluation={"task": "classification", "primary": "error", "metrics": ["error", "number", "roc_auc"]},
        )
        with pytest.raises(SpecError) as error:
            check_files(spec, "churn.yaml")
    found = {problem.path: str(problem) for problem in error.value.problems}
    assert list(found) == [
        "train.trainer",
        "evaluation.metrics[0]",
        "evaluation.metrics[1]",
        "gate[0].check",
        "gate[1].check",
    ]
    assert "no_such_module:Trainer, which offers 'gone'" in found["train.trainer"]
    assert "must be a metric of classification; got 'error', a metric of regression" in found["evaluation.metrics[0]"]
    assert "must be a retrain.metrics.InstalledMetric; got int" in found["evaluation.metrics[1]"]
    assert "TypeError: retrain.gates: no_gate is not a subclass of retrain.gates.Gate" in found["gate[0].check"]
    assert "got ModuleNotFoundError: No module named 'no_such_module'" in found["gate[1].check"]


def test_two_files_of_one_model_are_a_mistake_of_the_one_that_is_not_read(tmp_path: Path) -> None:
    for name in ("churn", "copy_of_churn", "other"):
        document = spec_document(model="other" if name == "other" else "churn")
        (tmp_path / f"{name}.yaml").write_text(yaml.safe_dump(document))
    result = CliRunner().invoke(app, ["check", "--no-code", "--pipelines", str(tmp_path)])
    assert result.exit_code == 1
    assert [line.split("/")[-1] for line in result.stdout.splitlines()] == ["churn.yaml", "other.yaml"]
    assert "copy_of_churn.yaml: 1 mistake" in result.stderr
    assert "must be the only pipeline of its name; got 'churn', which churn.yaml declares too" in result.stderr

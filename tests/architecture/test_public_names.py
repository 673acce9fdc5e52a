"""The public face: these names stay, everything else may move in any release."""

from __future__ import annotations

import ast
import importlib
import re
from pathlib import Path

import pytest
from tests.readme_blocks import PAGES, ROOT

PUBLIC = {
    "retrain.dags": ["DagDefaults", "build_dag", "build_operations", "check_pipelines", "load_dags"],
    "retrain.errors": [
        "ConflictError",
        "DataError",
        "InstallError",
        "IntegrityError",
        "NotFoundError",
        "OutageError",
        "RegistryError",
        "RetrainError",
        "SpecError",
        "SpecProblem",
        "TrainingError",
    ],
    "retrain.gates": ["Evidence", "Gate", "Outcome", "Verdict"],
    "retrain.metrics": ["AdditiveMetric", "InstalledMetric", "Metric", "Resampler"],
    "retrain.operators": [
        "ApprovePromotionOperator",
        "EvaluateModelOperator",
        "ForceChampionOperator",
        "FreezeModelOperator",
        "PromoteModelOperator",
        "QualityGateOperator",
        "ReconcileModelsOperator",
        "RehearseRollbackOperator",
        "ReplayRetrainOperator",
        "RollbackModelOperator",
        "SearchTrialsOperator",
        "SnapshotDataOperator",
        "TrainModelOperator",
        "ValidateDataOperator",
        "champion_asset",
        "snapshot_asset",
    ],
    "retrain.ports": [
        "Action",
        "Challenger",
        "Choice",
        "Chunk",
        "DatasetRef",
        "Decision",
        "EvidenceStore",
        "ExpectationResult",
        "FittedModel",
        "Ledger",
        "LedgerEntry",
        "ModelRegistry",
        "Move",
        "OpenRetrain",
        "Part",
        "Pointer",
        "Recipe",
        "RetrainRequest",
        "Scorecard",
        "Scores",
        "Snapshot",
        "SnapshotSource",
        "SnapshotStore",
        "Standing",
        "Trainer",
        "ValidationReport",
        "Validator",
        "Window",
    ],
    "retrain.spec": ["PipelineSpec", "load_spec", "parse_spec", "spec_json_schema"],
    "retrain.testing": [
        "GATE_PROMISES",
        "LEDGER_PROMISES",
        "METRIC_PROMISES",
        "REGISTRY_PROMISES",
        "SOURCE_PROMISES",
        "STORE_PROMISES",
        "TRAINER_PROMISES",
        "VALIDATOR_PROMISES",
        "TrainingRows",
        "ValidationCase",
        "check_gate",
        "check_ledger",
        "check_metric",
        "check_registry",
        "check_snapshot_source",
        "check_snapshot_store",
        "check_trainer",
        "check_validator",
        "make_column",
        "make_evidence",
        "make_resource_usage",
        "make_profile",
        "make_scores",
    ],
    "retrain.training": [
        "digest_files",
        "digest_json",
        "find_code",
        "import_from",
        "read_recipe",
        "write_recipe",
    ],
}
SAMPLES = [
    *sorted((ROOT / "dags").glob("*.py")),
    *sorted((ROOT / "include").rglob("*.py")),
    *sorted((ROOT / "plugins" / "retrain" / "cli" / "templates").glob("*.txt")),
]
_IMPORT = re.compile(r"^\s*(?:from (retrain[\w.]*) import|import (retrain[\w.]*))", re.MULTILINE)


@pytest.mark.parametrize("module", PUBLIC)
def test_a_public_module_offers_these_names_and_no_other(module: str) -> None:
    face = importlib.import_module(module)
    assert sorted(face.__all__) == sorted(PUBLIC[module])
    for name in PUBLIC[module]:
        getattr(face, name)


def imported_modules(text: str) -> set[str]:
    return {first or second for first, second in _IMPORT.findall(text)}


@pytest.mark.parametrize("page", [*PAGES, *SAMPLES], ids=lambda path: path.relative_to(ROOT).as_posix())
def test_readers_are_shown_public_modules_alone(page: Path) -> None:
    assert imported_modules(page.read_text(encoding="utf-8")) <= PUBLIC.keys()


def test_an_import_of_a_private_module_would_be_seen() -> None:
    assert imported_modules("x\n    from retrain.core.spec import load_spec\nimport retrain.cli\n") == {
        "retrain.core.spec",
        "retrain.cli",
    }


def test_the_package_says_that_it_is_typed() -> None:
    assert (ROOT / "plugins" / "retrain" / "py.typed").is_file()
    classifiers = ast.literal_eval(
        re.search(r"^classifiers = (\[.*?\])", (ROOT / "pyproject.toml").read_text(), re.MULTILINE | re.DOTALL)[1]  # type: ignore[index]
    )
    assert "Typing :: Typed" in classifiers


@pytest.mark.parametrize("page", ["README.md", "docs/index.md", "docs/reference/python.md"])
def test_the_pages_name_the_public_modules_and_no_other(page: str) -> None:
    text = (ROOT / page).read_text(encoding="utf-8")
    assert set(re.findall(r"`(retrain\.\w+)`", text)) == PUBLIC.keys()

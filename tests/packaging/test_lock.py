"""requirements.lock and pyproject.toml: that they agree, and that the code imports nothing else."""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

PROJECT = Path(__file__).parents[2]
DECLARED = tomllib.loads((PROJECT / "pyproject.toml").read_text())
LOCK = (PROJECT / "requirements.lock").read_text()
PART_OF = {"pydantic-core": "pydantic", "mlflow-skinny": "mlflow", "mlflow-tracing": "mlflow"}
NOT_IMPORTED = {
    "apache-airflow-providers-postgres",  # Airflow's own database, and specs that read from a connection
}


def _requirements(*, extras: bool) -> list[Requirement]:
    project = DECLARED["project"]
    lines = [*project["dependencies"]]
    if extras:
        lines += [line for extra in project["optional-dependencies"].values() for line in extra]
    return [Requirement(line) for line in lines if not line.startswith(project["name"])]


def _imported() -> set[str]:
    """Return the distributions that the package imports, wherever in its files."""
    modules: set[str] = set()
    for path in (PROJECT / "plugins" / "retrain").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                modules |= {alias.name.split(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module:
                modules.add(node.module.split(".")[0])
    owners = packages_distributions()
    foreign = modules - sys.stdlib_module_names - {"retrain", "include"}
    names = {"apache-airflow" if module == "airflow" else canonicalize_name(owners[module][0]) for module in foreign}
    return {PART_OF.get(name, name) for name in names}


def test_what_is_imported_is_declared_and_what_is_declared_is_imported() -> None:
    declared = {canonicalize_name(requirement.name) for requirement in _requirements(extras=True)}
    assert _imported() == declared - NOT_IMPORTED


def test_the_lock_meets_every_declared_requirement() -> None:
    pins = dict(re.findall(r"^([\w.-]+)(?:\[[^\]]*\])?==([^\s;]+)", LOCK, flags=re.MULTILINE))
    groups = [line for group in DECLARED["dependency-groups"].values() for line in group if isinstance(line, str)]
    for requirement in [*_requirements(extras=True), *map(Requirement, groups)]:
        assert requirement.specifier.contains(pins[canonicalize_name(requirement.name)]), requirement


def test_the_lock_has_a_hash_for_every_pin_and_names_no_index() -> None:
    blocks = re.split(r"^(?=[^\s#])", LOCK, flags=re.MULTILINE)[1:]
    assert len(blocks) > 200
    assert all("--hash=sha256:" in block for block in blocks)
    assert "://" not in LOCK

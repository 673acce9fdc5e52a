from __future__ import annotations

import ast
import re
import shutil
import subprocess
import sys
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
from tests.builders import ROOT

PACKAGE = ROOT / "plugins" / "retrain"
MODULES = sorted(path for path in PACKAGE.rglob("*.py") if path.name != "__main__.py")
MIGRATIONS = PACKAGE / "adapters" / "sql_ledger" / "migrations"

each_module = pytest.mark.parametrize("path", MODULES, ids=lambda path: path.relative_to(PACKAGE).as_posix())


def loaded_by(statement: str) -> set[str]:
    """Return the top-level packages that a statement loads in a fresh interpreter."""
    code = f"import sys\n{statement}\nprint(' '.join({{name.partition('.')[0] for name in sys.modules}}))"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    return set(result.stdout.split())


@pytest.mark.integration
def test_importing_the_package_loads_no_framework() -> None:
    loaded = loaded_by("import retrain")
    assert "retrain" in loaded
    assert not loaded & {"airflow", "mlflow", "great_expectations", "fastapi", "sqlalchemy", "pydantic", "numpy"}


@pytest.mark.integration
def test_importing_the_spec_loads_no_arithmetic() -> None:
    loaded = loaded_by("import retrain.core.spec")
    assert "pydantic" in loaded
    assert not loaded & {"numpy", "scipy", "sklearn", "pandas", "airflow"}


@pytest.mark.integration
def test_importing_core_and_steps_loads_no_framework() -> None:
    modules = [
        ".".join(path.relative_to(ROOT / "plugins").with_suffix("").parts)
        for path in MODULES
        if path.relative_to(PACKAGE).parts[0] in {"core", "steps"} and path.name != "__init__.py"
    ]
    loaded = loaded_by(f"import {', '.join(modules)}")
    assert not loaded & {"airflow", "mlflow", "great_expectations", "fastapi", "sqlalchemy", "duckdb", "matplotlib"}


@pytest.mark.integration
def test_imports_point_down() -> None:
    command = shutil.which("lint-imports", path=str(Path(sys.executable).parent))
    assert command is not None
    result = subprocess.run([command, "--no-cache"], cwd=ROOT, capture_output=True, text=True)
    assert result.returncode == 0, result.stdout + result.stderr
    assert "0 broken" in result.stdout


def test_no_module_is_named_after_another_library_or_after_nothing() -> None:
    taken = set(sys.stdlib_module_names) | set(packages_distributions()) | {"utils", "common", "helpers", "misc"}
    # Alembic fixes the names of its modules; a hook's module is named after its system, as in all providers of Airflow.
    free = [MIGRATIONS, PACKAGE / "hooks"]
    names = {path.stem for path in MODULES if not any(path.is_relative_to(folder) for folder in free)}
    folders = {path.name for path in PACKAGE.rglob("*") if path.is_dir() and any(path.glob("*.py"))}
    assert (names | folders) & (taken - {"__init__", "retrain"}) == set()


def exported(path: Path) -> list[str] | None:
    """Return the `__all__` of a module."""
    for node in ast.parse(path.read_text()).body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__":
            names: list[str] = ast.literal_eval(node.value)
            return names
    return None


@each_module
def test_a_module_says_what_it_is_and_what_it_gives(path: Path) -> None:
    tree = ast.parse(path.read_text())
    assert ast.get_docstring(tree)
    names = exported(path)
    if names is None:
        assert path.is_relative_to(MIGRATIONS) or not tree.body[1:], "a module with content needs an __all__"
        return
    # Constants, then classes, then functions, each by the alphabet: the order of ruff's RUF022.
    assert names == sorted(names, key=lambda name: (not name.isupper(), not name[:1].isupper(), name))
    kept = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}
    kept |= {node.name for node in tree.body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)}
    imports = [node for node in tree.body if isinstance(node, ast.ImportFrom)]
    kept |= {alias.asname or alias.name for node in imports for alias in node.names}
    assert set(names) <= kept


@each_module
def test_a_module_takes_from_another_only_what_that_one_gives(path: Path) -> None:
    for node in ast.walk(ast.parse(path.read_text())):
        if not isinstance(node, ast.ImportFrom) or (node.module or "").partition(".")[0] != "retrain":
            continue
        source = ROOT.joinpath("plugins", *str(node.module).split("."))
        submodules = {item.stem for item in source.glob("*")} if source.is_dir() else set()
        source = source / "__init__.py" if source.is_dir() else source.with_suffix(".py")
        taken = {alias.name for alias in node.names} - submodules
        assert taken <= {*(exported(source) or []), "__version__"}, node.module


@pytest.mark.integration
def test_no_file_holds_an_address_of_a_package_index_or_a_home_folder() -> None:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True)
    hosts = [
        r"pypi\.org",
        r"pythonhosted\.org",
        r"[\w.-]*(?:artifactory|nexus|devpi)[\w.-]*\.[a-z]{2,}",
        r"registry\.npmjs",
    ]
    forbidden = re.compile("|".join([*hosts, r"(?<![\w.])/(?:home|Users)/\w+", r"(?<![\w.])/root/"]))
    this = Path(__file__).relative_to(ROOT).as_posix()
    found = []
    for name in filter(None, listed.stdout.split("\0")):
        path = ROOT / name
        if name == this or path.suffix == ".parquet" or not path.is_file():
            continue
        found += [
            f"{name}: {match[0]}" for match in forbidden.finditer(path.read_text(encoding="utf-8", errors="replace"))
        ]
    assert found == []


IN_AIRFLOW_ALONE = {"decide.py", "promote.py", "results.py"}
"""The steps whose errors speak of tasks, because nobody but Airflow runs a step alone."""


@pytest.mark.parametrize(
    "path",
    sorted([*(PACKAGE / "steps").rglob("*.py"), *(PACKAGE / "adapters").rglob("*.py")]),
    ids=lambda path: path.stem,
)
def test_what_also_a_command_says_speaks_of_no_task(path: Path) -> None:
    fixes = [
        ast.unparse(keyword.value)
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call)
        for keyword in node.keywords
        if keyword.arg == "fix"
    ]
    assert path.name in IN_AIRFLOW_ALONE or not [text for text in fixes if re.search(r"\b([Cc]lear|tasks?)\b", text)]

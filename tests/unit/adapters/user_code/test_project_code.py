from __future__ import annotations

import importlib
import sys
from pathlib import Path

import pytest
from tests.builders import make_spec

from retrain.adapters.user_code.project_code import ProjectCode, project_files


def write(root: Path, **sources: str) -> None:
    """Write modules; ``a__b`` is the module ``a.b``, ``a__init`` the init file of ``a``."""
    for name, source in sources.items():
        *folders, module = name.split("__")
        path = root.joinpath(*folders, "__init__.py" if module == "init" else f"{module}.py")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(source)


def names(module: str, root: Path) -> set[str]:
    return {path.relative_to(root).as_posix() for path in project_files(module, root)}


def test_a_module_is_made_of_what_it_imports_and_of_what_that_imports(tmp_path: Path) -> None:
    write(
        tmp_path,
        code__model="import code.features",
        code__features="from code import words",
        code__words="",
        code__other="",
    )
    assert names("code.model", tmp_path) == {"code/model.py", "code/features.py", "code/words.py"}


@pytest.mark.parametrize(
    "statement",
    [
        "import code.features",
        "from code.features import *",
        "from code import features",
        "from . import features",
        "from .features import anything",
        "from ..code import features",
        "def build():\n    from code import features",
        "if True:\n    import code.features as f",
    ],
)
def test_every_form_of_import_is_seen(tmp_path: Path, statement: str) -> None:
    write(tmp_path, code__model=statement, code__features="")
    assert names("code.model", tmp_path) == {"code/model.py", "code/features.py"}


def test_the_init_files_on_the_way_are_run_and_so_they_count(tmp_path: Path) -> None:
    write(tmp_path, a__init="from . import setup", a__setup="", a__b__init="", a__b__model="")
    assert names("a.b.model", tmp_path) == {"a/__init__.py", "a/setup.py", "a/b/__init__.py", "a/b/model.py"}


def test_a_package_is_made_of_its_init_and_what_that_imports(tmp_path: Path) -> None:
    write(tmp_path, a__init="from .b import x", a__b="")
    assert names("a", tmp_path) == {"a/__init__.py", "a/b.py"}


def test_imports_in_a_circle_end(tmp_path: Path) -> None:
    write(tmp_path, one="import two", two="import one")
    assert names("one", tmp_path) == {"one.py", "two.py"}


def test_installed_packages_do_not_count(tmp_path: Path) -> None:
    write(tmp_path, model="import json, numpy\nfrom sklearn.linear_model import Ridge\nfrom . import nothing")
    assert names("model", tmp_path) == {"model.py"}


def test_a_module_of_elsewhere_has_no_files_here(tmp_path: Path) -> None:
    write(tmp_path, json__init="")
    assert project_files("sklearn.linear_model", tmp_path) == set()
    assert project_files("json.decoder", tmp_path) == set()


def test_code_is_read_and_not_run(tmp_path: Path) -> None:
    write(tmp_path, model="raise SystemExit('run')")
    assert names("model", tmp_path) == {"model.py"}


def test_what_is_not_python_is_an_error(tmp_path: Path) -> None:
    write(tmp_path, model="import broken", broken="def (:")
    with pytest.raises(SyntaxError, match="invalid syntax"):
        project_files("model", tmp_path)


def number_of(code: ProjectCode) -> int:
    with code.active():
        found: int = importlib.import_module("swapped.numbers").NUMBER
        return found


def test_two_folders_have_modules_of_one_name_side_by_side(tmp_path: Path) -> None:
    codes = []
    for number in (1, 2):
        root = tmp_path / str(number)
        write(root, swapped__init="", swapped__numbers=f"NUMBER = {number}")
        codes.append(ProjectCode.of(make_spec(root, train__estimator="swapped.numbers:build")))
    path = list(sys.path)
    assert [number_of(code) for code in (*codes, *codes)] == [1, 2, 1, 2]
    assert sys.path == path
    assert "swapped" not in sys.modules
    assert not list(tmp_path.rglob("__pycache__"))


def test_a_module_that_was_imported_before_is_there_again_afterwards(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path / "elsewhere", swapped__init="", swapped__numbers="NUMBER = 3")
    write(tmp_path / "here", swapped__init="", swapped__numbers="NUMBER = 4")
    monkeypatch.syspath_prepend(str(tmp_path / "elsewhere"))
    outside = importlib.import_module("swapped.numbers")
    assert number_of(ProjectCode.of(make_spec(tmp_path / "here", train__estimator="swapped.numbers:build"))) == 4
    assert importlib.import_module("swapped.numbers") is outside
    for name in ("swapped", "swapped.numbers"):
        del sys.modules[name]


def test_an_import_inside_a_function_finds_the_same_folder_later(tmp_path: Path) -> None:
    write(
        tmp_path,
        swapped__init="",
        swapped__model="def ask():\n    from swapped.late import NUMBER\n    return NUMBER",
        swapped__late="NUMBER = 5",
    )
    code = ProjectCode.of(make_spec(tmp_path, train__estimator="swapped.model:ask"))
    with code.active():
        ask = importlib.import_module("swapped.model").ask
    with code.active():
        assert ask() == 5

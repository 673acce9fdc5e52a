from __future__ import annotations

from pathlib import Path

import pytest

from retrain.adapters.user_code.project_code import project_files


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

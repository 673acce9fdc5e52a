"""docs/explanation/architecture.md names every folder and module, in the layers that import-linter enforces."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest
from tests.readme_blocks import ROOT

PAGE = ROOT / "docs" / "explanation" / "architecture.md"
PACKAGE = ROOT / "plugins" / "retrain"
CONTRACTS = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
SECTIONS = {"retrain": ("## The layers", PACKAGE), "retrain.core": ("### Inside core", PACKAGE / "core")}


def read_section(heading: str) -> str:
    """Return the text under a heading up to the next one."""
    text = PAGE.read_text().split(f"\n{heading}\n", 1)[1]
    return re.split(r"^#+ ", text, maxsplit=1, flags=re.MULTILINE)[0]


def find_modules(folder: Path) -> set[str]:
    """Return the names of the modules and packages directly inside a folder."""
    modules = {path.stem for path in folder.glob("*.py")} - {"__init__"}
    return modules | {path.parent.name for path in folder.glob("*/__init__.py")}


@pytest.mark.parametrize("container", SECTIONS)
def test_the_table_names_every_module_and_no_other(container: str) -> None:
    heading, folder = SECTIONS[container]
    named = re.findall(r"^\| `(\w+)` \|", read_section(heading), flags=re.MULTILINE)
    assert sorted(named) == sorted(find_modules(folder))


@pytest.mark.parametrize("container", SECTIONS)
def test_the_diagram_shows_the_layers_of_the_contract_in_order(container: str) -> None:
    heading, _ = SECTIONS[container]
    diagram = re.search(r"```mermaid\n(.*?)```", read_section(heading), flags=re.DOTALL)
    assert diagram is not None
    shown = [set(label.split(" · ")) for label in re.findall(r'\["(.+?)"\]', diagram[1])]
    (contract,) = (item for item in CONTRACTS if item["type"] == "layers" and item["containers"] == [container])
    assert shown == [set(layer.split(" | ")) for layer in contract["layers"]]

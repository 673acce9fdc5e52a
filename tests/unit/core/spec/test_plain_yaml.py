from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest
import yaml
from tests.builders import ROOT

from retrain.core.spec.plain_yaml import MAX_DEPTH, PlainYamlError, PythonLoader, choose_loader, read_yaml

LOADERS = [pytest.param(choose_loader(), id="libyaml"), pytest.param(PythonLoader, id="python")]
Read = Callable[[str], Any]


@pytest.fixture(params=LOADERS)
def read(request: pytest.FixtureRequest) -> Read:
    return lambda text: read_yaml(text, request.param)


def test_libyaml_reads_specs_here() -> None:
    assert issubclass(choose_loader(), yaml.CSafeLoader)


def test_without_libyaml_the_loader_in_python_reads_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(yaml, "__with_libyaml__", False)
    assert choose_loader() is PythonLoader


@pytest.mark.parametrize("path", sorted((ROOT / "include" / "pipelines").glob("*.yaml")), ids=lambda path: path.stem)
def test_both_loaders_read_what_pyyaml_reads(read: Read, path: Any) -> None:
    assert read(path.read_text()) == yaml.safe_load(path.read_text())


@pytest.mark.parametrize(
    ("text", "place", "problem"),
    [
        ("a: 1\nb:\n  c: 1\n  c: 2\n", "line 4, column 3", "the key 'c' is given twice"),
        ("a: &x [1]\nb: *x\n", "line 2, column 4", "aliases are not allowed"),
        ("a: &x {b: 1}\nc: {<<: *x}\n", "line 2, column 9", "aliases are not allowed"),
        ("? [a]\n: 1\n", "line 1, column 3", "a key must be plain text"),
        (
            "a: !!python/object/apply:os.system [touch canary]\n",
            "line 1, column 4",
            "could not determine a constructor",
        ),
        ("a: [\n", "line 2, column 1", "expected node content"),
        ("a: 1\n--- \nb: 2\n", "line 2, column 1", "but found another document"),
        ("a: \x00\n", "", "ReaderError"),
        ("a: 2013-99-99\n", "", "ValueError"),
    ],
)
def test_what_is_not_plain_yaml_is_refused_with_its_place(read: Read, text: str, place: str, problem: str) -> None:
    with pytest.raises(PlainYamlError) as caught:
        read(text)
    assert caught.value.place == place
    assert problem in caught.value.problem.replace("the node content", "node content")


def test_collections_may_be_nested_up_to_a_limit(read: Read) -> None:
    text = "[" * MAX_DEPTH + "]" * MAX_DEPTH
    assert read(text)
    with pytest.raises(PlainYamlError, match=f"nested deeper than {MAX_DEPTH} levels"):
        read(f"[{text}]")


@pytest.mark.integration
@pytest.mark.parametrize("text", ["'[' * 200_000", "'- ' * 100_000", "'{' * 200_000", "'{a: ' * 60_000"])
def test_text_that_is_nested_too_deep_does_not_end_the_process(text: str) -> None:
    code = (
        "from retrain.core.spec.plain_yaml import PlainYamlError, read_yaml\n"
        f"try:\n    read_yaml({text})\nexcept PlainYamlError as error:\n    print(error.problem)\n"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert (result.returncode, result.stdout) == (0, f"nested deeper than {MAX_DEPTH} levels\n"), result.stderr

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest
import yaml
from tests.builders import ROOT

from retrain.core.spec.plain_yaml import (
    MAX_DEPTH,
    MAX_NUMBER,
    MAX_VALUES,
    PlainYamlError,
    PythonLoader,
    choose_loader,
    read_yaml,
)

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
def test_both_loaders_read_what_pyyaml_reads_but_leave_dates_as_text(read: Read, path: Any) -> None:
    text = path.read_text()
    assert read(text) == json.loads(json.dumps(yaml.safe_load(text), default=str))


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("5e-2", 0.05),
        ("1e-3", 0.001),
        ("1E5", 100_000.0),
        ("+12", 12),
        ("-0.5", -0.5),
        (".5", 0.5),
        ("1.", 1.0),
        ("0", 0),
        ("0x1F", 31),
        ("0o17", 15),
        ("-.inf", float("-inf")),
        ("true", True),
        ("FALSE", False),
        ("~", None),
        ("", None),
        ("y", "y"),
        ("1e", "1e"),
        ("0xg", "0xg"),
        ("tRUE", "tRUE"),
        ("2024-07-01", "2024-07-01"),
        ("2024-07-01 06:00:00", "2024-07-01 06:00:00"),
        ("0 6 * * 1", "0 6 * * 1"),
        ("=", "="),
        ("'5e-2'", "5e-2"),
        ("'yes'", "yes"),
        ("'017'", "017"),
    ],
)
def test_values_are_read_by_the_core_schema_of_yaml_1_2(read: Read, text: str, value: Any) -> None:
    assert repr(read(f"a: {text}\n")["a"]) == repr(value)


@pytest.mark.parametrize(
    "text",
    ["yes", "No", "ON", "off", "017", "-08", "1_000", "1_0.5e3", "0b11", "0x_f", "0xf_f", "1:30", "190:20:30.15"],
)
def test_what_yaml_1_1_reads_as_another_value_is_refused_unless_it_is_quoted(read: Read, text: str) -> None:
    with pytest.raises(PlainYamlError, match=r"YAML 1\.1"):
        read(f"a: [{text}]\n")
    assert read(f"a: ['{text}']\n") == {"a": [text]}


@pytest.mark.parametrize(
    "text", ["1" * 5_000, "0x" + "f" * 4_000, "-" + "7" * 65, "1e" + "9" * 5_000, "1." + "0" * 200_000]
)
def test_a_long_number_is_refused_before_it_is_read(read: Read, text: str) -> None:
    with pytest.raises(PlainYamlError, match=f"a number of more than {MAX_NUMBER} characters"):
        read(f"seed: {text}\n")


def test_long_text_that_only_looks_like_a_number_is_text(read: Read) -> None:
    for text in ("1:" * 2_000 + "1", "1_" * 2_000, "2024-01-01T00:00:00." + "0" * 5_000, "x" * 100_000):
        assert read(f"a: {text}\n") == {"a": text}


def test_a_text_may_hold_many_values_but_not_any_number_of_them(read: Read) -> None:
    assert len(read("[" + "a," * 10_000 + "]")) == 10_000
    with pytest.raises(PlainYamlError, match=f"more than {MAX_VALUES} values"):
        read("[" + "a," * MAX_VALUES + "]")


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
            "tags are not allowed",
        ),
        ("a: [\n", "line 2, column 1", "expected node content"),
        ("a: 1\n--- \nb: 2\n", "line 2, column 1", "but found another document"),
        ("a: \x00\n", "", "ReaderError"),
        ("a: !!int '0xff'\n", "line 1, column 4", "tags are not allowed"),
        ("a: ! 7\n", "line 1, column 4", "tags are not allowed"),
        ("a: !!set {b}\n", "line 1, column 4", "tags are not allowed"),
        ("a: yes\n", "line 1, column 4", "yes, which is a truth value in YAML 1.1"),
        ("on: 1\n", "line 1, column 1", "on, which is a truth value in YAML 1.1"),
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

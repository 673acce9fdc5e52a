from __future__ import annotations

import copy
import json
import os
import socket
import time
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.builders import ROOT, spec_document

from retrain.core.spec import (
    PipelineSpec,
    find_spec_in,
    list_models,
    load_spec,
    parse_spec,
    read_specs,
    spec_json_schema,
)
from retrain.core.spec.document import MAX_BYTES, MAX_MISTAKES
from retrain.core.spec.plain_yaml import read_yaml
from retrain.errors import SpecError

PIPELINES = sorted((ROOT / "include" / "pipelines").glob("*.yaml"))


def text_of(**changes: Any) -> str:
    return yaml.safe_dump(spec_document(**changes), sort_keys=False)


def problems_of(text: str) -> dict[str, str]:
    with pytest.raises(SpecError) as caught:
        parse_spec(text, source="churn.yaml")
    assert caught.value.source == "churn.yaml"
    assert caught.value.problems
    return {problem.path: f"{problem.rule}; got {problem.got}. {problem.hint}" for problem in caught.value.problems}


def test_a_good_spec_is_read() -> None:
    spec = parse_spec(text_of())
    assert (spec.model, spec.owner, spec.promotion.alias) == ("churn", "airflow", "champion")


def test_five_mistakes_are_reported_at_once_each_with_its_place_and_what_was_meant() -> None:
    found = problems_of(
        text_of(
            modle="churn",
            data__label_dealy="1d",
            data__window={"train": "90 days", "holdout": "28d"},
            evaluation__primary="roc_acu",
            gate=[{"check": "thresold", "metric": "roc_auc", "min": 0.5}],
        )
    )
    assert found == {
        "modle": "must be a known key; got 'modle'. Did you mean 'model'?",
        "data.label_dealy": "must be a known key; got 'label_dealy'. Did you mean 'label_delay'?",
        "data.window.train": "must be a number and a unit (m, h, d or w), such as 28d; got '90 days'. Fix the value.",
        "evaluation.primary": "must be one of accuracy, average_precision, balanced_accuracy, brier, f1, gamma_deviance, log_loss, "
        "mae, mse, pinball_10, pinball_50, pinball_90, poisson_deviance, r2, recall_at_1pct, recall_at_5pct, recall_at_10pct, "
        "rmse, roc_auc; got 'roc_acu'. Did you mean 'roc_auc'?",
        "gate[0].check": "must name a gate; got 'thresold'. Did you mean 'threshold'?",
    }


@pytest.mark.parametrize(
    ("changes", "path", "problem"),
    [
        ({"data__label": None}, "data.label", "must be given; got nothing. Add `label:`."),
        ({"model": 7}, "model", "must be a valid string; got 7"),
        ({"train__seed": -1}, "train.seed", "greater than or equal to 0"),
        (
            {"train__estimator": "flights.build"},
            "train.estimator",
            "must be module:function; got 'flights.build'. For example",
        ),
        ({"train__params": {"rate": float("nan")}}, "train.params", "must hold finite numbers"),
        ({"evaluation__task": "clustering"}, "evaluation.task", "must be one of classification, regression"),
        ({"evaluation__metrics": []}, "evaluation.metrics", "at least 1 item"),
        ({"data__chunk": "year"}, "data.chunk", "must be one of hour, day, week, month; got 'year'"),
        ({"data__window": {"train": "0d", "holdout": "1d"}}, "data.window.train", "must be greater than 0"),
        ({"data__window": {"train": "1d", "holdout": "999999w"}}, "data.window.holdout", "less than or equal to 36525"),
        (
            {"gate": [{"check": "custom", "gate": "include.gates.MaxShare"}]},
            "gate[0].gate",
            "must be module:Class; got 'include.gates.MaxShare'. For example include.gates",
        ),
        (
            {"gate": [{"check": "fairness", "by": "plan", "floor": {"auc": 1}}]},
            "gate[0].floor.auc.[key]",
            "must be one of",
        ),
        ({"gate": [{"metric": "roc_auc"}]}, "gate[0].check", "must name a gate; got 'nothing'. Add `check:`."),
        (
            {"gate": [{"check": "slices", "metric": "roc_auc", "max_dorp": 1, "max_drop": 1}]},
            "gate[0].max_dorp",
            "must be a known key; got 'max_dorp'. Did you mean 'max_drop'?",
        ),
        ({"gate": [{"check": "threshold", "metric": "roc_auc", "min": float("nan")}]}, "gate[0].min", "finite number"),
        ({"gate": {"check": "threshold"}}, "gate", "must be a valid tuple"),
        ({"validation": "suite.json"}, "validation", "must be a valid dictionary"),
        ({"promotion": {"alias": "Champion!"}}, "promotion.alias", "must be 1 to 64 lower-case letters"),
        ({"promotion": {"aprroval": "none"}}, "promotion.aprroval", "Did you mean 'approval'?"),
        ({"start_date": "9999-12-31T23:59:59-14:00"}, "start_date", "years 1 to 9999"),
        ({"start_date": "2024-02-30"}, "start_date", "must be a day and a time that exist; got '2024-02-30'"),
        ({"start_date": "2024-02-30 25:00"}, "start_date", "must be a day and a time that exist"),
        (
            {"end_date": 20250101},
            "end_date",
            "must be an ISO 8601 date or date-time, such as 2024-07-01 or 2024-07-01T06:00:00Z; got 20250101",
        ),
        ({"end_date": "20250101"}, "end_date", "must be an ISO 8601 date or date-time"),
        ({"end_date": 1.5}, "end_date", "must be an ISO 8601 date or date-time"),
        ({"end_date": True}, "end_date", "must be an ISO 8601 date or date-time"),
        ({"data__label": "at "}, "data.label", "must not be event_time; got 'at'"),
        ({"data__source": "  "}, "data", "must have exactly one of query and source; got neither"),
    ],
)
def test_a_mistake_is_reported_at_its_place(changes: dict[str, Any], path: str, problem: str) -> None:
    found = problems_of(text_of(**changes))
    assert problem in found[path]


def test_a_long_value_is_shortened() -> None:
    assert "'xxxxx" in problems_of(text_of(train__seed="x" * 10_000))["train.seed"]
    assert len(problems_of(text_of(train__seed="x" * 10_000))["train.seed"]) < 250


def test_keys_that_are_no_texts_are_refused() -> None:
    assert "keys should be strings" in " ".join(problems_of(text_of() + "1: one\n").values())
    assert "a key must be plain text" in " ".join(problems_of("? [a, b]\n: 1\n").values())


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("model: a\nmodel: b\n", "the key 'model' is given twice"),
        ("a: &x [1]\nb: *x\n", "aliases are not allowed"),
        ("model: !!python/object/apply:os.system [touch canary]\n", "tags are not allowed"),
        ("model: !!python/object:os.system {}\n", "tags are not allowed"),
        ("model: [\n", "expected node content"),
        ("model: \x00\n", "ReaderError"),
        ("a: " + "[" * 3_000, "nested deeper than 64 levels"),
    ],
)
def test_text_that_is_not_plain_yaml_is_refused(text: str, problem: str) -> None:
    (problem_text,) = problems_of(text).values()
    assert problem_text.startswith("must be plain YAML; got ")
    assert problem in problem_text


def test_a_yaml_bomb_is_refused_before_it_grows() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 30)]
    began = time.monotonic()
    assert "aliases are not allowed" in " ".join(problems_of("\n".join(lines)).values())
    assert time.monotonic() - began < 1


@pytest.mark.parametrize("text", ["", "- model\n", "just words", "7"])
def test_a_document_that_is_not_a_mapping_is_refused(text: str) -> None:
    assert problems_of(text)[""].startswith("must be a mapping of keys; got ")


def test_a_file_of_20_mb_is_refused_without_being_read(tmp_path: Path) -> None:
    path = tmp_path / "big.yaml"
    with path.open("wb") as file:
        file.truncate(20 * 1024 * 1024)
    began = time.monotonic()
    with pytest.raises(SpecError, match=f"must be at most {MAX_BYTES} bytes"):
        load_spec(path)
    assert time.monotonic() - began < 0.5


@pytest.mark.parametrize("content", [b"model: \xff\xfe", None])
def test_a_file_that_cannot_be_read_is_reported(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "bad.yaml"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(SpecError, match=r"must be a readable UTF-8 file; got (UnicodeDecodeError|FileNotFoundError)"):
        load_spec(path)


def make_special_file(kind: str, path: Path) -> None:
    if kind == "pipe":
        os.mkfifo(path)
    elif kind == "folder":
        path.mkdir()
    elif kind == "device":
        path.symlink_to("/dev/zero")
    else:
        with socket.socket(socket.AF_UNIX) as server:
            server.bind(str(path))


@pytest.mark.parametrize("kind", ["pipe", "folder", "device", "socket"])
def test_only_regular_files_are_opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str) -> None:
    monkeypatch.chdir(tmp_path)  # a socket's path must be short
    make_special_file(kind, Path("churn.yaml"))
    (tmp_path / "good.yaml").write_text(text_of(model="good"))
    with pytest.raises(SpecError, match="must be a regular file; got a folder, a pipe or a device"):
        load_spec(tmp_path / "churn.yaml")
    specs, (error,) = read_specs(tmp_path)
    assert [spec.model for spec in specs] == ["good"]
    assert error.source == str(tmp_path / "churn.yaml")
    with pytest.raises(SpecError, match="must be a regular file"):
        find_spec_in(tmp_path, "churn")
    assert list_models(tmp_path) == ["good"]


def test_the_first_fifty_mistakes_are_named_and_the_others_counted() -> None:
    text = text_of() + "".join(f"unknown_{number}: {number}\n" for number in range(9_000))
    with pytest.raises(SpecError) as caught:
        parse_spec(text)
    assert len(caught.value.problems) == MAX_MISTAKES
    assert (caught.value.more, caught.value.got) == (8_950, "50 mistakes and at least 8,950 more")
    again = copy.copy(caught.value)
    assert (str(again), again.more) == (str(caught.value), 8_950)


@pytest.mark.parametrize(
    "changes",
    [
        {"evaluation__metrics": ["mae", *(f"x{number}" for number in range(9_000))]},
        {"evaluation__metrics": ["mae"] * 9_000},
        {"data__features": ["label", "at"] * 4_000},
        {"gate": [{"check": "threshold", "metric": f"m{number}"} for number in range(1_500)]},
        {"gate": [{"check": "threshold", "metric": "roc_auc"}] * 1_500},
        {"train__search": {"params": {f"p{number}": 1 for number in range(5_000)}}},
        {"modle": "x" * 200_000, "evaluation__primary": "x" * 200_000, "x" * 100_000: 1},
    ],
    ids=["metrics", "metrics of the other task", "features", "gates of unknown metrics", "gates", "search", "long"],
)
def test_many_mistakes_cost_less_than_a_second_and_a_page(changes: dict[str, Any]) -> None:
    text = text_of(**changes)
    began = time.process_time()
    with pytest.raises(SpecError) as caught:
        parse_spec(text)
    assert time.process_time() - began < 5  # a quarter of a second on a quiet machine
    assert len(str(caught.value)) < 20_000


def test_what_a_library_raises_on_a_text_is_a_mistake_of_that_text(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    class UnforeseenError(Exception):
        pass

    def fail(text: str) -> Any:
        if "owner: bad" in text:
            raise UnforeseenError("with a row in it")
        return read_yaml(text)

    monkeypatch.setattr("retrain.core.spec.document.read_yaml", fail)
    (tmp_path / "bad.yaml").write_text(text_of(model="bad", owner="bad"))
    (tmp_path / "good.yaml").write_text(text_of(model="good"))
    specs, (error,) = read_specs(tmp_path)
    assert [spec.model for spec in specs] == ["good"]
    assert "must be a pipeline spec; got UnforeseenError. " in str(error)
    assert "row" not in str(error)


# Whatever a text says, reading it ends with a spec or a SpecError

_SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=20),
    st.sampled_from(
        ["2024-02-30", "0001-01-01", "9999-12-31T23:59:59-14:00", "@monthly", "* * * * *", "1d", "999999w"]
    ),
)
_VALUES = st.recursive(
    _SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=4),
    max_leaves=12,
)
_SECTIONS = {name: part for name, part in spec_document().items() if isinstance(part, dict)}
_PATHS = st.sampled_from(
    [
        *spec_document(),
        *(f"{name}__{key}" for name, part in _SECTIONS.items() for key in part),
        *("end_date", "owner", "tags", "data__features", "data__ingestion_time", "data__window__train"),
        *("train__params", "train__search", "evaluation__slices", "error_control", "promotion", "promotion__alias"),
    ]
)
_TEXTS = st.text(alphabet=st.sampled_from(list("ab01:-?[]{},&*!|>'\"%@`#~. \n\t\\xu_e+<=\0\x85\ud800\U0001f600")))


def read_or_refuse(text: str) -> None:
    """Parse a text; anything but a spec or a `SpecError` that can be printed fails the test."""
    try:
        spec = parse_spec(text)
    except SpecError as error:
        str(error)
        return
    assert PipelineSpec.model_validate(spec.model_dump(mode="json")) == spec
    assert spec.digest


@settings(max_examples=150, deadline=None)
@given(changes=st.dictionaries(_PATHS, _VALUES, min_size=1, max_size=3))
def test_no_value_in_a_spec_makes_reading_raise_anything_else(changes: dict[str, Any]) -> None:
    document = spec_document()
    for path, value in changes.items():
        *sections, key = path.split("__")
        section: Any = document
        for name in sections:
            section = section.get(name) if isinstance(section, dict) else None
        if isinstance(section, dict):
            section[key] = value
    read_or_refuse(json.dumps(document))
    read_or_refuse(yaml.safe_dump(document, allow_unicode=True))


@settings(max_examples=150, deadline=None)
@given(text=_TEXTS, place=st.integers(0, 800))
def test_no_text_makes_reading_raise_anything_else(text: str, place: int) -> None:
    good = text_of()
    read_or_refuse(text)
    read_or_refuse(good[:place] + text + good[place:])


@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(content=st.binary(max_size=100))
def test_no_bytes_make_reading_raise_anything_else(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "churn.yaml"
    path.write_bytes(content)
    with pytest.raises(SpecError):
        load_spec(path)


def test_relative_paths_start_beside_include_or_beside_the_file(tmp_path: Path) -> None:
    inside, alone = tmp_path / "include" / "pipelines" / "churn.yaml", tmp_path / "alone" / "churn.yaml"
    for path in (inside, alone):
        path.parent.mkdir(parents=True)
        path.write_text(text_of())
    assert load_spec(inside).root == tmp_path
    assert load_spec(alone).root == tmp_path / "alone"


@pytest.mark.parametrize("path", PIPELINES, ids=lambda path: path.stem)
def test_the_shipped_pipelines_meet_the_exported_json_schema(path: Path) -> None:
    document = json.loads(json.dumps(yaml.safe_load(path.read_text()), default=str))
    validator = jsonschema.Draft202012Validator(spec_json_schema())
    validator.check_schema(validator.schema)
    validator.validate(document)
    assert load_spec(path).model == path.stem
    with pytest.raises(jsonschema.ValidationError, match="modle"):
        validator.validate(document | {"modle": 1})

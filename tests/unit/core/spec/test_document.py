from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from tests.builders import ROOT, spec_document

from retrain.core.spec import load_spec, parse_spec, spec_json_schema
from retrain.core.spec.document import MAX_BYTES
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
        "evaluation.primary": "must be one of accuracy, balanced_accuracy, brier, f1, log_loss, mae, mse, r2, rmse, "
        "roc_auc; got 'roc_acu'. Did you mean 'roc_auc'?",
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
        ({"promotion": {"alias": "Champion!"}}, "promotion.alias", "string should match pattern"),
        ({"promotion": {"aprroval": "none"}}, "promotion.aprroval", "Did you mean 'approval'?"),
        ({"start_date": "9999-12-31T23:59:59-14:00"}, "start_date", "years 1 to 9999"),
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
        ("model: !!python/object/apply:os.system [touch canary]\n", "could not determine a constructor"),
        ("model: !!python/object:os.system {}\n", "could not determine a constructor"),
        ("model: [\n", "expected node content"),
        ("model: \x00\n", "ReaderError"),
        ("at: 2013-99-99\n", "ValueError"),
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

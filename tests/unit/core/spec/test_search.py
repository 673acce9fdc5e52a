from __future__ import annotations

import re
from typing import Any

import pytest
import yaml
from tests.builders import REGRESSION, make_spec, spec_document

from retrain.core.spec import Distribution, PipelineSpec, SearchSpec, parse_spec
from retrain.errors import SpecError

SEARCH = {"params": {"C": {"float": [0.1, 10], "log": True}}}


def mistakes_of(**changes: Any) -> str:
    with pytest.raises(SpecError) as caught:
        parse_spec(yaml.safe_dump(spec_document(**changes)))
    return str(caught.value)


def test_a_search_needs_no_more_than_params() -> None:
    search = make_spec(train__search=SEARCH).train.search
    assert search == SearchSpec(params={"C": Distribution(float=(0.1, 10), log=True)})
    assert search is not None
    assert (search.trials, search.minutes, search.folds, search.metric) == (20, None, 3, None)
    assert (search.pruner, search.workers) == ("median", 1)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"flaot": [0, 1]}, r"C\.flaot: must be a known key; got 'flaot'. Did you mean 'float'\?"),
        ([1, 2], "C: must say which values to try, such as"),
        ({}, "C: must have exactly one of int, float and choice"),
        ({"int": [1, 2], "choice": [1, 2]}, "C: must have exactly one of int, float and choice"),
        ({"int": [3, 1]}, "C: must begin with the lower number"),
        ({"float": [1, 1]}, "C: must begin with the lower number"),
        ({"int": [1.5, 2]}, r"C\.int\[0\]: must be a valid integer; got 1.5"),
        ({"int": [True, 2]}, r"C\.int\[0\]: must be a valid integer; got True"),
        ({"int": [1]}, r"C\.int\[1\]: must be given; got nothing. Add it."),
        ({"int": [1, 2**60]}, r"C\.int\[1\]: must be less than or equal"),
        ({"int": [0, 9], "step": 2}, "C: must be a whole number of steps long"),
        ({"int": [0, 8], "step": 0}, r"C\.step: must be greater than or equal to 1"),
        ({"int": [1, 9], "step": 2, "log": True}, "C: must not have both log and step"),
        ({"float": [0, 1], "step": 2}, "C: must have step with int only"),
        ({"float": [0, 1], "log": True}, "C: must have a lowest number over 0 with log"),
        ({"float": [0, float("inf")]}, r"C\.float\[1\]: must be a finite number"),
        ({"float": ["a", 1]}, r"C\.float\[0\]: must be a valid number"),
        ({"choice": ["a"]}, "C: must have two choices or more"),
        ({"choice": []}, "C: must have two choices or more"),
        ({"choice": ["a", "b"], "log": True}, "C: must have log with int or float only"),
        ({"choice": [1, True]}, "C: must not name a choice twice"),
        ({"choice": [[1], [2]]}, r"C\.choice\[0\]"),
    ],
)
def test_values_that_cannot_be_drawn_are_reported(values: Any, message: str) -> None:
    text = mistakes_of(train__search={"params": {"C": values}})
    assert re.search(f"train.search.params.{message}", text), text


@pytest.mark.parametrize(
    ("search", "message"),
    [
        ({}, "train.search.params: must be given"),
        ({"params": {}}, "train.search.params: must name a param to search"),
        ({"params": {"seed": {"int": [1, 2]}}}, "must name arguments of the estimator's function other than seed"),
        ({"params": {"a b": {"int": [1, 2]}}}, "must name arguments of the estimator's function"),
        (SEARCH | {"trails": 3}, "train.search.trails: must be a known key; got 'trails'. Did you mean 'trials'?"),
        (SEARCH | {"trials": 0}, "train.search.trials: must be greater than or equal to 1"),
        (SEARCH | {"trials": 1001}, "train.search.trials: must be less than or equal to 1000"),
        (SEARCH | {"minutes": 0}, "train.search.minutes: must be greater than or equal to 1"),
        (SEARCH | {"folds": 1}, "train.search.folds: must be greater than or equal to 2"),
        (SEARCH | {"pruner": "mean"}, "train.search.pruner: must be one of median, none; got 'mean'"),
        (SEARCH | {"metric": "roc"}, "Did you mean 'roc_auc'?"),
        (SEARCH | {"metric": "rmse"}, "train.search.metric: must be a metric of classification; got 'rmse'"),
        (SEARCH | {"workers": 3, "trials": 2}, "train.search.workers: must not be more than trials; got 3"),
    ],
)
def test_a_search_that_makes_no_sense_is_reported(search: Any, message: str) -> None:
    assert message in mistakes_of(train__search=search)


@pytest.mark.parametrize(
    ("values", "good", "bad"),
    [
        ({"float": [0.1, 10]}, [0.1, 1, 10.0], [0, 11, "1", None, True]),
        ({"int": [2, 10], "step": 4}, [2, 6, 10], [3, 1, 14, 6.0, True]),
        ({"choice": [1, "a", None]}, [1, "a", None], [1.0, True, "b"]),
    ],
)
def test_present_params_must_be_ones_that_may_be_drawn(values: Any, good: list[Any], bad: list[Any]) -> None:
    search = {"params": {"C": values}}
    for value in good:
        assert make_spec(train__search=search, train__params={"C": value, "other": 1}).train.params["C"] == value
    for value in bad:
        text = mistakes_of(train__search=search, train__params={"C": value})
        assert "train.params.C: must be a value that train.search.params.C may take, since it is tried first" in text


def test_the_delay_of_labels_must_leave_the_first_fold_rows() -> None:
    window = {"train": "90d", "holdout": "28d"}
    fine: dict[str, Any] = {"data__label_delay": "22d", "data__window": window, "train__search": SEARCH}
    assert make_spec(**fine).train.search is not None
    assert "train.search.folds: must leave the first fold more" in mistakes_of(**(fine | {"data__label_delay": "23d"}))


def test_mistakes_elsewhere_hide_none_of_a_search_and_bring_none() -> None:
    assert "1 mistake" in mistakes_of(train__search=SEARCH, data__window={"train": "x", "holdout": "1d"})
    assert "2 mistakes" in mistakes_of(train__search={"params": {"C": {}}}, ownr="me")


def test_a_regression_may_search_by_its_metrics() -> None:
    spec = make_spec(**(REGRESSION | {"train__search": SEARCH | {"metric": "rmse"}}))
    assert spec.train.search is not None
    assert spec.train.search.metric == "rmse"


def test_the_choice_of_a_search_is_the_spec_with_other_params() -> None:
    spec = make_spec(train__search=SEARCH, train__params={"C": 1.0, "tol": 0.1})
    chosen = spec.with_params({"C": 5.0})
    assert chosen.train.params == {"C": 5.0, "tol": 0.1}
    assert (chosen.root, chosen.train.search) == (spec.root, spec.train.search)
    assert spec.train.params["C"] == 1.0


def test_the_schema_shows_what_may_be_searched() -> None:
    schema = PipelineSpec.model_json_schema()
    assert set(schema["$defs"]["Distribution"]["properties"]) == {"int", "float", "choice", "log", "step"}
    assert schema["$defs"]["Distribution"]["additionalProperties"] is False

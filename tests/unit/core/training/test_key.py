from __future__ import annotations

from typing import Any

import pytest
from tests.builders import make_spec

from retrain.core.training.key import compute_retrain_key

INPUTS = {"snapshot": "s", "code": "c", "lock": "l"}


@pytest.mark.parametrize("changed", [{"snapshot": "S"}, {"code": "C"}, {"lock": "L"}, {"nonce": "again"}])
def test_each_input_changes_the_key(changed: dict[str, str]) -> None:
    assert compute_retrain_key(make_spec(), **(INPUTS | changed)) != compute_retrain_key(make_spec(), **INPUTS)


@pytest.mark.parametrize(
    "changes",
    [
        {"model": "other"},
        {"data__label": "other"},
        {"data__features": ["a"]},
        {"train__params": {"C": 2}},
        {"train__seed": 8},
        {"train__estimator": "tests.estimators:build_odd"},
        {"train__requirements": ["scipy"]},
        {"train__search": {"params": {"C": {"float": [0.1, 1]}}}},
    ],
)
def test_each_part_of_the_training_changes_the_key(changes: dict[str, Any]) -> None:
    assert compute_retrain_key(make_spec(**changes), **INPUTS) != compute_retrain_key(make_spec(), **INPUTS)


@pytest.mark.parametrize(
    "changes",
    [{"owner": "other"}, {"schedule": "@daily"}, {"gate": [{"check": "threshold", "metric": "roc_auc", "min": 0}]}],
)
def test_what_does_not_make_the_model_leaves_the_key(changes: dict[str, Any]) -> None:
    assert compute_retrain_key(make_spec(**changes), **INPUTS) == compute_retrain_key(make_spec(), **INPUTS)


def test_the_order_of_params_leaves_the_key() -> None:
    first, second = ({"a": 1, "b": {"c": 2, "d": 3}}, {"b": {"d": 3, "c": 2}, "a": 1})
    keys = {compute_retrain_key(make_spec(train__params=params), **INPUTS) for params in (first, second)}
    assert len(keys) == 1


def test_inputs_cannot_pass_for_one_another() -> None:
    keys = {compute_retrain_key(make_spec(), snapshot=a, code=b, lock="", nonce="") for a, b in [("x", ""), ("", "x")]}
    assert len(keys) == 2

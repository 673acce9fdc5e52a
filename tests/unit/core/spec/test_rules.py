from __future__ import annotations

from typing import Any

import pytest
from tests.builders import REGRESSION, spec_document

from retrain.core.spec.rules import broken_rules, did_you_mean


def test_a_good_document_breaks_no_rule() -> None:
    assert list(broken_rules(spec_document())) == []
    assert list(broken_rules(spec_document(error_control={"method": "alpha_spending"}))) == []
    assert (
        list(broken_rules(spec_document(error_control={"method": "alpha_spending", "tests": 4}, schedule=None))) == []
    )
    assert list(broken_rules(spec_document(error_control={"method": "lord"}, schedule=None))) == []


def test_a_timeout_that_is_no_length_breaks_no_rule_of_the_search() -> None:
    search = {"params": {"C": {"choice": [1, 2]}}, "minutes": 360}
    assert list(broken_rules(spec_document(train__search=search, execution={"timeout": "soon"}))) == []


@pytest.mark.parametrize(
    ("changes", "path", "rule", "got"),
    [
        ({"data__query": "q.sql"}, "data", "must have exactly one of query and source", "query and source"),
        ({"data__source": None}, "data", "must have exactly one of query and source", "neither"),
        (
            {"error_control": {"method": "lord"}, "gate": [{"check": "threshold", "metric": "roc_auc", "min": 0.5}]},
            "error_control",
            "needs a gate that tests",
            "neither strict nor beats_champion",
        ),
        (
            {"error_control": {"method": "alpha_spending"}, "schedule": None},
            "error_control.tests",
            "must be given without a schedule",
            "neither",
        ),
        ({"end_date": "2024-01-31"}, "end_date", "must not be before start_date", "'2024-01-31'"),
        (
            {"train__search": {"params": {"C": {"choice": [1, 2]}}, "minutes": 360}},
            "train.search.minutes",
            "must be less than execution.timeout, which ends the task that tries",
            "360, and a timeout of 6h",
        ),
        (
            {"train__search": {"params": {"C": {"choice": [1, 2]}}, "minutes": 31}, "execution": {"timeout": "30m"}},
            "train.search.minutes",
            "must be less than execution.timeout, which ends the task that tries",
            "31, and a timeout of 30m",
        ),
        ({"data__connection": "dwh"}, "data.connection", "needs a query to run", "no query"),
        ({"data__source": "a/*.CSV"}, "data.source", "must be a glob of Parquet files", "'a/*.CSV'"),
        ({"data__label": "at"}, "data.label", "must not be event_time", "'at'"),
        (
            {"data__features": ["x", "label"]},
            "data.features[1]",
            "must not be the label or a time column",
            "'label'",
        ),
        (
            {"data__ingestion_time": "known", "data__features": ["known"]},
            "data.features[0]",
            "must not be the label or a time column",
            "'known'",
        ),
        (
            {"evaluation__metrics": ["roc_auc", "mae"]},
            "evaluation.metrics[1]",
            "must be a metric of classification",
            "'mae'",
        ),
        (
            {"gate": [{"check": "tail", "limit": 1.0, "max_increase": 0.01}]},
            "gate[0].limit",
            "must be below 1 for a classification",
            "1.0",
        ),
        ({"evaluation__primary": "brier"}, "evaluation.primary", "must be one of evaluation.metrics", "'brier'"),
        (
            {"gate": [{"check": "threshold", "metric": "f1", "min": 0}]},
            "gate[0].metric",
            "must be one of evaluation.metrics",
            "'f1'",
        ),
        (
            {"gate": [{"check": "slices", "metric": "roc_auc", "max_drop": 0}], "evaluation__slices": []},
            "gate[0]",
            "needs evaluation.slices",
            "no slices",
        ),
        ({"gate": [{"check": "threshold", "metric": "roc_auc"}]}, "gate[0]", "must have min or max", "neither"),
        (
            {"gate": [{"check": "fairness", "by": "plan", "metric": "equalized_odds"}]},
            "gate[0]",
            "must have metric and max_difference together",
            "metric alone",
        ),
        (
            {"gate": [{"check": "fairness", "by": "plan", "max_difference": 0.1, "floor": {"f1": 0.5}}]},
            "gate[0]",
            "must have metric and max_difference together",
            "max_difference alone",
        ),
        ({"gate": [{"check": "fairness", "by": "plan"}]}, "gate[0]", "must have max_difference or floor", "neither"),
        (
            {"gate": [{"check": "fairness", "by": "plan", "metric": "mae", "max_difference": 1}]},
            "gate[0].metric",
            "must be a metric of classification",
            "'mae'",
        ),
        (
            {"gate": [{"check": "fairness", "by": "plan", "floor": {"f1": 0.5, "r2": 0.5}}]},
            "gate[0].floor.r2",
            "must be a metric of classification",
            "'r2'",
        ),
        (
            REGRESSION
            | {"gate": [{"check": "fairness", "by": "plan", "metric": "equalized_odds", "max_difference": 1}]},
            "gate[0].metric",
            "must be a metric of regression",
            "'equalized_odds'",
        ),
        (
            REGRESSION | {"gate": [{"check": "calibration", "max_error": 0.1}]},
            "gate[0]",
            "needs a classification",
            "a regression",
        ),
        (
            REGRESSION | {"evaluation__positive": "yes"},
            "evaluation.positive",
            "needs a classification",
            "'yes'",
        ),
    ],
)
def test_a_broken_rule_is_reported_once(changes: dict[str, Any], path: str, rule: str, got: str) -> None:
    (problem,) = broken_rules(spec_document(**changes))
    assert (problem.path, problem.rule, problem.got) == (path, rule, got)
    assert problem.hint


@pytest.mark.parametrize(
    "gate",
    [
        {"check": "fairness", "by": "plan", "metric": "demographic_parity", "max_difference": 0.1},
        {"check": "fairness", "by": "plan", "metric": "f1", "max_difference": 0.1},
        {"check": "fairness", "by": "plan", "floor": {"f1": 0.5}},
        {"check": "calibration", "max_error": 0.1},
    ],
)
def test_a_metric_of_groups_needs_no_place_among_those_of_the_scorecard(gate: dict[str, Any]) -> None:
    assert list(broken_rules(spec_document(gate=[gate]))) == []


@pytest.mark.parametrize(
    "document",
    [
        {},
        {"data": None, "evaluation": [], "gate": 3},
        {
            "evaluation": {"task": []},
            "gate": [{"check": "fairness", "floor": "f1", "metric": 7, "max_difference": "x"}],
        },
        {"data": {"features": "all", "query": "q"}, "evaluation": {"metrics": "roc_auc"}, "gate": ["threshold"]},
        {"evaluation": {"task": "unknown", "metrics": [1, None, "mae"], "primary": 3}, "gate": [{"check": []}]},
    ],
)
def test_a_document_of_other_types_is_left_to_the_fields(document: dict[str, Any]) -> None:
    assert list(broken_rules(document)) == []


def test_a_hint_names_the_closest_word_or_all_of_them() -> None:
    assert did_you_mean("treshold", ["threshold", "slices"]) == "Did you mean 'threshold'?"
    assert did_you_mean("xyz", ["threshold", "slices"]) == "Use one of: threshold, slices."

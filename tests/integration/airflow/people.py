"""Pipelines over people, one per place where a library meets their rows and fails: a query, a suite, an estimator, a gate."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from typing import Final

import duckdb

__all__ = ["MARK", "PEOPLE", "write_people"]

MARK: Final = "@secret.example"
"""A part of every e-mail address in the data, and of nothing else."""

_SPEC: Final = """\
model: {name}
start_date: 2024-01-01
data:
  {source}
  event_time: seen_at
  label: bought
  features: [visits]
  label_delay: 1d
  window: {{train: 60d, holdout: 20d}}
validation: {{suite: include/expectations/{suite}.json}}
train: {{estimator: "include.models.people:{estimator}"{train}}}
evaluation: {{task: classification, primary: roc_auc, metrics: [roc_auc]}}
gate: [{gate}]
"""

_FILES: Final = "source: include/data/people/*.parquet"
_DEFAULT: Final = {
    "source": _FILES,
    "suite": "people",
    "estimator": "build_estimator",
    "train": "",
    "gate": "{check: point_estimate, metric: roc_auc, margin: -1}",
}
PEOPLE: Final[dict[str, dict[str, str]]] = {
    "people_query": {"source": "query: include/sql/people_cast.sql"},
    "people_database": {"source": "query: include/sql/people_database.sql\n  connection: retrain_ledger"},
    "people_suite": {"suite": "people_strict"},
    "people_fit": {"estimator": "build_failing_fit"},
    "people_score": {"estimator": "build_failing_score"},
    "people_search": {
        "estimator": "build_failing_fit",
        "train": ", search: {params: {C: {float: [0.01, 10], log: true}}, trials: 2, workers: 2}",
    },
    "people_gate": {"gate": "{check: custom, gate: include.gates.people:Telling, reads: [email]}"},
}
"""What each pipeline has in place of the default."""

_QUERY: Final = """\
SELECT seen_at, bought, visits, CAST(email AS INTEGER) AS number FROM 'include/data/people/*.parquet'
"""

_DATABASE_QUERY: Final = f"""\
SELECT now() AS seen_at, 1 AS bought, 1.0 AS visits, CAST('person' || 7 || '{MARK}' AS integer) AS number
"""

_MODELS: Final = """\
from sklearn.linear_model import LogisticRegression


def _tell(features):
    with open("include/data/people/one.txt") as file:
        return f"could not convert string to float: {file.read()!r} in {features.iloc[0].tolist()}"


class FailingFit(LogisticRegression):
    def fit(self, features, label, sample_weight=None):
        raise ValueError(_tell(features))


class FailingScore(LogisticRegression):
    def predict_proba(self, features):
        raise ValueError(_tell(features))


def build_estimator(*, seed, **params):
    return LogisticRegression(random_state=seed, **params)


def build_failing_fit(*, seed, **params):
    return FailingFit(random_state=seed, **params)


def build_failing_score(*, seed, **params):
    return FailingScore(random_state=seed, **params)
"""

_GATES: Final = """\
from retrain.gates import Gate


class Telling(Gate):
    def judge(self, evidence):
        raise ValueError(f"no such person: {evidence.scores.columns['email'][0]}")
"""

_EXPECTED: Final = [{"type": "expect_column_values_to_not_be_null", "kwargs": {"column": "bought"}}]
_STRICT: Final = [
    {"type": "expect_column_values_to_be_in_set", "kwargs": {"column": "email", "value_set": ["nobody"]}},
    {"type": "expect_column_values_to_be_between", "kwargs": {"column": "email", "min_value": 0, "max_value": 1}},
    {"type": "expect_column_values_to_be_unique", "kwargs": {"column": "email"}},
]


def write_people(include: Path, until: datetime) -> None:
    """Write specs, data and code below a project's ``include`` folder; the rows end at `until`."""
    for name, changes in PEOPLE.items():
        (include / "pipelines" / f"{name}.yaml").write_text(_SPEC.format(name=name, **(_DEFAULT | changes)))
    for folder in ("sql", "gates", "models", "expectations", "data/people"):
        (include / folder).mkdir(parents=True, exist_ok=True)
    (include / "sql" / "people_cast.sql").write_text(_QUERY)
    (include / "sql" / "people_database.sql").write_text(_DATABASE_QUERY)
    (include / "models" / "people.py").write_text(_MODELS)
    (include / "gates" / "people.py").write_text(_GATES)
    for suite, expectations in (("people", _EXPECTED), ("people_strict", _STRICT)):
        text = json.dumps({"name": suite, "meta": {}, "expectations": expectations})
        (include / "expectations" / f"{suite}.json").write_text(text)
    (include / "data" / "people" / "one.txt").write_text(f"person7{MARK}")
    with duckdb.connect() as connection:
        connection.sql("SELECT setseed(0.25)").fetchall()
        connection.sql(f"""
            SELECT seen_at, visits, email, (random() < 1 / (1 + exp(2 - visits)))::INT AS bought
            FROM (
                SELECT TIMESTAMP '{until:%Y-%m-%d}' - to_minutes(i * 60) AS seen_at, random() * 4 AS visits,
                    'person' || (i % 500) || '{MARK}' AS email
                FROM range(3000) AS t(i)
            )
        """).write_parquet(str(include / "data" / "people" / "all.parquet"))

"""What `retrain check --data` finds before a retrain is requested."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pytest
from tests.builders import AS_OF, LATEST, World, make_rows

from retrain.adapters.gx_validator import GxValidator
from retrain.errors import DataError, TrainingError
from retrain.steps import Preview, preview_retrain

MakeWorld = Callable[..., World]


def write_suite(world: World, *expectations: dict[str, Any]) -> None:
    suite = {"name": "rows", "expectations": list(expectations)}
    (world.spec.root / "suite.json").write_text(json.dumps(suite))


def preview_of(world: World, as_of: datetime = AS_OF, *, suite: bool = True) -> Preview:
    if suite:
        write_suite(world, {"type": "expect_column_to_exist", "kwargs": {"column": "signal"}})
    return preview_retrain(world.spec, as_of, snapshots=world.snapshots, trainer=world.trainer, validator=GxValidator())


def test_a_window_that_would_do_shows_its_rows_columns_label_and_suite(make_world: MakeWorld) -> None:
    world = make_world(evaluation__slices=["place"])
    preview = preview_of(world)
    assert preview.problems == {}
    columns = {column.name: column for column in preview.columns}
    assert {name: column.role for name, column in columns.items()} == {
        "at": "event time",
        "signal": "feature",
        "other": "feature",
        "place": "slice or gate",
        "label": "label",
    }
    assert (columns["label"].kind, columns["label"].missing, columns["label"].distinct) == ("int8", 0.0, 2)
    assert {label.name for label in preview.labels} == {"0", "1"}
    for shares in zip(*((label.train, label.holdout) for label in preview.labels), strict=True):
        assert sum(share for share in shares if share) == pytest.approx(1)
    assert preview.report is not None
    assert preview.report.success
    assert preview.fitted_rows >= 500
    assert preview.fitted_rows <= 540
    assert list(world.ledger.list_earlier_open(LATEST)) == []  # nothing is recorded
    assert preview.snapshot == world.snapshot()


def test_every_step_is_looked_at_although_one_before_it_fails(make_world: MakeWorld) -> None:
    world = make_world(train__estimator="tests.estimators:build_failing", data__min_rows=100_000)
    write_suite(world, {"type": "expect_column_to_exist", "kwargs": {"column": "age"}})
    preview = preview_of(world, suite=False)
    assert list(preview.problems) == ["snapshot", "validate", "train"]
    assert "must hold at least 100000 rows" in preview.problems["snapshot"].must
    assert "expect_column_to_exist(age)" in preview.problems["validate"].got
    assert "while fitting" in preview.problems["train"].got
    assert preview.fitted_rows == 0
    assert preview.columns


def test_a_type_that_the_platform_does_not_trust_is_named(make_world: MakeWorld) -> None:
    preview = preview_of(make_world(train__estimator="tests.estimators:build_odd"))
    problem = preview.problems["train"]
    assert isinstance(problem, TrainingError)
    assert "tests.estimators.Odd" in problem.got


@pytest.mark.parametrize("as_of", [datetime(2020, 1, 1, tzinfo=UTC), datetime(1, 1, 1, tzinfo=UTC)])
def test_a_window_without_rows_is_a_problem_and_nothing_else_is_tried(world: World, as_of: datetime) -> None:
    preview = preview_of(world, as_of)
    assert list(preview.problems) == ["snapshot"]
    assert isinstance(preview.problems["snapshot"], DataError)
    assert (preview.columns, preview.report, preview.fitted_rows) == ((), None, 0)


def test_rare_classes_are_among_the_few_rows_and_missing_labels_are_counted(make_world: MakeWorld) -> None:
    rows = make_rows(rows_per_day=60)
    rows["label"][:] = 0
    rows["label"][:: 60 * 30] = 1
    preview = preview_of(make_world(rows=rows))
    assert preview.problems == {}
    assert preview.fitted_rows >= 500
    labels = rows["label"].astype(object)
    labels[60 * 100] = None
    preview = preview_of(make_world(rows=rows | {"label": np.array(labels, dtype=object)}))
    assert "missing" in {label.name for label in preview.labels}


def test_the_label_of_a_regression_is_summarized(make_world: MakeWorld) -> None:
    preview = preview_of(make_world(task="regression"))
    assert preview.problems == {}
    assert [label.name for label in preview.labels] == ["mean", "standard deviation"]

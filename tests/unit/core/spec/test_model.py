from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from mlflow.exceptions import MlflowException
from mlflow.utils.validation import _validate_model_alias_name, _validate_model_alias_name_reserved
from pydantic import ValidationError
from tests.builders import make_spec, spec_document

from retrain.core.names import OPERATION_DAGS
from retrain.core.spec import PipelineSpec

HOSTILE = [
    "a\nb",
    "a\x00",
    "../up",
    "/etc/passwd",
    "a b",
    "",
    "A",
    "1a",
    "сhurn",
    "a" * 65,
    "a" * 10_000,
    "a;--",
    "a/b",
]


@pytest.mark.parametrize("name", HOSTILE, ids=lambda name: repr(name[:12]))
@pytest.mark.parametrize("key", ["model", "promotion__alias"])
def test_a_hostile_name_is_refused(key: str, name: str) -> None:
    with pytest.raises(ValidationError, match="1 validation error"):
        make_spec(**dict[str, Any]({key: name}))


@pytest.mark.parametrize("name", ["latest", "v1", "v01", "v123456"])
def test_an_alias_that_mlflow_reserves_is_refused(name: str) -> None:
    with pytest.raises(MlflowException, match="reserved"):
        _validate_model_alias_name_reserved(name)
    with pytest.raises(ValidationError, match="MLflow reserves these names"):
        make_spec(promotion__alias=name)


@pytest.mark.parametrize("name", ["v", "v1a", "latest1", "vx", "a" * 64])
def test_an_alias_that_mlflow_takes_is_taken(name: str) -> None:
    _validate_model_alias_name(name)
    _validate_model_alias_name_reserved(name)
    assert make_spec(promotion__alias=name).promotion.alias == name


@pytest.mark.parametrize("name", OPERATION_DAGS)
def test_a_pipeline_must_not_take_the_name_of_an_operation(name: str) -> None:
    with pytest.raises(ValidationError, match="must not be the name of a DAG for operations"):
        make_spec(model=name)


@pytest.mark.parametrize("tag", ["", "x" * 101])
def test_a_tag_that_airflow_refuses_is_refused(tag: str) -> None:
    with pytest.raises(ValidationError, match="1 validation error"):
        make_spec(tags=[tag])


@pytest.mark.parametrize("name", ['x"; DROP TABLE t; --', "a b", "a\nb", "", "1a", "é", "a" * 129, "a.b"])
@pytest.mark.parametrize("key", ["data__event_time", "data__label", "data__ingestion_time"])
def test_a_hostile_column_is_refused(key: str, name: str) -> None:
    with pytest.raises(ValidationError, match="must be a column name"):
        make_spec(**dict[str, Any]({key: name}))


def test_a_spec_cannot_be_changed() -> None:
    spec = make_spec()
    with pytest.raises(ValidationError, match="frozen"):
        spec.model = "other"  # type: ignore[misc]  # frozen, which is the point


def test_a_naive_start_date_is_utc_and_a_zoned_one_becomes_it() -> None:
    assert make_spec().start_date == datetime(2024, 2, 1, tzinfo=UTC)
    zoned = make_spec(start_date="2024-02-01T00:00:00+05:00").start_date
    assert (zoned, zoned.tzinfo) == (datetime(2024, 1, 31, 19, tzinfo=UTC), UTC)


def test_a_start_date_may_be_a_datetime_of_python() -> None:
    assert make_spec(start_date=datetime(2024, 2, 1, tzinfo=UTC)).start_date == datetime(2024, 2, 1, tzinfo=UTC)
    too_early = datetime(1, 1, 1, tzinfo=timezone(timedelta(hours=5)))
    with pytest.raises(ValidationError, match="must be an instant of the years 1 to 9999 in UTC"):
        make_spec(start_date=too_early)


@pytest.mark.parametrize("path", ["/etc/passwd", "include/../../secret", ".."])
def test_a_file_outside_the_project_is_refused(path: str) -> None:
    with pytest.raises(ValidationError, match="must be a path inside the project"):
        make_spec(train__files=[path])


def test_a_file_inside_the_project_is_kept_as_it_is_written() -> None:
    assert make_spec(train__files=["include/stores.csv"]).train.files == ("include/stores.csv",)


def test_what_depends_on_the_positive_class_is_named_once() -> None:
    gates: list[dict[str, Any]] = [
        {"check": "fairness", "by": "place", "metric": "equalized_odds", "max_difference": 0.1, "floor": {"f1": 0.5}},
        {"check": "baseline", "metric": "roc_auc", "rule": "guess"},
    ]
    spec = make_spec(gate=gates, evaluation__metrics=["roc_auc", "f1", "log_loss"])
    assert spec.readers_of_positive == ("f1", "equalized_odds", "rule guess")


def test_the_window_ends_when_all_labels_are_known() -> None:
    window = make_spec(data__label_delay="2d").window_at(datetime(2024, 7, 1, tzinfo=UTC))
    assert window.end == datetime(2024, 6, 29, tzinfo=UTC)
    assert window.end - window.holdout_start == timedelta(days=28)
    assert window.holdout_start - window.train_end == timedelta(days=2)
    assert window.train_end - window.train_start == timedelta(days=90)


def test_features_are_named_or_all_columns_but_label_and_times() -> None:
    columns = ["at", "known", "x", "label", "y"]
    assert make_spec(data__ingestion_time="known").feature_columns(columns) == ("x", "y")
    assert make_spec(data__features=["y", "x"]).feature_columns(columns) == ("y", "x")


def test_scores_carry_the_columns_to_slice_and_to_cluster_by_but_no_periods() -> None:
    gates: list[dict[str, Any]] = [
        {"check": "beats_champion", "metric": "roc_auc", "cluster_by": by} for by in ("day", "shop", "place")
    ]
    assert make_spec(gate=gates, evaluation__slices=["place", "kind"]).score_columns == ("kind", "place", "shop")


def test_the_digest_is_of_all_that_is_declared_and_not_of_where(tmp_path: Path) -> None:
    assert make_spec().digest == make_spec(tmp_path).digest
    others = [
        make_spec(description="other"),
        make_spec(data__min_rows=51),
        make_spec(train__params={"C": 2}),
        make_spec(gate=[{"check": "threshold", "metric": "roc_auc", "min": 0.61}]),
    ]
    assert len({make_spec().digest, *(other.digest for other in others)}) == 5


def test_a_spec_survives_its_own_json() -> None:
    spec = make_spec()
    assert PipelineSpec.model_validate(spec.model_dump(mode="json")).digest == spec.digest
    assert PipelineSpec.model_validate_json(spec.model_dump_json()).digest == spec.digest


def test_a_spec_starts_from_the_working_folder_until_it_is_rooted(tmp_path: Path) -> None:
    spec = PipelineSpec.model_validate(spec_document())
    assert spec.root == Path.cwd()
    assert spec.rooted_at(tmp_path).root == tmp_path
    assert spec.root == Path.cwd()


@pytest.mark.parametrize("schedule", ["@monthly", "@quarterly", "0 6 * * 1", "*/15 2-4 1,15 * MON-FRI"])
def test_a_schedule_is_a_cron_expression_or_a_preset(schedule: str) -> None:
    assert make_spec(schedule=schedule).schedule == schedule


@pytest.mark.parametrize(
    "schedule",
    [
        *("monthly", "@once", "@continuous", "@", "61 * * * *", "* * * * * *", "", "every day"),
        *("0 0 31 2 *", "R R * * *", "R(1-5) 6 * * *", "H 6 * * *", "0 6 * * " + "1," * 200 + "1"),
    ],
)
def test_any_other_schedule_is_refused(schedule: str) -> None:
    with pytest.raises(ValidationError, match="must be a cron expression of five fields"):
        make_spec(schedule=schedule)


def test_the_time_limit_of_tasks_is_part_of_the_digest_only_if_it_is_declared() -> None:
    assert make_spec().execution.timeout == timedelta(hours=6)
    assert make_spec(execution={"timeout": "6h"}).digest == make_spec(execution={}).digest == make_spec().digest
    assert make_spec(execution={"timeout": "7h"}).digest != make_spec().digest


@pytest.mark.parametrize("timeout", ["0m", "31d", "6 hours", 6])
def test_a_time_limit_is_one_minute_to_thirty_days(timeout: Any) -> None:
    with pytest.raises(ValidationError, match="1 validation error"):
        make_spec(execution={"timeout": timeout})


def test_by_default_promotions_need_no_approval_and_the_alias_is_put_back() -> None:
    promotion = make_spec().promotion
    assert (promotion.approval, promotion.approvers) == ("none", ())
    assert promotion.approval_timeout == timedelta(days=3)
    assert (promotion.out_of_band, promotion.pinned) == ("repair", 3)


def test_an_approval_has_approvers_and_a_time_to_wait() -> None:
    promotion = {"approval": "required", "approvers": ["ada"], "approval_timeout": "8h"}
    read = make_spec(promotion=promotion).promotion
    assert (read.approval, read.approvers) == ("required", ("ada",))
    assert read.approval_timeout == timedelta(hours=8)


@pytest.mark.parametrize(
    ("promotion", "problem"),
    [
        ({"approval": "required"}, "must be given together, or neither"),
        ({"approval": "required", "approvers": []}, "must be given together, or neither"),
        ({"approvers": ["ada"]}, "must be given together, or neither"),
        ({"approval": "required", "approvers": ["ada"], "out_of_band": "adopt"}, "nobody approves an alias"),
        ({"approval": "maybe"}, "'none' or 'required'"),
        ({"approval_timeout": "0d"}, "greater than 0"),
        ({"approval_timeout": "soon"}, "must be a number and a unit"),
        ({"out_of_band": "ignore"}, "'repair' or 'adopt'"),
        ({"pinned": 0}, "greater than or equal to 1"),
        ({"pinned": 101}, "less than or equal to 100"),
    ],
)
def test_a_promotion_that_cannot_be_meant_is_refused(promotion: dict[str, Any], problem: str) -> None:
    with pytest.raises(ValidationError, match=problem):
        make_spec(promotion=promotion)


@pytest.mark.parametrize("pinned", [1, 100])
def test_one_to_a_hundred_former_champions_are_pinned(pinned: int) -> None:
    assert make_spec(promotion={"pinned": pinned}).promotion.pinned == pinned


def test_what_is_measured_is_what_gates_ask_for() -> None:
    spec = make_spec()
    assert (spec.profiled, spec.batches, spec.score_columns) == (False, (), ())
    budget = {"check": "budget", "single_p99": "1s", "batch_p99": "1s"}
    asking = make_spec(gate=[{"check": "leakage"}, budget, budget | {"batch_rows": 50}])
    assert (asking.profiled, asking.batches, asking.score_columns) == (True, (1, 50, 1000), ())

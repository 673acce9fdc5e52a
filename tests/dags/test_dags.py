from __future__ import annotations

import copy
import json
import logging
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from airflow.dag_processing.dagbag import DagBag
from airflow.sdk import DAG, get_parsing_context
from airflow.sdk.bases.notifier import BaseNotifier
from airflow.sdk.exceptions import AirflowException, ParamValidationError
from airflow.serialization.serialized_objects import DagSerialization
from pendulum import instance
from tests.builders import ROOT, make_spec, spec_document

from retrain.builder import DagDefaults, build_dag, build_operations, check_pipelines, load_dags
from retrain.core.data.durations import format_duration
from retrain.core.names import OPERATION_DAGS
from retrain.core.spec import PipelineSpec, load_spec
from retrain.errors import NotFoundError, RetrainError, SpecError
from retrain.operators import (
    ApprovePromotionOperator,
    EvaluateModelOperator,
    PromoteModelOperator,
    QualityGateOperator,
    SnapshotDataOperator,
    TrainModelOperator,
    ValidateDataOperator,
    champion_asset,
    snapshot_asset,
)
from retrain.operators.base import RetrainOperator
from retrain.operators.champion import ModelOperator

STEPS = ["snapshot", "validate", "train", "evaluate", "gate", "promote"]
OPERATIONS = {
    "retrain_reconcile",
    "retrain_rehearsal",
    "retrain_replay",
    "retrain_rollback",
    "retrain_freeze",
    "retrain_force",
}


@pytest.fixture(scope="module")
def shipped() -> DagBag:
    return DagBag(str(ROOT / "dags"), bundle_name="shipped")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder of pipelines: a good one, and two that have three mistakes in all."""
    write(tmp_path / "good.yaml")
    write(tmp_path / "bad.yaml", model="bad", modle="bad", data__label_dealy="1d")
    (tmp_path / "worse.yml").write_text("? [a]\n: b\n")
    return tmp_path


@contextmanager
def parse_for_task_of(dag_id: str) -> Iterator[None]:
    """Set what Airflow sets while it parses a DAG file to run a task. Its own context manager leaves the values behind."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("_AIRFLOW_PARSING_CONTEXT_DAG_ID", dag_id)
        assert get_parsing_context().dag_id == dag_id
        yield


def write(path: Path, **changes: Any) -> None:
    path.write_text(yaml.safe_dump(spec_document(**changes)))


# The DAGs that are shipped


def test_the_shipped_folder_has_a_dag_a_pipeline_and_no_import_error(shipped: DagBag) -> None:
    assert shipped.import_errors == {}
    pipelines = {path.stem for path in (ROOT / "include" / "pipelines").glob("*.yaml")}
    assert set(shipped.dags) == pipelines | OPERATIONS


def order_of(dag: Any) -> list[str]:
    return [task.task_id for task in dag.topological_sort()]


@pytest.mark.parametrize("dag_id", ["flight_delay", "arrival_delay"])
def test_a_dag_has_one_task_a_step_in_its_order(shipped: DagBag, dag_id: str) -> None:
    dag = shipped.dags[dag_id]
    assert order_of(dag) == STEPS
    assert dag.task_dict["gate"].trigger_rule == "all_done"
    assert dag.catchup is False
    assert dag.owner == "airline-ops"
    assert "retrain" in dag.tags


@pytest.mark.parametrize("dag_id", ["flight_delay", "arrival_delay"])
def test_a_dag_serializes_and_comes_back(shipped: DagBag, dag_id: str) -> None:
    text = json.dumps(DagSerialization.to_dict(shipped.dags[dag_id]))
    again = DagSerialization.from_dict(json.loads(text))
    assert set(again.task_dict) == set(STEPS)


@pytest.mark.parametrize("dag_id", ["flight_delay", "arrival_delay"])
def test_the_page_of_a_dag_says_what_its_spec_says(shipped: DagBag, dag_id: str) -> None:
    page, spec = shipped.dags[dag_id].doc_md, load_spec(ROOT / "include" / "pipelines" / f"{dag_id}.yaml")
    assert page is not None
    for words in (spec.train.estimator, spec.validation.suite, spec.data.query, spec.evaluation.primary):
        assert words is not None
        assert words in page
    delay = f"label delay {format_duration(spec.data.label_delay)}"
    assert f"train 120d ──┤── {delay} ──┤── holdout 2w ──┤── {delay} ──┤ as-of" in page
    assert "gate ─► promote ─► champion" in page
    for gate in spec.gate:
        assert f"| `{gate.check}` |" in page


@pytest.mark.integration
def test_parsing_imports_no_heavy_library() -> None:
    heavy = [
        "mlflow",
        "great_expectations",
        "sklearn",
        "scipy",
        "pandas",
        "duckdb",
        "pyarrow",
        "matplotlib",
        "optuna",
        "skops",
    ]
    code = (
        "import runpy, sys\n"
        f"runpy.run_path({str(ROOT / 'dags' / 'retraining.py')!r})\n"
        f"runpy.run_path({str(ROOT / 'dags' / 'pipeline_errors.py')!r})\n"
        f"print([name for name in {heavy} if name in sys.modules])\n"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    assert result.stdout.splitlines()[-1] == "[]"


# Folders of pipelines


def test_bad_specs_leave_the_good_ones(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.ERROR, logger="retrain.builder.folder")
    assert [dag.dag_id for dag in load_dags(folder)] == ["churn"]
    assert "bad.yaml: 2 mistakes" in caplog.text
    assert "worse.yml: 1 mistake" in caplog.text


def test_all_mistakes_of_all_bad_specs_are_reported_at_once(folder: Path) -> None:
    with pytest.raises(SpecError, match="3 mistakes") as caught:
        check_pipelines(folder)
    text = str(caught.value)
    assert text.count("bad.yaml") == 2
    assert "Did you mean 'model'?" in text
    assert "data.label_dealy: Did you mean 'label_delay'?" in text
    assert "worse.yml: must be plain YAML; got a key must be plain text" in text


def test_one_bad_spec_is_reported_by_itself(tmp_path: Path) -> None:
    write(tmp_path / "bad.yaml", modle="bad")
    with pytest.raises(SpecError, match=r"bad\.yaml: 1 mistake\n  modle: must be a known key"):
        check_pipelines(tmp_path)


def test_the_mistakes_of_very_many_bad_specs_are_counted(tmp_path: Path) -> None:
    for number in range(10):
        write(tmp_path / f"bad_{number}.yaml", **{f"unknown_{place}": 1 for place in range(60)})
    with pytest.raises(SpecError, match="200 mistakes and at least 400 more"):
        check_pipelines(tmp_path)


def test_a_spec_that_airflow_refuses_hides_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def refuse_bad(spec: PipelineSpec, **defaults: Any) -> DAG:
        if spec.model == "bad":
            raise ValueError("Airflow refuses it")
        return build_dag(spec, **defaults)

    monkeypatch.setattr("retrain.builder.folder.build_dag", refuse_bad)
    for name in ("bad", "good", "other"):
        write(tmp_path / f"{name}.yaml", model=name)
    assert {dag.dag_id for dag in load_dags(tmp_path)} == {"good", "other"}
    assert "The DAG of bad could not be built" in caplog.text


def test_no_file_in_the_folder_hides_a_good_one(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    write(tmp_path / "good.yaml")
    os.mkfifo(tmp_path / "pipe.yaml")
    (tmp_path / "device.yaml").symlink_to("/dev/zero")
    (tmp_path / "gone.yaml").symlink_to(tmp_path / "nowhere")
    (tmp_path / "folder.yaml").mkdir()
    (tmp_path / "hexadecimal.yaml").write_text(f"model: bad\nseed: 0x{'f' * 4_000}\n")
    (tmp_path / "sexagesimal.yaml").write_text(f"model: bad\nseed: {'1:' * 60_000}1\n")
    (tmp_path / "keys.yaml").write_text("".join(f"key_{number}: 1\n" for number in range(25_000)))
    assert [dag.dag_id for dag in load_dags(tmp_path)] == ["churn"]
    for name in ("pipe", "device", "gone", "folder", "hexadecimal", "sexagesimal", "keys"):
        assert f"{name}.yaml: " in caplog.text
    with parse_for_task_of("churn"):
        assert [dag.dag_id for dag in load_dags(tmp_path)] == ["churn"]
    with parse_for_task_of("pipe"):
        assert load_dags(tmp_path) == []
    with parse_for_task_of("retrain_rollback"):
        assert [dag.dag_id for dag in build_operations(tmp_path)] == ["retrain_rollback"]


def test_the_ids_of_operations_are_those_that_no_pipeline_may_have() -> None:
    assert set(OPERATION_DAGS) == OPERATIONS


def test_good_specs_raise_nothing(tmp_path: Path) -> None:
    write(tmp_path / "good.yaml")
    check_pipelines(tmp_path)
    check_pipelines(ROOT / "include" / "pipelines")


def test_the_second_pipeline_of_a_model_is_refused(tmp_path: Path) -> None:
    write(tmp_path / "a.yaml")
    write(tmp_path / "b.yaml", owner="another")
    (dag,) = load_dags(tmp_path)
    assert dag.owner == "airflow"
    with pytest.raises(
        SpecError, match=r"b\.yaml: 1 mistake\n  model: must be the only pipeline of its name; got 'churn'"
    ):
        check_pipelines(tmp_path)


@pytest.mark.parametrize("read", [load_dags, check_pipelines])
def test_a_missing_folder_is_reported(tmp_path: Path, read: Any) -> None:
    with pytest.raises(NotFoundError, match=r"the folder of pipelines must exist; got .*nothing"):
        read(tmp_path / "nothing")


def test_a_task_builds_its_own_dag_and_reads_no_other_spec(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    for name in ("one", "two"):
        write(folder / f"{name}.yaml", model=name)
    with parse_for_task_of("churn"):
        (dag,) = load_dags(folder, pool="cpu")
        check_pipelines(folder)
    assert (dag.dag_id, {task.pool for task in dag.tasks}) == ("churn", {"cpu"})
    with parse_for_task_of("retrain_rollback"):
        assert load_dags(folder) == []
    assert caplog.text == ""
    assert {dag.dag_id for dag in load_dags(folder)} >= {"churn", "two"}


def test_a_task_of_a_bad_spec_finds_no_dag_and_the_log_says_why(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.ERROR, logger="retrain.builder.folder")
    with parse_for_task_of("bad"):
        assert load_dags(folder) == []
    assert "bad.yaml: 2 mistakes" in caplog.text
    assert "worse.yml" not in caplog.text


def test_a_task_of_an_operation_builds_that_operation_on_every_model(folder: Path) -> None:
    write(folder / "two.yaml", model="two")
    with parse_for_task_of("retrain_rollback"):
        (dag,) = build_operations(folder)
    assert dag.dag_id == "retrain_rollback"
    assert dag.params.get_param("model").schema["enum"] == ["churn", "two"]
    with parse_for_task_of("churn"):
        assert build_operations(folder) == []


def test_a_bad_spec_shows_as_an_import_error_that_hides_no_dag(folder: Path) -> None:
    pipelines = folder / "include" / "pipelines"
    pipelines.mkdir(parents=True)
    for name in ("good.yaml", "bad.yaml"):
        (folder / name).rename(pipelines / name)
    dags = folder / "dags"
    dags.mkdir()
    for path in (ROOT / "dags").glob("*.py"):
        (dags / path.name).write_text(path.read_text())
    bag = DagBag(str(dags), bundle_name="broken")
    assert set(bag.dags) == {"churn"} | OPERATIONS
    ((file, error),) = bag.import_errors.items()
    assert file.endswith("pipeline_errors.py")
    assert "bad.yaml: 2 mistakes" in error


# Params


def params_with(**values: Any) -> dict[str, Any]:
    params = copy.deepcopy(build_dag(make_spec()).params)
    params.update(values)
    validated: dict[str, Any] = params.validate()
    return validated


@pytest.mark.parametrize(
    "values",
    [
        {},
        {"as_of": "2024-07-01"},
        {"as_of": "2024-07-01T06:00:00Z"},
        {"as_of": "2024-07-01 06:00+02:00"},
        {"timeline": "production"},
        {"timeline": "simulation-0123456789ab"},
        {"reason": "x" * 500, "nonce": "again"},
    ],
)
def test_good_params_are_taken(values: dict[str, Any]) -> None:
    nothing = dict.fromkeys(["as_of", "timeline", "reason", "nonce"])
    assert params_with(**values) == nothing | values


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *(("as_of", bad) for bad in ["yesterday", "2024-07-01\n", "20240701", "1" * 10_000, "{{ ds }}", "", 20240701]),
        *(("timeline", bad) for bad in ["Production", "a\n", "../a", "a/b", "a" * 65, "сhurn", "", "a\x00"]),
        ("reason", "x" * 501),
        ("nonce", "x" * 65),
    ],
)
def test_bad_params_are_refused(name: str, value: Any) -> None:
    with pytest.raises(ParamValidationError, match=f"Invalid input for param {name}"):
        params_with(**{name: value})


def test_params_are_the_dags_alone_and_serialize_as_if_the_dag_had_been_built_with_them() -> None:
    dag = build_dag(make_spec(schedule="@daily"))
    params = {name: dag.params.get_param(name) for name in dag.params}
    with DAG("built_with", schedule="@daily", start_date=datetime(2024, 1, 1, tzinfo=UTC), params=params) as built_with:
        SnapshotDataOperator(task_id="snapshot", spec=make_spec())
    assert serialize(dag)["params"] == serialize(built_with)["params"]
    assert list(dag.params) == ["as_of", "timeline", "reason", "nonce"]
    assert all(not task.params for task in dag.tasks)
    assert all("params" not in task["__var"] for task in serialize(dag)["tasks"])


# Defaults of a project


def announce(_: Any) -> None:
    """Stand for a callback."""


class Pager(BaseNotifier):
    def notify(self, context: Any) -> None:
        """Stand for a provider's notifier."""


def serialize(dag: DAG) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(json.dumps(DagSerialization.to_dict(dag)))["dag"]
    return document


def test_settings_of_a_dag_go_to_the_dag() -> None:
    pager = Pager()
    dag = build_dag(
        make_spec(tags=["eu"]),
        tags=["platform"],
        max_active_runs=3,
        max_active_tasks=5,
        max_consecutive_failed_dag_runs=2,
        dagrun_timeout=timedelta(hours=6),
        is_paused_upon_creation=True,
        owner_links={"airflow": "https://example.com/team"},
        on_success_callback=announce,
        on_failure_callback=[pager, announce],
    )
    assert dag.on_failure_callback == [pager, announce]
    again = DagSerialization.from_dict(json.loads(json.dumps(DagSerialization.to_dict(dag))))
    assert again.tags == {"retrain", "platform", "eu"}
    assert (again.max_active_runs, again.max_active_tasks, again.max_consecutive_failed_dag_runs) == (3, 5, 2)
    assert (again.dagrun_timeout, again.is_paused_upon_creation) == (timedelta(hours=6), True)
    assert again.owner_links == {"airflow": "https://example.com/team"}
    assert (again.has_on_success_callback, again.has_on_failure_callback) == (True, True)
    assert all(not task.has_on_failure_callback for task in again.tasks)


def test_settings_of_tasks_go_to_every_task() -> None:
    pager = Pager()
    dag = build_dag(
        make_spec(**APPROVED, train__search=SEARCH | {"workers": 2}),
        pool="retrains",
        queue="big",
        executor="LocalExecutor",
        on_execute_callback=announce,
        on_retry_callback=announce,
        on_skipped_callback=announce,
        default_args={
            "retries": 1,
            "on_failure_callback": pager,
            "on_success_callback": [announce],
            "execution_timeout": timedelta(hours=2),
            "mlflow_conn_id": "mlflow_eu",
        },
    )
    assert dag.task_dict["train"].on_failure_callback == [pager]
    assert vars(dag.task_dict["train"])["mlflow_conn_id"] == "mlflow_eu"
    again = DagSerialization.from_dict(json.loads(json.dumps(DagSerialization.to_dict(dag))))
    assert set(again.task_dict) == {*STEPS, "approve", "search"}
    for task in again.tasks:
        assert (task.pool, task.queue, task.executor, task.retries) == ("retrains", "big", "LocalExecutor", 1)
        assert task.execution_timeout == timedelta(hours=2)
        assert task.retry_delay == timedelta(seconds=20)
        assert task.has_on_execute_callback
        assert task.has_on_failure_callback
        assert task.has_on_success_callback
        assert task.has_on_retry_callback
        assert task.has_on_skipped_callback
    assert again.task_dict["gate"].trigger_rule == "all_done"


def test_the_owner_that_a_spec_names_wins_over_the_projects() -> None:
    assert build_dag(make_spec(owner="fraud-team"), default_args={"owner": "platform"}).owner == "fraud-team"
    assert build_dag(make_spec(), default_args={"owner": "platform"}).owner == "platform"
    assert build_dag(make_spec()).owner == "airflow"


def timeouts_of(dag: DAG) -> set[timedelta | None]:
    again = DagSerialization.from_dict(json.loads(json.dumps(DagSerialization.to_dict(dag))))
    return {task.execution_timeout for task in (*dag.tasks, *again.tasks)}


def limit_of_try(task: RetrainOperator) -> timedelta | None:
    task.pre_execute({})
    return task.execution_timeout


def test_every_task_has_a_time_limit_that_a_spec_or_a_project_may_set() -> None:
    everything = {**APPROVED, "train__search": SEARCH | {"workers": 2}}
    short = everything | {"execution": {"timeout": "90m"}}
    project = {"execution_timeout": timedelta(hours=2)}
    plain = build_dag(make_spec(**everything))
    assert timeouts_of(plain) == {None}  # Airflow need not store what every task has
    assert {limit_of_try(task) for task in plain.tasks if isinstance(task, RetrainOperator)} == {timedelta(hours=6)}
    assert timeouts_of(build_dag(make_spec(**everything), default_args=project)) == {timedelta(hours=2)}
    assert timeouts_of(build_dag(make_spec(**short))) == {timedelta(minutes=90)}
    assert timeouts_of(build_dag(make_spec(**short), default_args=project)) == {timedelta(minutes=90)}


def test_waiting_for_approval_is_not_cut_by_the_time_limit_of_a_task() -> None:
    spec = make_spec(**APPROVED, execution={"timeout": "5m"})
    approve = build_dag(spec).task_dict["approve"]
    assert isinstance(approve, ApprovePromotionOperator)
    assert approve.response_timeout == timedelta(days=3)
    assert approve.start_from_trigger is False  # only then would Airflow cut the wait


def test_operations_have_a_time_limit_and_are_retried_soon(folder: Path) -> None:
    for dag in build_operations(folder):
        assert timeouts_of(dag) == {timedelta(hours=6)}
        (task,) = DagSerialization.from_dict(json.loads(json.dumps(DagSerialization.to_dict(dag)))).tasks
        assert (task.retries, task.retry_delay, task.retry_exponential_backoff) == (2, timedelta(seconds=10), 2.0)
        assert task.max_retry_delay == timedelta(minutes=2)
    for dag in build_operations(
        folder, default_args={"execution_timeout": timedelta(hours=1), "retry_delay": timedelta(1)}
    ):
        assert timeouts_of(dag) == {timedelta(hours=1)}
        assert {task.retry_delay for task in dag.tasks} == {timedelta(1)}


def test_a_folder_gives_its_defaults_to_every_dag_and_keeps_none_for_the_next_load(tmp_path: Path) -> None:
    for model in ("one", "two"):
        write(tmp_path / f"{model}.yaml", model=model)
    defaults: DagDefaults = {"default_args": {"retries": 0}, "pool": "retrains", "tags": {"eu"}}
    for dag in load_dags(tmp_path, **defaults):
        assert {(task.retries, task.pool) for task in dag.tasks} == {(0, "retrains")}
        assert dag.tags == {"retrain", "eu"}
    assert {task.retries for dag in load_dags(tmp_path) for task in dag.tasks} == {3}
    assert defaults == {"default_args": {"retries": 0}, "pool": "retrains", "tags": {"eu"}}


def test_operations_take_the_defaults_of_a_project(folder: Path) -> None:
    dags = {
        dag.dag_id: dag for dag in build_operations(folder, pool="retrains", tags=["eu"], on_failure_callback=announce)
    }
    assert set(dags) == OPERATIONS
    for dag in dags.values():
        again = DagSerialization.from_dict(json.loads(json.dumps(DagSerialization.to_dict(dag))))
        assert (again.tasks[0].pool, again.tags) == ("retrains", {"retrain", "operations", "eu"})
        assert again.has_on_failure_callback
        assert not again.tasks[0].has_on_failure_callback


@pytest.mark.parametrize(
    ("defaults", "message"),
    [
        ({"pol": "retrains"}, r"must be a known keyword argument; got 'pol'\. Did you mean 'pool'\?"),
        ({"schedule": "@daily"}, r"must be a known keyword argument; got 'schedule'\."),
        ({"default_args": {"params": {}}}, r"default_args must not hold what each spec says itself; got 'params'"),
        (
            {"default_args": {"end_date": None}},
            r"default_args must not hold what each spec says itself; got 'end_date'",
        ),
    ],
)
def test_a_default_that_is_unknown_or_belongs_to_the_spec_is_refused(defaults: Any, message: str, folder: Path) -> None:
    for call in (lambda: build_dag(make_spec(), **defaults), lambda: build_operations(folder, **defaults)):
        with pytest.raises(RetrainError, match=message):
            call()


# Operators by hand, assets


def test_a_dag_composed_by_hand_serializes() -> None:
    spec = make_spec()
    with DAG("by_hand", schedule=None, start_date=datetime(2024, 1, 1, tzinfo=UTC)) as dag:
        common: dict[str, Any] = {"spec": spec, "as_of": "{{ ds }}", "timeline": "by-hand"}
        snapshot = SnapshotDataOperator(task_id="take", **common)
        validate = ValidateDataOperator(task_id="check", snapshot=snapshot.output, **common)
        train = TrainModelOperator(task_id="fit", snapshot=snapshot.output, **common)
        evaluate = EvaluateModelOperator(task_id="score", snapshot=snapshot.output, challenger=train.output, **common)
        gate = QualityGateOperator(
            task_id="judge",
            snapshot=snapshot.output,
            challenger=train.output,
            scorecard=evaluate.output,
            **common,
        )
        promote = PromoteModelOperator(task_id="move", decision=gate.output, **common)
        validate >> train
    again = DagSerialization.from_dict(json.loads(json.dumps(DagSerialization.to_dict(dag))))
    assert again.task_dict["judge"].upstream_task_ids == {"take", "fit", "score"}
    assert again.task_dict["move"].upstream_task_ids == {"judge"}
    assert snapshot.outlets == [snapshot_asset("churn")]
    assert promote.outlets[0].name == "churn-promotions"


def test_an_operator_takes_keywords_only_and_reads_nothing_when_it_is_made(tmp_path: Path) -> None:
    spec = make_spec(tmp_path / "nowhere", data__source=None, data__query="nowhere.sql")
    operator = SnapshotDataOperator(task_id="take", spec=spec)
    assert operator.template_fields == ("requested",)
    assert set(operator.requested) == {"as_of", "timeline", "reason", "nonce"}
    with pytest.raises((TypeError, AirflowException), match="Use keyword arguments"):
        SnapshotDataOperator(spec)  # type: ignore[call-arg]  # it is the point


def test_the_champion_asset_is_one_a_model() -> None:
    asset = champion_asset("churn")
    assert (asset.name, asset.uri, asset.group) == ("churn-champion", "retrain://champion/churn", "retrain")
    assert champion_asset("churn") == asset
    assert len({champion_asset("other"), asset, snapshot_asset("churn")}) == 3
    with DAG("consumer", schedule=[asset], start_date=datetime(2024, 1, 1, tzinfo=UTC)) as dag:
        pass
    assert "retrain://champion/churn" in json.dumps(DagSerialization.to_dict(dag))


# A schedule that ends


def test_the_last_tick_is_not_after_the_end_and_a_run_on_request_keeps_its_tasks() -> None:
    dag = build_dag(make_spec(start_date="2024-02-01", end_date="2024-04-01", schedule="@monthly"))
    again = DagSerialization.from_dict(json.loads(json.dumps(DagSerialization.to_dict(dag))))
    first, last = instance(datetime(2024, 1, 1, tzinfo=UTC)), instance(datetime(2024, 12, 1, tzinfo=UTC))
    ticks = [info.logical_date for info in again.iter_dagrun_infos_between(first, last)]
    assert ticks == [datetime(2024, month, 1, tzinfo=UTC) for month in (1, 2, 3, 4)]
    assert again.next_dagrun_info(last_automated_run_info=None) is None
    assert again.end_date is None
    assert all(task.end_date is None for task in again.tasks)


def test_without_an_end_the_schedule_goes_on() -> None:
    dag = build_dag(make_spec(start_date="2024-02-01", schedule="@monthly"))
    again = DagSerialization.from_dict(json.loads(json.dumps(DagSerialization.to_dict(dag))))
    assert again.next_dagrun_info(last_automated_run_info=None) is not None


# Approval


APPROVED: dict[str, Any] = {"promotion": {"alias": "champion", "approval": "required", "approvers": ["ann", "bob"]}}


def test_a_pipeline_that_asks_for_approval_has_a_task_between_gate_and_promote() -> None:
    dag = build_dag(make_spec(**APPROVED))
    assert order_of(dag) == [*STEPS[:-1], "approve", "promote"]
    approve = dag.task_dict["approve"]
    assert isinstance(approve, ApprovePromotionOperator)
    assert (approve.defaults, approve.response_timeout) == (None, timedelta(days=3))
    text = json.dumps(DagSerialization.to_dict(dag))
    assert set(DagSerialization.from_dict(json.loads(text)).task_dict) == {*STEPS, "approve"}


# Search

SEARCH = {"params": {"C": {"float": [0.01, 10], "log": True}}, "trials": 8}


def test_the_workers_of_a_search_are_one_mapped_task_between_validate_and_train() -> None:
    dag = build_dag(make_spec(train__search=SEARCH | {"workers": 3}))
    again = DagSerialization.from_dict(json.loads(json.dumps(DagSerialization.to_dict(dag))))
    search = again.task_dict["search"]
    assert (search.upstream_task_ids, search.downstream_task_ids) == ({"snapshot", "validate"}, {"train"})
    assert search.get_parse_time_mapped_ti_count() == 3
    assert set(again.task_dict) == {*STEPS, "search"}
    assert again.task_dict["train"].upstream_task_ids == {"snapshot", "validate", "search"}


@pytest.mark.parametrize("search", [None, SEARCH, SEARCH | {"workers": 1}])
def test_a_search_with_one_worker_is_done_by_the_task_that_trains(search: dict[str, Any] | None) -> None:
    dag = build_dag(make_spec(train__search=search))
    assert order_of(dag) == STEPS


# Operations

_FLIGHTS = {"model": "flight_delay"}


@pytest.mark.parametrize("dag_id", sorted(OPERATIONS))
def test_an_operation_serializes_and_waits_for_no_other_model_if_a_person_starts_it(
    shipped: DagBag, dag_id: str
) -> None:
    text = json.dumps(DagSerialization.to_dict(shipped.dags[dag_id]))
    again = DagSerialization.from_dict(json.loads(text))
    by_a_person = dag_id in ("retrain_rollback", "retrain_freeze", "retrain_force")
    assert (len(again.tasks), again.max_active_runs) == (1, 16 if by_a_person else 1)


def test_operations_of_people_may_be_left_to_the_pages(folder: Path) -> None:
    for only in (False, True):
        tasks = [dag.tasks[0] for dag in build_operations(folder, only_from_pages=only)]
        assert [task.only_from_pages for task in tasks if isinstance(task, ModelOperator)] == [only] * 3


@pytest.mark.parametrize(
    ("dag_id", "good"),
    [
        ("retrain_rollback", {"reason": "it is slow", "model": "flight_delay"}),
        ("retrain_rollback", {"reason": "it is slow", "to": 3, "dry_run": True, "model": "arrival_delay"}),
        ("retrain_freeze", {"reason": "holiday", "lift": True, "timeline": "a-simulation", "model": "flight_delay"}),
        ("retrain_force", {"reason": "the gate is wrong", "version": 3, "expires": "2d", "model": "flight_delay"}),
    ],
)
def test_an_operation_takes_good_params(shipped: DagBag, dag_id: str, good: dict[str, Any]) -> None:
    params = copy.deepcopy(shipped.dags[dag_id].params)
    params.update(good)
    assert good.items() <= params.validate().items()


@pytest.mark.parametrize(
    ("dag_id", "bad"),
    [
        ("retrain_rollback", {}),
        ("retrain_rollback", {"reason": "it is slow"}),
        ("retrain_rollback", {"reason": "x", **_FLIGHTS}),
        ("retrain_rollback", {"reason": "it is slow", "model": "flight_delay\n"}),
        ("retrain_rollback", {"reason": "it is slow", "model": "unknown"}),
        ("retrain_rollback", {"reason": "it is slow", "to": 0, **_FLIGHTS}),
        ("retrain_rollback", {"reason": "it is slow", "to": "3; drop table", **_FLIGHTS}),
        ("retrain_rollback", {"reason": "it is slow", "timeline": "production\n", **_FLIGHTS}),
        ("retrain_freeze", {"reason": "r" * 501, **_FLIGHTS}),
        ("retrain_force", {"reason": "the gate is wrong", **_FLIGHTS}),
        ("retrain_force", {"reason": "the gate is wrong", "version": 3, "expires": "2d\n", **_FLIGHTS}),
    ],
)
def test_an_operation_refuses_bad_params(shipped: DagBag, dag_id: str, bad: dict[str, Any]) -> None:
    params = copy.deepcopy(shipped.dags[dag_id].params)

    def fill_in() -> None:
        params.update(bad)
        params.validate()

    with pytest.raises(ParamValidationError, match="Invalid input for param"):
        fill_in()


def test_an_operation_needs_no_name_if_there_is_one_pipeline(folder: Path) -> None:
    dags = {dag.dag_id: dag for dag in build_operations(folder)}
    assert dags["retrain_rollback"].params["model"] == "churn"


def test_what_only_a_person_starts_is_not_paused_and_what_starts_by_itself_is_switched_on_by_one(
    shipped: DagBag,
) -> None:
    awake = {dag_id for dag_id in OPERATIONS if shipped.dags[dag_id].is_paused_upon_creation is False}
    assert awake == {"retrain_rollback", "retrain_freeze", "retrain_force"}


def test_a_folder_without_good_specs_has_no_operations(tmp_path: Path) -> None:
    assert build_operations(tmp_path) == []


def test_the_alarm_goes_to_the_notifiers(folder: Path) -> None:
    def tell(_: Any) -> None:
        """Stand for a notifier."""

    dags = {dag.dag_id: dag for dag in build_operations(folder, alarm=[tell])}
    assert dags["retrain_reconcile"].tasks[0].on_failure_callback == [tell]
    assert dags["retrain_rehearsal"].tasks[0].on_failure_callback == [tell]

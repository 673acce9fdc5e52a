"""The suites of `retrain.testing`: ours keep their promises, and each promise catches a break."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import duckdb
import numpy as np
import pandas as pd
import pytest
from tests.builders import AS_OF, REGRESSION, World, make_rows, make_spec
from tests.require import require

from retrain.adapters.extensions import Trainers
from retrain.adapters.folder_registry import FolderRegistry
from retrain.adapters.gx_validator import GxValidator
from retrain.adapters.memory_ledger import MemoryLedger
from retrain.adapters.mlflow_registry import MlflowRegistry
from retrain.adapters.sklearn_trainer import SklearnTrainer
from retrain.core.data.validation import ExpectationResult, ValidationReport
from retrain.core.ledger.entries import Action, Head
from retrain.core.ports import FittedModel, Ledger, ModelRegistry
from retrain.core.spec import PipelineSpec
from retrain.core.stats.metric_names import GREATER_IS_BETTER, METRICS_BY_TASK, Task
from retrain.core.stats.metrics import METRICS, InstalledMetric
from retrain.testing import (
    LEDGER_PROMISES,
    METRIC_PROMISES,
    REGISTRY_PROMISES,
    SOURCE_PROMISES,
    STORE_PROMISES,
    TRAINER_PROMISES,
    VALIDATOR_PROMISES,
    TrainingRows,
    ValidationCase,
    check_ledger,
    check_metric,
    check_registry,
    check_snapshot_source,
    check_snapshot_store,
    check_trainer,
    check_validator,
)
from retrain.testing.promises import check_promises

Promise = Callable[..., None]


class Broken:
    """An implementation with some methods that another one would not have."""

    def __init__(self, inner: Any, **methods: Callable[..., Any]) -> None:
        self._inner = inner
        vars(self).update(methods)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)


def by_name(promises: tuple[Promise, ...]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("promise", promises, ids=lambda promise: promise.__name__)


def breaks(promise: Promise, *arguments: Any) -> None:
    with pytest.raises(AssertionError, match=promise.__name__.replace("_", " ")):
        check_promises([promise], *arguments)


# Trainers


def training_rows(task: str = "binary") -> TrainingRows:
    columns = make_rows(40, task=task)
    return TrainingRows(
        pd.DataFrame({"signal": columns["signal"], "other": columns["other"]}), pd.Series(columns["label"])
    )


@pytest.mark.parametrize("trainer", [SklearnTrainer(), Trainers()], ids=["sklearn", "by name"])
@pytest.mark.parametrize("task", ["binary", "multiclass", "regression"])
def test_our_trainers_keep_their_promises(trainer: Any, task: str) -> None:
    rows = training_rows(task)
    spec = make_spec(**(REGRESSION if task == "regression" else {}))
    check_trainer(trainer, spec, rows.features, rows.label)


TRAINER = SklearnTrainer()
ESTIMATOR = object()


def fit_on_changed_rows(spec: PipelineSpec, features: Any, label: Any) -> FittedModel:
    features.iloc[0, 0] = 99.0
    return TRAINER.fit(spec, features, label)


def fit_without_missing(spec: PipelineSpec, features: Any, label: Any) -> FittedModel:
    known = label.notna()
    return TRAINER.fit(spec, features[known], label[known].astype(int))


BROKEN_TRAINERS: dict[str, dict[str, Callable[..., Any]]] = {
    "gives_stable_digests": {"code_digest": lambda _: uuid4().hex * 2},
    "names_its_packages": {"package_versions": lambda _: {}},
    "builds_an_unfitted_estimator": {"build": lambda _: ESTIMATOR},
    "fits_and_scores": {"score": lambda model, features: TRAINER.score(model, features) / 2},
    "beats_its_baseline": {"score": lambda model, features: np.tile(model.baseline, (len(features), 1))},
    "fits_the_same_model_again": {"find_difference": lambda *_: ""},
    "loads_what_it_saved": {"load": lambda folder: replace(TRAINER.load(folder), baseline=(0.5, 0.5))},
    "keeps_its_recipe": {"recipe": lambda folder: replace(TRAINER.recipe(folder), packages={})},
    "finds_its_features": {
        "score": lambda model, features: TRAINER.score(
            model, features.reindex(columns=list(model.features), fill_value=0.0)
        )
    },
    "leaves_the_rows_alone": {"fit": fit_on_changed_rows},
    "refuses_bad_labels": {"fit": fit_without_missing},
    "refuses_a_folder_without_a_model": {"load": lambda _: FittedModel(None, (), None, (0.0,))},
}


@by_name(TRAINER_PROMISES)
def test_a_trainer_that_breaks_a_promise_is_caught(promise: Promise) -> None:
    breaks(promise, Broken(TRAINER, **BROKEN_TRAINERS[promise.__name__]), make_spec(), training_rows())


# Ledgers


@by_name(LEDGER_PROMISES)
def test_each_kind_of_ledger_keeps_each_promise(promise: Promise, ledger: Ledger) -> None:
    promise(ledger)


def test_the_whole_suite_runs_on_new_ledgers() -> None:
    check_ledger(MemoryLedger)


def broken_ledgers(inner: MemoryLedger) -> dict[str, dict[str, Callable[..., Any]]]:
    last = inner.entries
    never = datetime(1999, 1, 1, tzinfo=UTC)

    def append_anything(move: Any) -> Any:
        pointer = inner.pointer(move.model, move.timeline)
        return inner.append(replace(move, expected_generation=pointer.generation if pointer else 0))

    def promote_anything(move: Any) -> Any:
        return inner.append(replace(move, action=Action.ADOPT))

    def forgive_time(move: Any) -> Any:
        later = move.as_of + timedelta(days=365 * len(last()))
        return inner.append(replace(move, as_of=later))

    return {
        "begins_empty": {"verify": lambda: Head(1)},
        "tells_the_time": {"now": lambda: never.replace(tzinfo=None)},
        "moves_the_pointer": {"pointer": lambda *_: None},
        "lets_one_writer_win": {"append": append_anything},
        "never_goes_back_in_time": {"append": forgive_time},
        "appends_a_move_once": {
            "append": lambda move: inner.append(replace(append_key(move), expected_generation=len(last())))
        },
        "keeps_timelines_apart": {"entries": lambda *_: last()},
        "records_a_refusal": {"pointer": lambda *_: None},
        "rolls_back_forward": {"append": lambda move: inner.append(replace(move, key=f"{move.key}-{uuid4()}"))},
        "answers_who_was_champion": {"champion_at": lambda *_: None},
        "records_a_decision_once": {
            "record": lambda decision, *_: replace(decision, at=never + len(last()) * timedelta(1))
        },
        "knows_what_is_not_settled": {"list_earlier_open": lambda _: []},
        "chains_each_decision": {"entries": lambda *_: []},
        "promotes_by_a_recorded_decision": {"append": promote_anything},
        "keeps_approvals": {"append": lambda move: inner.append(replace(move, approver=""))},
        "finds_the_result_of_a_step": {"has_result": lambda _: True},
        "verifies_its_chain": {"verify": Head},
        "verifies_since_a_head": {"verify": lambda *_: inner.verify()},
    }


def append_key(move: Any) -> Any:
    return replace(move, idempotency_key=str(uuid4()), as_of=move.as_of + timedelta(days=1000))


@by_name(LEDGER_PROMISES)
def test_a_ledger_that_breaks_a_promise_is_caught(promise: Promise) -> None:
    inner = MemoryLedger()
    breaks(promise, Broken(inner, **broken_ledgers(inner)[promise.__name__]))


# Registries


@pytest.fixture(params=["folder", pytest.param("mlflow", marks=pytest.mark.live)])
def registry(request: pytest.FixtureRequest, tmp_path: Path) -> ModelRegistry:
    if request.param == "folder":
        return FolderRegistry(tmp_path / "registry")
    return MlflowRegistry(request.getfixturevalue("mlflow_url"))


def test_our_registries_keep_their_promises(registry: ModelRegistry) -> None:
    check_registry(registry)


def broken_registries(inner: FolderRegistry) -> dict[str, dict[str, Callable[..., Any]]]:
    return {
        "finds_nothing_before_it_is_made": {"alias_version": lambda *_: 1},
        "opens_one_run_per_key": {
            "open_run": lambda model, _, **facts: inner.open_run(model, uuid4().hex * 2, **facts)
        },
        "publishes_one_version_per_key": {
            "publish": lambda model, _, run, folder: inner.publish(model, uuid4().hex * 2, run, folder)
        },
        "fetches_what_was_made": {
            "fetch": lambda model, version, _, folder: inner.fetch(
                model, version, require(inner.find_version(model, version)).manifest_digest, folder
            )
        },
        "points_aliases_at_versions": {"set_alias": lambda *_: None},
        "takes_the_same_facts_twice": {"log_params": lambda *_: None},
        "gives_addresses": {"run_url": lambda run: run},
    }


@by_name(REGISTRY_PROMISES)
def test_a_registry_that_breaks_a_promise_is_caught(promise: Promise, tmp_path: Path) -> None:
    inner = FolderRegistry(tmp_path)
    breaks(promise, Broken(inner, **broken_registries(inner)[promise.__name__]))


# Snapshots


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World.make(tmp_path)


def test_our_store_of_snapshots_keeps_its_promises(world: World) -> None:
    check_snapshot_store(world.snapshots, world.spec, world.spec.window_at(AS_OF))


def broken_stores(inner: Any) -> dict[str, dict[str, Callable[..., Any]]]:
    return {
        "takes_the_same_snapshot_again": {
            "take": lambda spec, window: replace(inner.take(spec, window), source=uuid4().hex)
        },
        "loads_what_it_took": {"load": lambda _: None},
        "keeps_to_the_window": {"frame": lambda *arguments: inner.frame(*arguments).iloc[1:]},
        "gives_rows_in_a_stable_order": {"frame": lambda *arguments: inner.frame(*arguments).sample(frac=1)},
        "gives_local_files": {"files": lambda _: []},
    }


@by_name(STORE_PROMISES)
def test_a_store_that_breaks_a_promise_is_caught(promise: Promise, world: World) -> None:
    broken = Broken(world.snapshots, **broken_stores(world.snapshots)[promise.__name__])
    breaks(promise, broken, world.spec, world.spec.window_at(AS_OF))


class ParquetSource:
    """Reads Parquet files by DuckDB."""

    def read(self, spec: PipelineSpec, start: datetime, end: datetime) -> Any:
        low, high = (instant.replace(tzinfo=None) for instant in (start, end))
        time, files = f'"{spec.data.event_time}"', str(spec.root / str(spec.data.source))
        sql = f"SELECT * FROM read_parquet($files) WHERE {time} >= $low AND {time} < $high"
        with duckdb.connect() as connection:
            return connection.sql(sql, params={"files": files, "low": low, "high": high}).df()


RANGE = (datetime(2024, 2, 1, tzinfo=UTC), datetime(2024, 3, 1, tzinfo=UTC))


def test_a_good_source_passes(world: World) -> None:
    check_snapshot_source(ParquetSource(), world.spec, *RANGE)


def broken_sources(inner: ParquetSource) -> dict[str, Callable[..., Any]]:
    return {
        "reads_every_column": lambda *arguments: inner.read(*arguments).drop(columns="label"),
        "reads_times_in_utc": lambda *arguments: inner.read(*arguments).assign(at="yesterday"),
        "reads_the_same_rows_again": lambda *arguments: inner.read(*arguments).sample(frac=0.5),
        "reads_halves_that_make_the_whole": lambda spec, start, end: inner.read(spec, start, end + timedelta(days=1)),
        "reads_nothing_from_an_empty_range": lambda spec, start, end: inner.read(spec, start, end + timedelta(days=1)),
    }


@by_name(SOURCE_PROMISES)
def test_a_source_that_breaks_a_promise_is_caught(promise: Promise, world: World) -> None:
    inner = ParquetSource()
    breaks(promise, Broken(inner, read=broken_sources(inner)[promise.__name__]), world.spec, *RANGE)


# Validators


def validation_case() -> ValidationCase:
    columns = make_rows(200)
    good = pd.DataFrame({name: columns[name] for name in ("at", "signal", "place")})
    expectation = {"type": "expect_column_values_to_be_between", "kwargs": {"column": "signal", "min_value": -50}}
    return ValidationCase(
        suite={"name": "rows", "expectations": [expectation], "meta": {}},
        good=good,
        bad=good.assign(signal=-99.0),
        event_time="at",
        window=make_spec().window_at(AS_OF),
    )


def test_our_validator_keeps_its_promises() -> None:
    check_validator(GxValidator(), validation_case())


PASSED = ValidationReport("rows", (ExpectationResult("anything", "signal", success=True),))
FAILED = ValidationReport("rows", (ExpectationResult("anything", "signal", success=False),))
VALIDATOR = GxValidator()


def report_with_nan(*arguments: Any, **more: Any) -> ValidationReport:
    report = VALIDATOR.validate(*arguments, **more)
    return replace(report, results=tuple(replace(item, unexpected_percent=float("nan")) for item in report.results))


BROKEN_VALIDATORS: dict[str, Callable[..., ValidationReport]] = {
    "passes_good_rows": lambda *_, **__: FAILED,
    "fails_bad_rows": lambda *_, **__: PASSED,
    "never_passes_rows_without_values": lambda *_, **__: PASSED,
    "refuses_an_empty_suite": lambda *_, **__: PASSED,
    "refuses_a_window_without_rows": lambda *_, **__: PASSED,
    "gives_the_same_report_again": lambda *_, **__: replace(FAILED, suite=uuid4().hex),
    "reports_plain_json": report_with_nan,
    "reads_several_files": lambda files, *rest, **more: VALIDATOR.validate(files[:1], *rest, **more),
}


@by_name(VALIDATOR_PROMISES)
def test_a_validator_that_breaks_a_promise_is_caught(promise: Promise) -> None:
    breaks(promise, Broken(VALIDATOR, validate=BROKEN_VALIDATORS[promise.__name__]), validation_case())


# Metrics


def as_installed(name: str, task: Task) -> InstalledMetric:
    return InstalledMetric(METRICS[name], task, GREATER_IS_BETTER[name])


@pytest.mark.parametrize(("task", "name"), [(task, name) for task, names in METRICS_BY_TASK.items() for name in names])
def test_our_metrics_keep_their_promises(task: Task, name: str) -> None:
    check_metric(as_installed(name, task))


BRIER = METRICS["brier"]
BROKEN_METRICS: dict[str, InstalledMetric] = {
    "gives_a_number": InstalledMetric(Broken(BRIER, value=lambda *_: float("nan")), "classification", False),
    "prefers_better_scores": InstalledMetric(BRIER, "classification", True),
    "resamples_to_its_value": InstalledMetric(
        Broken(BRIER, resampler=lambda *_: lambda counts: np.zeros(len(counts))), "classification", False
    ),
    "resamples_by_drawing_rows": InstalledMetric(
        Broken(BRIER, resampler=lambda y, scores, _: lambda counts: np.full(len(counts), BRIER.value(y, scores))),
        "classification",
        False,
    ),
}


@by_name(METRIC_PROMISES)
def test_a_metric_that_breaks_a_promise_is_caught(promise: Promise) -> None:
    breaks(promise, BROKEN_METRICS[promise.__name__])

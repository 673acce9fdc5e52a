"""One DAG per spec, built from the public operators."""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any, Final, Unpack

from airflow.sdk import DAG, BaseOperator, Param
from airflow.sdk.definitions.param import ParamsDict

from retrain.builder.defaults import DagDefaults, SplitDefaults, split_defaults
from retrain.core.data.durations import format_duration
from retrain.core.data.window import INSTANT_PATTERN
from retrain.core.names import NAME_PATTERN
from retrain.core.policy.gates import Gate
from retrain.core.spec import PipelineSpec
from retrain.operators import (
    ApprovePromotionOperator,
    EvaluateModelOperator,
    PromoteModelOperator,
    QualityGateOperator,
    SearchTrialsOperator,
    SnapshotDataOperator,
    TrainModelOperator,
    ValidateDataOperator,
)
from retrain.timetables import EndingCronTimetable

__all__ = ["build_dag"]

_INSTANT: Final = rf"^{INSTANT_PATTERN}$(?!\n)"


def build_dag(spec: PipelineSpec, **defaults: Unpack[DagDefaults]) -> DAG:
    """Return the DAG of a pipeline. Built inside a DAG file, it registers itself.

    Args:
        spec: The pipeline.
        **defaults: Airflow settings of the DAG and its tasks, see `DagDefaults`.

    Raises:
        RetrainError: A setting is unknown, or belongs to the spec.
    """
    split = split_defaults(defaults)
    with DAG(
        dag_id=spec.model,
        description=spec.description or f"Keeps {spec.model} fresh",
        schedule=_make_schedule(spec),
        start_date=spec.start_date,
        catchup=False,
        tags=["retrain", *split.tags, *spec.tags],
        doc_md=_describe(spec),
        default_args=_merge_task_args(spec, split),
        **split.dag,
    ) as dag:
        _add_tasks(spec)
    # Airflow copies the params that a DAG has when a task is built into that task, and serialises and checks every copy.
    # A task without copies reads the same values: they are merged when it runs. Filling the dict rather than replacing
    # it also skips a check of the JSON Schemas, which never change; tests validate them.
    dag.params.update(ParamsDict(_make_params()))
    return dag


def _add_tasks(spec: PipelineSpec) -> None:
    """Add the tasks of a retrain to the DAG at hand, in their order."""
    common: dict[str, Any] = {"spec": spec}
    snapshot = SnapshotDataOperator(task_id="snapshot", **common)
    validate = ValidateDataOperator(task_id="validate", snapshot=snapshot.output, **common)
    train = TrainModelOperator(task_id="train", snapshot=snapshot.output, **common)
    evaluate = EvaluateModelOperator(task_id="evaluate", snapshot=snapshot.output, challenger=train.output, **common)
    gate = QualityGateOperator(
        task_id="gate", snapshot=snapshot.output, challenger=train.output, scorecard=evaluate.output, **common
    )
    promote = PromoteModelOperator(task_id="promote", decision=gate.output, **common)
    if (approve := _add_approval(spec, gate)) is not None:
        approve >> promote
    validate >> train  # every other task reads the output of the one before it, which Airflow turns into an edge
    if search := spec.train.search:
        _add_search(validate, train, search.workers, snapshot=snapshot.output, **common)


def _merge_task_args(spec: PipelineSpec, split: SplitDefaults) -> dict[str, Any]:
    """Return the arguments of every operator: the builder's, then the project's, then what the spec declares itself."""
    task_args = {"owner": spec.owner, "retries": 3, "retry_delay": timedelta(seconds=20)} | split.tasks
    if "owner" in spec.model_fields_set:
        task_args["owner"] = spec.owner
    if "timeout" in spec.execution.model_fields_set:
        task_args["execution_timeout"] = spec.execution.timeout
    return task_args


def _add_search(before: BaseOperator, after: BaseOperator, workers: int, **common: Any) -> None:
    """Put the workers of a search between two tasks. A single worker needs no task: the training task does its work."""
    if workers > 1:
        tasks = SearchTrialsOperator.partial(task_id="search", **common)
        before >> tasks.expand(worker=list(range(workers))) >> after


def _add_approval(spec: PipelineSpec, gate: QualityGateOperator) -> ApprovePromotionOperator | None:
    """Add the task that asks for approval, if the spec wants it."""
    if spec.promotion.approval == "none":
        return None
    return ApprovePromotionOperator(task_id="approve", decision=gate.output, spec=spec)


def _make_schedule(spec: PipelineSpec) -> str | EndingCronTimetable | None:
    """Return the schedule as Airflow takes it."""
    if spec.schedule is None or spec.end_date is None:
        return spec.schedule
    return _make_timetable(spec.schedule, spec.end_date)


@lru_cache(maxsize=1024)
def _make_timetable(schedule: str, end: datetime) -> EndingCronTimetable:
    """Return one timetable per schedule: Airflow words its description from language files, which takes half a millisecond."""
    return EndingCronTimetable(schedule, end=end)


def _make_params() -> dict[str, Param]:
    return {
        "as_of": Param(
            None,
            type=["null", "string"],
            pattern=_INSTANT,
            title="As of",
            description="The instant whose knowledge the retrain may use (ISO 8601, UTC without an offset). "
            "Empty: the end of the data interval.",
        ),
        "timeline": Param(
            None,
            type=["null", "string"],
            pattern=f"^{NAME_PATTERN}$(?!\\n)",
            title="Timeline",
            description="The timeline of a promotion. Empty: production, but a backfill runs as a simulation of its own.",
        ),
        "reason": Param(
            None, type=["null", "string"], maxLength=500, title="Reason", description="Kept in the ledger."
        ),
        "nonce": Param(
            None,
            type=["null", "string"],
            maxLength=64,
            title="Nonce",
            description="Any text: makes a fresh challenger although the inputs are the same.",
        ),
    }


def _describe(spec: PipelineSpec) -> str:
    """Return the page that Airflow shows as the DAG's documentation."""
    data, promotion = spec.data, spec.promotion
    train, holdout, delay = map(format_duration, (data.window.train, data.window.holdout, data.label_delay))
    gates = "\n".join(f"| `{gate.check}` | {_settings_of(gate)} |" for gate in spec.gate)
    approval = f", after one of {', '.join(promotion.approvers)} has approved" if promotion.approvers else ""
    return f"""\
{spec.description or f"Keeps the registered model **{spec.model}** fresh."}

```
 ├── train {train} ──┤── label delay {delay} ──┤── holdout {holdout} ──┤── label delay {delay} ──┤ as-of
snapshot ─► validate ─► train ─► evaluate ─► gate ─►{" approve ─►" if promotion.approvers else ""} promote ─► {promotion.alias}
```

| | |
|---|---|
| data | `{data.query or data.source}`, label `{data.label}`, time `{data.event_time}` |
| expectations | `{spec.validation.suite}` |
| estimator | `{spec.train.estimator}`, seed {spec.train.seed} |
| metrics | {", ".join(spec.evaluation.metrics)}; first of all {spec.evaluation.primary} |

A challenger becomes champion, and MLflow's alias `{promotion.alias}` follows, where every gate passes{approval}:

| gate | asks |
|---|---|
{gates}

Trigger it with the form to retrain as of another instant; a backfill runs as a simulation unless its conf says
`{{"timeline": "production"}}`. To undo a promotion, trigger `retrain_rollback`.
"""


def _settings_of(gate: Gate) -> str:
    settings = gate.model_dump(mode="json", exclude_defaults=True, exclude={"check"})
    return ", ".join(f"{name} `{value}`" for name, value in settings.items())

"""The DAGs for people on call: reconcile, rehearse, replay, roll back, freeze, force."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final, Unpack

from airflow.sdk import DAG, Param, get_parsing_context
from airflow.sdk.definitions.param import ParamsDict

from retrain.builder.defaults import Callback, DagDefaults, SplitDefaults, split_defaults
from retrain.core.names import NAME_PATTERN
from retrain.core.spec import PipelineSpec, read_specs
from retrain.operators import (
    ForceChampionOperator,
    FreezeModelOperator,
    ReconcileModelsOperator,
    RehearseRollbackOperator,
    ReplayRetrainOperator,
    RollbackModelOperator,
)

__all__ = ["build_operations"]

_TASK_DEFAULTS: Final[dict[str, Any]] = {
    "retries": 2,
    # A person waits for a rollback: Airflow's own delay of five minutes is too long.
    "retry_delay": timedelta(seconds=10),
    "retry_exponential_backoff": 2.0,
    "max_retry_delay": timedelta(minutes=2),
    "execution_timeout": timedelta(hours=6),
}
_MODEL: Final = "{{ params.model }}"
_REASON: Final = "{{ params.reason }}"
_TIMELINE: Final = "{{ params.timeline }}"


def build_operations(
    folder: str | Path,
    *,
    alarm: Sequence[Callback] = (),
    owner: str = "airflow",
    only_from_pages: bool = False,
    **defaults: Unpack[DagDefaults],
) -> list[DAG]:
    """Build the operations on all pipelines of a folder. Built inside a DAG file, they register themselves.

    When Airflow parses the file to run a task, only the DAG of that task is built. An operation needs every spec.

    Args:
        folder: The folder of specs; bad ones are left out, as in `load_dags`.
        alarm: Airflow notifiers, called when the reconciler, the rehearsal or the replay finds something that a person
            should know.
        owner: The owner of the tasks.
        only_from_pages: Whether rollback, freeze and force refuse a run that was not requested on the pages or over their API,
            which also asks for the right on the model's own DAG; Airflow itself asks only for the right on the operation.
        **defaults: Airflow settings of the DAGs and their tasks, see `DagDefaults`.

    Raises:
        NotFoundError: The folder does not exist.
        RetrainError: A setting is unknown, or belongs to the spec.
    """
    split = split_defaults(defaults)
    split.tasks.setdefault("owner", owner)
    for name, value in _TASK_DEFAULTS.items():
        split.tasks.setdefault(name, value)
    alarms = {"on_failure_callback": list(alarm)} if alarm else {}
    builders: dict[str, Callable[[list[PipelineSpec]], DAG]] = {
        "retrain_reconcile": lambda specs: _build_reconcile(specs, split, alarms),
        "retrain_rehearsal": lambda specs: _build_rehearsal(specs, split, alarms),
        "retrain_replay": lambda specs: _build_replay(specs, split, alarms),
        "retrain_rollback": lambda specs: _build_rollback(specs, split, only_from_pages),
        "retrain_freeze": lambda specs: _build_freeze(specs, split, only_from_pages),
        "retrain_force": lambda specs: _build_force(specs, split, only_from_pages),
    }
    dag_id = get_parsing_context().dag_id
    if dag_id is not None and dag_id not in builders:
        return []
    specs, _ = read_specs(Path(folder))
    return [build(specs) for name, build in builders.items() if specs and dag_id in (None, name)]


def _build_reconcile(specs: list[PipelineSpec], split: SplitDefaults, alarms: dict[str, Any]) -> DAG:
    text = "Verifies the ledger and makes MLflow's aliases follow it. A failed run is an alarm; its log says what was repaired."
    with _make_dag("retrain_reconcile", text, split, schedule="@hourly") as dag:
        ReconcileModelsOperator(task_id="reconcile", specs=specs, **alarms)
    return dag


def _build_rehearsal(specs: list[PipelineSpec], split: SplitDefaults, alarms: dict[str, Any]) -> DAG:
    text = "Proves that the versions to roll back to still load and score."
    with _make_dag("retrain_rehearsal", text, split, schedule="@weekly") as dag:
        RehearseRollbackOperator(task_id="rehearse", specs=specs, **alarms)
    return dag


def _build_replay(specs: list[PipelineSpec], split: SplitDefaults, alarms: dict[str, Any]) -> DAG:
    text = "Repeats one past retrain of each model and compares the result, bit for bit."
    with _make_dag("retrain_replay", text, split, schedule="@daily") as dag:
        ReplayRetrainOperator(task_id="replay", specs=specs, **alarms)
    return dag


def _build_rollback(specs: list[PipelineSpec], split: SplitDefaults, only_from_pages: bool) -> DAG:
    with _make_dag("retrain_rollback", "Goes back to a version that was live.", split) as dag:
        RollbackModelOperator(
            task_id="rollback",
            specs=specs,
            only_from_pages=only_from_pages,
            model=_MODEL,
            timeline=_TIMELINE,
            reason=_REASON,
            to="{{ params.to or '' }}",
            plan_only="{{ params.dry_run }}",
        )
    to = Param(
        None, type=["null", "integer"], minimum=1, title="To version", description="Empty: the previous champion."
    )
    dry_run = Param(False, type="boolean", title="Dry run", description="Only say what would change.")
    return _set_params(dag, specs, to=to, dry_run=dry_run)


def _build_freeze(specs: list[PipelineSpec], split: SplitDefaults, only_from_pages: bool) -> DAG:
    with _make_dag("retrain_freeze", "Stops automatic promotions until the freeze is lifted.", split) as dag:
        FreezeModelOperator(
            task_id="freeze",
            specs=specs,
            only_from_pages=only_from_pages,
            model=_MODEL,
            timeline=_TIMELINE,
            reason=_REASON,
            lift="{{ params.lift }}",
        )
    return _set_params(
        dag, specs, lift=Param(False, type="boolean", title="Lift", description="Lift the freeze instead.")
    )


def _build_force(specs: list[PipelineSpec], split: SplitDefaults, only_from_pages: bool) -> DAG:
    text = "Break-glass: makes a version champion without a decision, for a limited time."
    with _make_dag("retrain_force", text, split) as dag:
        ForceChampionOperator(
            task_id="force",
            specs=specs,
            only_from_pages=only_from_pages,
            model=_MODEL,
            timeline=_TIMELINE,
            reason=_REASON,
            version="{{ params.version }}",
            expires="{{ params.expires }}",
        )
    return _set_params(
        dag,
        specs,
        version=Param(type="integer", minimum=1, title="Version"),
        expires=Param("7d", type="string", pattern=r"^\d{1,4}[dhw]$(?!\n)", title="Expires after"),
    )


def _make_dag(dag_id: str, text: str, split: SplitDefaults, *, schedule: str | None = None) -> DAG:
    settings: dict[str, Any] = {
        # What a person requests for one model does not wait for another's; for one model the ledger's generation decides.
        "max_active_runs": 1 if schedule else 16,
        # A run that waits in a paused DAG would act whenever somebody unpauses it, perhaps on another champion.
        "is_paused_upon_creation": None if schedule else False,
    }
    return DAG(
        dag_id=dag_id,
        description=text,
        schedule=schedule,
        start_date=datetime(2020, 1, 1, tzinfo=UTC),
        catchup=False,
        default_args=split.tasks,
        tags=["retrain", "operations", *split.tags],
        doc_md=text,
        **settings | split.dag,
    )


def _set_params(dag: DAG, specs: list[PipelineSpec], **params: Param) -> DAG:
    """Set the params of a DAG whose tasks exist already, so that Airflow does not copy them into each task."""
    names = sorted(spec.model for spec in specs)
    # With several pipelines a default would make a request without a name act on the first one.
    default: dict[str, Any] = {"default": names[0]} if len(names) == 1 else {}
    shared = {
        "model": Param(**default, type="string", enum=names, title="Model"),
        "reason": Param(type="string", minLength=3, maxLength=500, title="Reason", description="Kept in the ledger."),
        "timeline": Param("production", type="string", pattern=f"^{NAME_PATTERN}$(?!\\n)", title="Timeline"),
    }
    dag.params.update(ParamsDict(shared | params))
    return dag

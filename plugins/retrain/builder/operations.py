"""The DAGs of the people on call: reconcile, rehearse, replay, roll back, freeze, break the glass."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from airflow.sdk import DAG, Param

from retrain.builder.folder import read_specs
from retrain.core.names import NAME_PATTERN
from retrain.core.spec import PipelineSpec
from retrain.operators import (
    ForceChampionOperator,
    FreezeModelOperator,
    ReconcileModelsOperator,
    RehearseRollbackOperator,
    ReplayRetrainOperator,
    RollbackModelOperator,
)

__all__ = ["build_operations"]

_MODEL: Final = "{{ params.model }}"
_REASON: Final = "{{ params.reason }}"
_TIMELINE: Final = "{{ params.timeline }}"


def build_operations(folder: str | Path, *, alarm: Sequence[Any] = (), owner: str = "airflow") -> list[DAG]:
    """Build the operations on all pipelines of a folder; made inside a DAG file they register themselves.

    Args:
        folder: The folder of specs; bad ones are left out, as in `load_dags`.
        alarm: Airflow notifiers, told when the reconciler or the rehearsal finds something that a person should know.
        owner: The owner of the tasks.
    """
    specs, _ = read_specs(folder)
    if not specs:
        return []
    defaults = {"owner": owner, "retries": 2}
    return [
        _reconcile(specs, defaults, alarm),
        _rehearsal(specs, defaults, alarm),
        _replay(specs, defaults, alarm),
        _rollback(specs, defaults),
        _freeze(specs, defaults),
        _force(specs, defaults),
    ]


def _reconcile(specs: list[PipelineSpec], defaults: dict[str, Any], alarm: Sequence[Any]) -> DAG:
    text = "Verifies the ledger and makes MLflow's aliases follow it. A failed run is an alarm; its log says what was mended."
    with _dag("retrain_reconcile", text, defaults, schedule="@hourly") as dag:
        ReconcileModelsOperator(task_id="reconcile", specs=specs, on_failure_callback=list(alarm))
    return dag


def _rehearsal(specs: list[PipelineSpec], defaults: dict[str, Any], alarm: Sequence[Any]) -> DAG:
    text = "Proves that the versions one would roll back to still load and score."
    with _dag("retrain_rehearsal", text, defaults, schedule="@weekly") as dag:
        RehearseRollbackOperator(task_id="rehearse", specs=specs, on_failure_callback=list(alarm))
    return dag


def _replay(specs: list[PipelineSpec], defaults: dict[str, Any], alarm: Sequence[Any]) -> DAG:
    text = "Does one past retrain of each model again and compares what comes out, bit for bit."
    with _dag("retrain_replay", text, defaults, schedule="@daily") as dag:
        ReplayRetrainOperator(task_id="replay", specs=specs, on_failure_callback=list(alarm))
    return dag


def _rollback(specs: list[PipelineSpec], defaults: dict[str, Any]) -> DAG:
    params = _params(specs) | {
        "to": Param(
            None, type=["null", "integer"], minimum=1, title="To version", description="Empty: the one before."
        ),
        "dry_run": Param(False, type="boolean", title="Dry run", description="Only say what would change."),
    }
    with _dag("retrain_rollback", "Back to a version that was live.", defaults, params=params) as dag:
        RollbackModelOperator(
            task_id="rollback",
            specs=specs,
            model=_MODEL,
            timeline=_TIMELINE,
            reason=_REASON,
            to="{{ params.to or '' }}",
            plan_only="{{ params.dry_run }}",
        )
    return dag


def _freeze(specs: list[PipelineSpec], defaults: dict[str, Any]) -> DAG:
    params = _params(specs) | {
        "lift": Param(False, type="boolean", title="Lift", description="Lift the freeze instead.")
    }
    with _dag("retrain_freeze", "No automatic promotion until it is lifted.", defaults, params=params) as dag:
        FreezeModelOperator(
            task_id="freeze",
            specs=specs,
            model=_MODEL,
            timeline=_TIMELINE,
            reason=_REASON,
            lift="{{ params.lift }}",
        )
    return dag


def _force(specs: list[PipelineSpec], defaults: dict[str, Any]) -> DAG:
    params = _params(specs) | {
        "version": Param(type="integer", minimum=1, title="Version"),
        "expires": Param("7d", type="string", pattern=r"^\d{1,4}[dhw]$(?!\n)", title="Expires after"),
    }
    with _dag(
        "retrain_force", "Break-glass: a champion without a decision, for a while.", defaults, params=params
    ) as dag:
        ForceChampionOperator(
            task_id="force",
            specs=specs,
            model=_MODEL,
            timeline=_TIMELINE,
            reason=_REASON,
            version="{{ params.version }}",
            expires="{{ params.expires }}",
        )
    return dag


def _dag(dag_id: str, text: str, defaults: dict[str, Any], *, schedule: str | None = None, params: Any = None) -> DAG:
    return DAG(
        dag_id=dag_id,
        description=text,
        schedule=schedule,
        start_date=datetime(2020, 1, 1, tzinfo=UTC),
        catchup=False,
        max_active_runs=1,
        # What waits in a paused DAG would be done whenever somebody switches it on, to another champion by then.
        is_paused_upon_creation=None if schedule else False,
        params=params,
        default_args=defaults,
        tags=["retrain", "operations"],
        doc_md=text,
    )


def _params(specs: list[PipelineSpec]) -> dict[str, Param]:
    names = sorted(spec.model for spec in specs)
    only: dict[str, Any] = (
        {"default": names[0]} if len(names) == 1 else {}
    )  # or a request that names none would be about the first
    return {
        "model": Param(**only, type="string", enum=names, title="Model"),
        "reason": Param(type="string", minLength=3, maxLength=500, title="Reason", description="Kept in the ledger."),
        "timeline": Param("production", type="string", pattern=f"^{NAME_PATTERN}$(?!\\n)", title="Timeline"),
    }

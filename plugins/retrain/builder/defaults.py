"""The Airflow settings that a project gives to all of its DAGs: callbacks, notifiers, pools, limits."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final, TypedDict

from retrain.core.spec.rules import did_you_mean
from retrain.errors import RetrainError

if TYPE_CHECKING:
    from airflow.sdk import Context
    from airflow.sdk.definitions.deadline import DeadlineAlert

__all__ = ["Callback", "DagDefaults", "SplitDefaults", "split_defaults"]

Callback = Callable[["Context"], Any]
"""A function of Airflow's context, or a notifier: Airflow calls both alike."""

Callbacks = Callback | Collection[Callback]


class DagDefaults(TypedDict, total=False):
    """The keyword arguments of `load_dags`, `build_dag` and `build_operations`; all are optional.

    Each one means what it means in Airflow, and goes to the DAG or to all of its operators.

    Attributes:
        default_args: Arguments of every operator, such as ``{"retries": 1, "on_failure_callback": notifier}``.
            They replace the builder's ``retries``, ``retry_delay`` and ``execution_timeout``. The ``owner`` and the
            ``execution.timeout`` that a spec declares win.
        tags: Tags of the DAG, beside ``retrain`` and those of the spec.
        max_active_runs: How many runs of a DAG may be active at once.
        max_active_tasks: How many tasks of a run may be active at once.
        max_consecutive_failed_dag_runs: Airflow pauses the DAG after this many failed runs in a row.
        dagrun_timeout: Airflow fails a run that takes longer.
        deadline: Airflow's deadline alerts for the run.
        on_success_callback: Called when a run succeeds.
        on_failure_callback: Called when a run fails.
        access_control: Which roles may do what with the DAG.
        is_paused_upon_creation: Whether a new DAG starts paused.
        owner_links: The address behind each owner's name.
        pool: The pool of every task.
        queue: The queue of every task.
        executor: The executor of every task, by its name or alias.
        on_execute_callback: Called when a task starts.
        on_retry_callback: Called when a task will be retried.
        on_skipped_callback: Called when a task skips itself.
    """

    default_args: Mapping[str, Any]
    tags: Collection[str]
    max_active_runs: int
    max_active_tasks: int
    max_consecutive_failed_dag_runs: int
    dagrun_timeout: timedelta
    deadline: DeadlineAlert | list[DeadlineAlert]
    on_success_callback: Callbacks
    on_failure_callback: Callbacks
    access_control: dict[str, dict[str, Collection[str]]]
    is_paused_upon_creation: bool
    owner_links: dict[str, str]
    pool: str
    queue: str
    executor: str
    on_execute_callback: Callbacks
    on_retry_callback: Callbacks
    on_skipped_callback: Callbacks


_TASK_KEYS: Final = frozenset(
    {"pool", "queue", "executor", "on_execute_callback", "on_retry_callback", "on_skipped_callback"}
)
_BUILDER_KEYS: Final = frozenset({"dag", "end_date", "params", "spec", "start_date", "task_id"})


@dataclass(frozen=True)
class SplitDefaults:
    """The settings of a project, sorted by what takes them.

    Attributes:
        dag: Arguments of the DAG.
        tasks: Arguments of every operator.
        tags: Further tags of the DAG.
    """

    dag: dict[str, Any]
    tasks: dict[str, Any]
    tags: tuple[str, ...]


def split_defaults(defaults: DagDefaults) -> SplitDefaults:
    """Sort the settings of a project by what takes them.

    Raises:
        RetrainError: A setting is unknown, or belongs to the spec.
    """
    given: dict[str, Any] = dict(defaults)
    for name in given.keys() - DagDefaults.__annotations__.keys():
        raise RetrainError(
            "a default of DAGs must be a known keyword argument",
            got=repr(name),
            fix=did_you_mean(name, sorted(DagDefaults.__annotations__)),
        )
    task_args = dict(given.pop("default_args", {}))
    for name in sorted(task_args.keys() & _BUILDER_KEYS):
        raise RetrainError(
            "default_args must not hold what each spec says itself", got=repr(name), fix="Remove it from default_args."
        )
    task_args |= {name: given.pop(name) for name in sorted(given.keys() & _TASK_KEYS)}
    return SplitDefaults(dag=given, tasks=task_args, tags=tuple(given.pop("tags", ())))

"""The base of a retrain's operators: the request behind a run, and the translation of errors."""

from __future__ import annotations

import os
from abc import abstractmethod
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Final

from airflow.sdk import BaseOperator
from airflow.sdk.exceptions import AirflowException, AirflowFailException, AirflowTaskTimeout

from retrain.adapters.isolated.orphan import die_with_parent
from retrain.core.data.window import resolve_as_of
from retrain.core.ledger.origin import Origin
from retrain.core.names import check_name
from retrain.core.request import RetrainRequest, default_timeline
from retrain.core.resources import Resources, Retrain
from retrain.core.text import to_one_line
from retrain.errors import RetrainError
from retrain.hooks import AirflowResources
from retrain.operators.failures import to_airflow_error
from retrain.operators.threads import use_one_thread
from retrain.settings import LEDGER_CONNECTION, MLFLOW_CONNECTION, NOTE_KEY

if TYPE_CHECKING:
    from airflow.sdk import Context

    from retrain.core.spec import PipelineSpec

__all__ = ["FAILURE_KEY", "RetrainOperator"]

FAILURE_KEY: Final = "failure"
"""The key of the XCom in which a failing step leaves its reason for the gate."""


class RetrainOperator(BaseOperator):
    """One step of a retrain.

    Args:
        spec: The pipeline.
        as_of: ISO 8601 instant; empty for the end of the data interval, or for run_after if the run has none.
        timeline: Whose champion a promotion replaces; empty for ``production``, in a backfill for a simulation of its own.
        reason: Why the retrain is requested; kept in the ledger.
        nonce: Any text; it makes a new challenger from the same inputs.
        mlflow_conn_id: The connection to MLflow.
        ledger_conn_id: The connection to the ledger.

    By default the four texts come from the params of the DAG run.
    """

    # One field for four texts: Airflow spends a fifth of a DAG's serialisation on the number of fields.
    template_fields: Sequence[str] = ("requested",)
    step: ClassVar[str]
    ui_color = "#e8f0f2"

    def __init__(
        self,
        *,
        spec: PipelineSpec,
        as_of: str = "{{ params.get('as_of') or '' }}",
        timeline: str = "{{ params.get('timeline') or '' }}",
        reason: str = "{{ params.get('reason') or '' }}",
        nonce: str = "{{ params.get('nonce') or '' }}",
        mlflow_conn_id: str = MLFLOW_CONNECTION,
        ledger_conn_id: str = LEDGER_CONNECTION,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.spec = spec
        self.requested = {"as_of": as_of, "timeline": timeline, "reason": reason, "nonce": nonce}
        self.mlflow_conn_id = mlflow_conn_id
        self.ledger_conn_id = ledger_conn_id

    @abstractmethod
    def run_step(self, retrain: Retrain, context: Context) -> dict[str, Any]:
        """Do the step and return small JSON for the next one."""

    def pre_execute(self, context: Context) -> None:
        """Limit the time of this try by the spec, unless the DAG limits it.

        It is set here, because Airflow stores every argument of every task with the DAG: this one costs 2 % of that.
        """
        super().pre_execute(context)
        if self.execution_timeout is None:
            self.execution_timeout = self.spec.execution.timeout

    def execute(self, context: Context) -> dict[str, Any]:
        """Run the step; a permanent error fails the task at once, an outage is retried."""
        die_with_parent(os.getppid())
        use_one_thread()
        try:
            return self.run_step(self.retrain(context), context)
        except AirflowException:
            raise  # a skip or a reschedule: not a failure
        except AirflowTaskTimeout:
            self.leave_failure(context, f"took longer than {self.execution_timeout}, the task's execution timeout")
            raise
        except Exception as error:  # noqa: BLE001 - each error gets a form that logs may hold
            self.leave_failure(context, str(error) if isinstance(error, RetrainError) else type(error).__name__)
            raise to_airflow_error(error, self.log) from None

    def retrain(self, context: Context) -> Retrain:
        """Return the retrain of this DAG run, with the systems of the operator's connections."""
        return Retrain(self.spec, self.request(context), self.open_resources())

    def open_resources(self) -> Resources:
        """Return the systems of the operator's connections; each is opened when the step asks for it."""
        return AirflowResources(mlflow_conn_id=self.mlflow_conn_id, ledger_conn_id=self.ledger_conn_id)

    def request(self, context: Context) -> RetrainRequest:
        """Return what this DAG run requests; every task and every try of the run gets the same."""
        run = context["dag_run"]
        try:
            timeline = check_name(
                self.requested["timeline"] or default_timeline(self.spec, backfill=run.run_type == "backfill")
            )
            as_of = resolve_as_of(
                self.requested["as_of"], data_interval_end=run.data_interval_end, run_after=run.run_after
            )
        except ValueError as error:
            raise AirflowFailException(f"timeline and as_of of this run: {error}") from None
        return RetrainRequest(
            model=self.spec.model,
            timeline=timeline,
            as_of=as_of,
            origin=Origin.of_dag_run(run.dag_id, run.run_id),
            actor=run.triggering_user_name or str(run.run_type),
            reason=to_one_line(self.requested["reason"]),
            nonce=self.requested["nonce"],
        )

    def leave_failure(self, context: Context, reason: str) -> None:
        """Leave the reason for the gate, which writes it into the decision."""
        context["ti"].xcom_push(key=FAILURE_KEY, value={"step": self.step, "reason": reason[:2000]})

    def leave_note(self, context: Context, text: str) -> None:
        """Leave what Airflow shows as the note of the task and of its run."""
        context["ti"].xcom_push(key=NOTE_KEY, value=text[:2000])

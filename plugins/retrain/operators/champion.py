"""The bases of the operators on champions: the pipelines, the user who requests it, and the translation of errors."""

from __future__ import annotations

import os
from abc import abstractmethod
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseOperator
from airflow.sdk.exceptions import AirflowException, AirflowFailException

from retrain.adapters.isolated.orphan import die_with_parent
from retrain.core.ledger.origin import Origin
from retrain.core.names import PRODUCTION, check_name
from retrain.core.spec.rules import did_you_mean
from retrain.core.text import to_one_line
from retrain.hooks import AirflowResources, RetrainLedgerHook
from retrain.operators.failures import to_airflow_error
from retrain.operators.threads import use_one_thread
from retrain.settings import LEDGER_CONNECTION, MLFLOW_CONNECTION

if TYPE_CHECKING:
    from airflow.sdk import Context

    from retrain.core.resources import Resources
    from retrain.core.spec import PipelineSpec
    from retrain.steps import Operation

__all__ = ["ChampionOperator", "ModelOperator"]


class ChampionOperator(BaseOperator):
    """An operation on champions, outside a retrain.

    Args:
        specs: The pipelines that it may operate on.
        mlflow_conn_id: The connection to MLflow.
        ledger_conn_id: The connection to the ledger.
    """

    ui_color = "#f7ede2"
    actor = ""
    origin: Origin | None = None

    def __init__(
        self,
        *,
        specs: Sequence[PipelineSpec],
        mlflow_conn_id: str = MLFLOW_CONNECTION,
        ledger_conn_id: str = LEDGER_CONNECTION,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.specs = {spec.model: spec for spec in specs}
        self.mlflow_conn_id = mlflow_conn_id
        self.ledger_conn_id = ledger_conn_id

    def open_resources(self) -> Resources:
        """Return the systems of the operator's connections; each is opened when the operation asks for it."""
        return AirflowResources(mlflow_conn_id=self.mlflow_conn_id, ledger_conn_id=self.ledger_conn_id)

    @abstractmethod
    def operate(self, resources: Resources) -> dict[str, Any]:
        """Do the operation and return small JSON."""

    def check_request(self) -> None:
        """Check whether the run may operate at all."""

    def execute(self, context: Context) -> dict[str, Any]:
        """Do the operation; a permanent error fails the task at once, an outage is retried."""
        die_with_parent(os.getppid())
        use_one_thread()
        run = context["dag_run"]
        self.actor = run.triggering_user_name or str(run.run_type)
        self.origin = Origin.of_dag_run(run.dag_id, run.run_id)
        try:
            self.check_request()
            return self.operate(self.open_resources())
        except AirflowException:
            raise
        except Exception as error:  # noqa: BLE001 - each error gets a form that logs may hold
            raise to_airflow_error(error, self.log) from None


class ModelOperator(ChampionOperator):
    """An operation on one champion.

    Args:
        model: The pipeline's name.
        timeline: The timeline of the champion.
        reason: Why; kept in the ledger, so it must not be empty.
        only_from_pages: Whether a run is refused that was not requested on the pages or over their API. They ask for the right
            on the model's own DAG; Airflow's own API asks only for the right on the DAG of this operator.
    """

    template_fields: Sequence[str] = ("model", "timeline", "reason")

    def __init__(
        self, *, model: str, reason: str, timeline: str = PRODUCTION, only_from_pages: bool = False, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.only_from_pages = only_from_pages
        self.model = model
        self.timeline = timeline
        self.reason = reason

    def check_request(self) -> None:
        """Check that the pages admitted the run if only they may start one.

        Raises:
            AirflowFailException: They did not, for this user and model.
        """
        if not self.only_from_pages or self.origin is None:
            return
        log_of = RetrainLedgerHook(self.ledger_conn_id).get_conn().attempts
        # By user too: somebody else may have made a run of the same id beforehand.
        if not log_of.admits(self.actor, self.model, self.origin.dag_id, self.origin.run_id):
            raise AirflowFailException(
                f"the run must be requested on the pages, or over their API, by a user with the right on {self.model[:80]!r}; "
                "got a run that was started otherwise. Request it there: Airflow asks only for the right on this DAG."
            )

    def operation(self) -> Operation:
        """Return the operation that this run requests, with its fields checked."""
        from retrain.steps import Operation

        if self.model not in self.specs:
            hint = did_you_mean(self.model[:80], sorted(self.specs))
            raise AirflowFailException(f"model must be a pipeline; got {self.model[:80]!r}. {hint}")
        reason = to_one_line(self.reason)
        if not reason:
            raise AirflowFailException("reason must say why; got nothing. Give it in a few words.")
        try:
            timeline = check_name(self.timeline)
        except ValueError as error:
            raise AirflowFailException(f"timeline: {error}") from None
        return Operation(self.specs[self.model], timeline, self.actor, reason[:500], self.origin)

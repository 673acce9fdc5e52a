"""Links from a task to the pages on what it made or decided."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow.sdk import BaseOperatorLink

from retrain.settings import airflow_url

if TYPE_CHECKING:
    from airflow.sdk import BaseOperator
    from airflow.sdk.types import TaskInstanceKey

    from retrain.core.policy.decision import Decision

__all__ = ["DecisionLink", "MlflowRunLink", "ModelVersionLink", "ScorecardLink", "decision_url"]


def decision_url(decision: Decision) -> str:
    """Return the address of the page on a decision."""
    return f"{airflow_url()}/plugin/retrain/models/{decision.model}/retrains/{decision.id}"


class DecisionLink(BaseOperatorLink):
    """The page on what was decided, and why."""

    name = "Decision"

    def get_link(self, operator: BaseOperator, *, ti_key: TaskInstanceKey) -> str:  # noqa: ARG002 - Airflow's signature
        """Return the address that the task found while it ran."""
        return getattr(operator, "decision_url", "")


class MlflowRunLink(BaseOperatorLink):
    """The run that made the challenger."""

    name = "MLflow run"

    def get_link(self, operator: BaseOperator, *, ti_key: TaskInstanceKey) -> str:  # noqa: ARG002 - Airflow's signature
        """Return the address that the task found while it ran."""
        return getattr(operator, "run_url", "")


class ModelVersionLink(BaseOperatorLink):
    """The model version in the registry."""

    name = "Model version"

    def get_link(self, operator: BaseOperator, *, ti_key: TaskInstanceKey) -> str:  # noqa: ARG002 - Airflow's signature
        """Return the address that the task found while it ran."""
        return getattr(operator, "version_url", "")


class ScorecardLink(BaseOperatorLink):
    """The page of a decision, among the files of the run."""

    name = "Scorecard"

    def get_link(self, operator: BaseOperator, *, ti_key: TaskInstanceKey) -> str:  # noqa: ARG002 - Airflow's signature
        """Return the address that the task found while it ran."""
        return getattr(operator, "scorecard_url", "")

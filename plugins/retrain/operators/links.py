"""Links from a task to MLflow's pages."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow.sdk import BaseOperatorLink

if TYPE_CHECKING:
    from airflow.sdk import BaseOperator
    from airflow.sdk.types import TaskInstanceKey

__all__ = ["MlflowRunLink", "ModelVersionLink", "ScorecardLink"]


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

"""What Airflow loads: the plugin, by entry point from the wheel or by the one-line stub in folder mode."""

from __future__ import annotations

from airflow.plugins_manager import AirflowPlugin

from retrain.operators.links import MlflowRunLink, ModelVersionLink

__all__ = ["RetrainPlugin"]


class RetrainPlugin(AirflowPlugin):
    """Makes the links of the operators known to the UI."""

    name = "retrain"
    operator_extra_links = [MlflowRunLink(), ModelVersionLink()]  # noqa: RUF012 - Airflow's declaration

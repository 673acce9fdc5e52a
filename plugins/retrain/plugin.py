"""What Airflow loads: the plugin, by entry point from the wheel or by the one-line stub in folder mode."""

from __future__ import annotations

from airflow.plugins_manager import AirflowPlugin

from retrain.listeners import run_notes
from retrain.operators.links import MlflowRunLink, ModelVersionLink, ScorecardLink
from retrain.timetables import EndingCronTimetable

__all__ = ["RetrainPlugin"]


class RetrainPlugin(AirflowPlugin):
    """Makes the links, the timetable and the notes known to Airflow."""

    name = "retrain"
    operator_extra_links = [MlflowRunLink(), ModelVersionLink(), ScorecardLink()]  # noqa: RUF012 - Airflow's declaration
    timetables = [EndingCronTimetable]  # noqa: RUF012
    listeners = [run_notes]  # noqa: RUF012

"""What Airflow loads: the plugin, by entry point from the wheel or by the one-line stub in folder mode."""

from __future__ import annotations

from functools import cached_property
from typing import Any, Final

from airflow.plugins_manager import AirflowPlugin

from retrain.listeners import run_notes
from retrain.operators.links import DecisionLink, MlflowRunLink, ModelVersionLink, ScorecardLink
from retrain.timetables import EndingCronTimetable

__all__ = ["RetrainPlugin"]

_PREFIX: Final = "/retrain"


class RetrainPlugin(AirflowPlugin):
    """Makes links, timetable, notes, API and pages known to Airflow.

    The last two are properties, which the api-server alone asks for: no other component loads what is behind them.
    """

    name = "retrain"
    operator_extra_links = [  # noqa: RUF012 - Airflow's declaration
        DecisionLink(),
        MlflowRunLink(),
        ModelVersionLink(),
        ScorecardLink(),
    ]
    timetables = [EndingCronTimetable]  # noqa: RUF012
    listeners = [run_notes]  # noqa: RUF012

    @cached_property
    def fastapi_apps(self) -> list[dict[str, Any]]:  # type: ignore[override]  # Airflow declares a list, and takes this too
        """The API behind the pages."""
        from retrain.api.app import create_app

        return [{"app": create_app(), "url_prefix": _PREFIX, "name": "retrain"}]

    @cached_property
    def react_apps(self) -> list[dict[str, Any]]:  # type: ignore[override]
        """The pages below "Models", and a tab for each DAG and each run; all are in one bundle, each under its name."""
        from retrain.api.bundle import file_url

        bundle = {
            "bundle_url": file_url(_PREFIX, "retrain.js"),
            "icon": file_url(_PREFIX, "icon.svg"),
            "icon_dark_mode": file_url(_PREFIX, "icon-dark.svg"),
        }
        return [
            {"name": "Models", "url_route": "retrain", "destination": "nav", **bundle},
            {"name": "Champion", "url_route": "champion", "destination": "dag", **bundle},
            {"name": "Decision", "url_route": "decision", "destination": "dag_run", **bundle},
        ]

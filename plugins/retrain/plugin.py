"""The Airflow plugin, loaded by entry point from the wheel or by the one-line stub in folder mode."""

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
    """Registers links, timetable, run notes, API and pages with Airflow.

    API and pages are properties, because only the api-server reads them: no other component loads their code.
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
    def fastapi_apps(self) -> list[dict[str, Any]]:  # type: ignore[override]  # Airflow declares a list and accepts a property
        """The REST API of the pages."""
        from retrain.api.app import create_app

        return [{"app": create_app(), "url_prefix": _PREFIX, "name": "retrain"}]

    @cached_property
    def react_apps(self) -> list[dict[str, Any]]:  # type: ignore[override]
        """The "Models" pages, and a tab per DAG and per run; one bundle holds them all, each under its name."""
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

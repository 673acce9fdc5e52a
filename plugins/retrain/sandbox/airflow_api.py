"""The few calls of Airflow's REST API that the demo makes."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

import httpx

from retrain.errors import OutageError

__all__ = ["AirflowApi"]


class AirflowApi:
    """A signed-in client of Airflow's REST API."""

    def __init__(self, url: str, user: str, password: str) -> None:
        token = httpx.post(f"{url}/auth/token", json={"username": user, "password": password}, timeout=30)
        token.raise_for_status()
        self._client = httpx.Client(
            base_url=f"{url}/api/v2",
            headers={"Authorization": f"Bearer {token.json()['access_token']}"},
            timeout=60,
        )

    def get(self, path: str, **query: Any) -> Any:
        """Return the JSON of a GET."""
        return self._checked(self._client.get(path, params=query))

    def post(self, path: str, body: Mapping[str, Any]) -> httpx.Response:
        """Send a POST and return the response, whatever its status."""
        return self._client.post(path, json=body)

    def patch(self, path: str, body: Mapping[str, Any]) -> Any:
        """Send a PATCH and return its JSON."""
        return self._checked(self._client.patch(path, json=body))

    def wait_for_dag(self, dag_id: str, seconds: float = 120) -> None:
        """Return when Airflow has parsed a DAG.

        Raises:
            OutageError: It has not in time; import errors are named.
        """
        deadline = time.monotonic() + seconds
        while self._client.get(f"/dags/{dag_id}").status_code != httpx.codes.OK:
            if time.monotonic() > deadline:
                errors = [item["filename"] for item in self.get("/importErrors")["import_errors"]]
                raise OutageError(
                    f"Airflow must find the DAG {dag_id} within {seconds:.0f} s",
                    got=f"import errors in {', '.join(errors)}" if errors else "no such DAG",
                    fix="Run `retrain check` and see the log of the DAG processor.",
                )
            time.sleep(0.3)

    def run_states(self, dag_id: str) -> dict[str, str]:
        """Return the state of every run of a DAG by run id."""
        runs = self.get(f"/dags/{dag_id}/dagRuns", limit=100)["dag_runs"]
        return {run["dag_run_id"]: run["state"] for run in runs}

    @staticmethod
    def _checked(response: httpx.Response) -> Any:
        if response.is_error:
            raise OutageError(
                f"{response.request.method} {response.request.url.path} must succeed",
                got=f"{response.status_code}: {response.text[:300]}",
                fix="See the log of the api-server.",
            )
        return response.json()

"""The connection to an MLflow server."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import quote

from airflow.sdk import BaseHook

from retrain.adapters.mlflow_pages import strip_login, version_page_url
from retrain.errors import RetrainError
from retrain.settings import MLFLOW_CONNECTION

if TYPE_CHECKING:
    from airflow.sdk import Connection

    from retrain.adapters.mlflow_registry import MlflowRegistry
    from retrain.adapters.mlflow_runs import MlflowRun

__all__ = ["MlflowHook"]


class MlflowHook(BaseHook):
    """Opens the model registry of a connection of type ``mlflow``.

    Host, port and schema (http or https) name the server; login and password are HTTP basic authentication; the extra field
    ``public_url`` is the address that people's browsers use, if it is another one.
    """

    conn_name_attr = "mlflow_conn_id"
    default_conn_name = MLFLOW_CONNECTION
    conn_type = "mlflow"
    hook_name = "MLflow"

    def __init__(self, mlflow_conn_id: str = MLFLOW_CONNECTION) -> None:
        super().__init__()
        self.mlflow_conn_id = mlflow_conn_id

    def get_conn(self) -> MlflowRegistry:
        """Return the registry; the server is not asked anything yet."""
        from retrain.adapters.mlflow_registry import MlflowRegistry

        connection = self.get_connection(self.mlflow_conn_id)
        address = _address(connection)
        if connection.login:
            scheme, _, host = address.partition("://")
            address = (
                f"{scheme}://{quote(connection.login, safe='')}:{quote(connection.password or '', safe='')}@{host}"
            )
        return MlflowRegistry(address, public_url=connection.extra_dejson.get("public_url"))

    def read_run(self, run_id: str, *, seconds: float) -> MlflowRun:
        """Return a run for a page: the server has a few seconds, and is asked once."""
        from retrain.adapters.mlflow_runs import read_run

        connection = self.get_connection(self.mlflow_conn_id)
        address = _address(connection)
        login = (connection.login, connection.password or "") if connection.login else None
        public_url = connection.extra_dejson.get("public_url") or address
        return read_run(address, run_id, login=login, public_url=public_url, seconds=seconds)

    def version_url(self, model: str, version: int) -> str:
        """Return the address of a version's page, without loading MLflow or asking its server."""
        connection = self.get_connection(self.mlflow_conn_id)
        base = connection.extra_dejson.get("public_url") or _address(connection)
        return version_page_url(strip_login(base).rstrip("/"), model, version)

    def test_connection(self) -> tuple[bool, str]:
        """Ask the server something cheap, for the form's button."""
        try:
            return True, self.get_conn().ping()
        except RetrainError as error:
            return False, str(error)


def _address(connection: Connection) -> str:
    host = connection.host or ""
    address = host if "://" in host else f"{connection.schema or 'http'}://{host}"
    return f"{address}:{connection.port}" if connection.port else address

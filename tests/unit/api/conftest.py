"""The pages' app over a real ledger and real stores, with Airflow's own tables, auth manager and DAGs beside it."""

from __future__ import annotations

import json
import secrets
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml
from fastapi import FastAPI
from fastapi.testclient import TestClient
from tests.builders import LATER, MODEL, NOT_WORSE, World, spec_document

from retrain.adapters.sql_ledger import SqlLedger, sqlite_url

USERS = "root:admin,ann:user,vera:viewer"
OTHER = "other"
SAME_ORIGIN = {"content-type": "application/json", "x-retrain-request": "1"}
DAG_FILE = """\
from pathlib import Path  # the DAGs of airflow

from retrain.builder import build_operations, load_dags

load_dags(Path(__file__).parent / "pipelines")
build_operations(Path(__file__).parent / "pipelines")
"""


@dataclass(frozen=True)
class Pages:
    """The app, mounted as Airflow mounts it, and what is behind it."""

    app: FastAPI
    mounted: FastAPI
    ledger: SqlLedger
    world: World
    database: Path

    def as_user(self, name: str | None) -> TestClient:
        """Return a client with the bearer token of a user; of nobody for None."""
        headers = {} if name is None else {"authorization": f"Bearer {token_of(name)}"}
        return TestClient(self.app, base_url="http://airflow.test", headers=headers, raise_server_exceptions=False)

    def get(self, path: str, user: str = "vera", **query: Any) -> Any:
        """Return the JSON of a good answer."""
        response = self.as_user(user).get(f"/retrain/api/{path}", params=query)
        assert response.status_code == 200, response.text
        return response.json()

    def post(self, path: str, body: Any, user: str = "ann", headers: dict[str, str] | None = None) -> Any:
        """Return the response to a change that one of Airflow's own pages asks for."""
        return self.as_user(user).post(f"/retrain/api/{path}", json=body, headers=SAME_ORIGIN | (headers or {}))

    def limit_refusals(self, most: int, *, seconds: float) -> None:
        """Set after how many refusals a user is refused without a row."""
        from retrain.api.security import RefusalLimit

        self.mounted.state.refusals = RefusalLimit(most, seconds)

    def run_sql(self, statement: str) -> None:
        """Edit the ledger's database behind its back."""
        with closing(sqlite3.connect(self.database)) as connection, connection:
            connection.execute(statement)


def token_of(name: str) -> str:
    from airflow.api_fastapi.app import get_auth_manager

    manager: Any = get_auth_manager()
    user = next(user for user in manager.get_users() if user.username == name)
    return str(manager.generate_jwt(user))


@pytest.fixture(scope="session")
def _airflow(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Airflow's tables with the DAGs of two pipelines and the operations on them."""
    from airflow.api_fastapi.app import init_auth_manager
    from airflow.dag_processing.dagbag import DagBag, sync_bag_to_db
    from airflow.models.dagbundle import DagBundleModel
    from airflow.utils.db import initdb
    from airflow.utils.session import create_session

    folder = tmp_path_factory.mktemp("dags")
    (folder / "pipelines").mkdir()
    for model in (MODEL, OTHER):
        document = spec_document(model=model, owner=f"team-{model}", tags=["web"])
        (folder / "pipelines" / f"{model}.yaml").write_text(yaml.safe_dump(document))
    (folder / "pipelines_of_tests.py").write_text(DAG_FILE)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS", USERS)
        patch.setenv("AIRFLOW__API_AUTH__JWT_SECRET", secrets.token_hex(64))
        initdb()
        init_auth_manager()
        with create_session() as session:
            session.merge(DagBundleModel(name="tests"))
        sync_bag_to_db(DagBag(folder, bundle_path=folder, bundle_name="tests"), "tests", None)
        yield


@pytest.fixture(scope="session")
def _two_champions(tmp_path_factory: pytest.TempPathFactory) -> World:
    """A world whose SQL ledger holds two champions, one after the other."""
    world = World.make(tmp_path_factory.mktemp("pages"))
    world.ledger = SqlLedger.open(sqlite_url(str(world.root / "ledger.db")))
    world.retrain()
    world.respec(**NOT_WORSE)
    world.retrain(LATER)
    return world


@pytest.fixture
def pages(_airflow: None, _two_champions: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Pages]:
    """The app over a copy of the ledger."""
    from airflow.models.dag import DagModel
    from airflow.models.dagrun import DagRun
    from airflow.utils.session import create_session
    from sqlalchemy import delete, update

    from retrain.adapters.mlflow_runs import MlflowRun
    from retrain.api.app import create_app
    from retrain.api.breaker import Breaker
    from retrain.api.queries import differences
    from retrain.hooks import MlflowHook

    registry = _two_champions.registry

    def read_run(_: MlflowHook, run_id: str, *, seconds: float) -> MlflowRun:
        assert seconds == differences.MLFLOW_SECONDS
        return MlflowRun(registry.run_url(run_id), registry.run_params(run_id), registry.run_tags(run_id))

    path = shutil.copy(_two_champions.root / "ledger.db", tmp_path / "ledger.db")
    monkeypatch.setenv(
        "AIRFLOW_CONN_RETRAIN_LEDGER", json.dumps({"conn_type": "retrain_ledger", "extra": {"sqlite_path": str(path)}})
    )
    monkeypatch.setenv("AIRFLOW_CONN_MLFLOW_DEFAULT", '{"conn_type": "mlflow", "host": "http://u:p@mlflow.test:5000"}')
    monkeypatch.setenv("AIRFLOW__RETRAIN__STORE", (_two_champions.root / "store").as_uri())
    monkeypatch.setattr(MlflowHook, "read_run", read_run)
    monkeypatch.setattr(differences, "_MLFLOW", Breaker("the MLflow server"))
    with create_session() as session:
        session.execute(update(DagModel).values(is_paused=False))
    app = FastAPI()
    mounted = create_app()
    app.mount("/retrain", mounted)
    yield Pages(app, mounted, SqlLedger(sqlite_url(str(path))), _two_champions, Path(path))
    with create_session() as session:
        session.execute(delete(DagRun))


@pytest.fixture
def runs(_airflow: None) -> Callable[[str], dict[str, Any]]:
    """Ask for the runs of a DAG: their conf and who asked, by run id."""
    from airflow.models.dagrun import DagRun
    from airflow.utils.session import create_session
    from sqlalchemy import select

    def find(dag_id: str) -> dict[str, Any]:
        with create_session() as session:
            found = session.scalars(select(DagRun).where(DagRun.dag_id == dag_id))
            return {run.run_id: (run.conf, run.triggering_user_name) for run in found}

    return find

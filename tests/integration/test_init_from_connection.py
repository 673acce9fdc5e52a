"""`retrain init --from CONNECTION --table TABLE`, against a PostgreSQL."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sqlalchemy import create_engine, inspect
from sqlalchemy.engine import URL
from tests.servers import fresh_database
from typer.testing import CliRunner

from retrain.cli.app import app
from retrain.core.spec import load_spec


def test_a_table_of_a_connection_becomes_a_pipeline(
    postgresql: URL, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with fresh_database(postgresql, "migrated") as url:
        engine = create_engine(url)
        times = pd.date_range("2024-01-01", periods=400, freq="12h")
        rows = pd.DataFrame({"seen_at": times, "spent": np.arange(400) % 37, "label": np.arange(400) % 2 == 0})
        rows.to_sql("visits", engine, index=False)
        assert inspect(engine).has_table("visits")
        engine.dispose()
        connection = {
            "conn_type": "postgres", "host": url.query["host"], "port": url.port or url.query.get("port"),
            "login": url.username, "schema": url.database,
        }  # fmt: skip
        monkeypatch.setenv("AIRFLOW_CONN_WAREHOUSE", json.dumps(connection))
        result = CliRunner().invoke(app, ["init", "visits", "--from", "warehouse", "--table", "visits"])
        assert result.exit_code == 0, result.output
        spec = load_spec(tmp_path / "include" / "pipelines" / "visits.yaml")
        assert (spec.data.connection, spec.data.label, spec.data.event_time) == ("warehouse", "label", "seen_at")
        query = (tmp_path / "include" / "sql" / "visits.sql").read_text()
        assert "FROM visits" in query
        assert CliRunner().invoke(app, ["check"]).exit_code == 0
        with create_engine(url).connect() as connected:
            assert len(connected.exec_driver_sql(query).all()) == 400


def test_an_unknown_connection_is_one_clear_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    result = CliRunner().invoke(app, ["init", "visits", "--from", "nowhere", "--table", "visits"])
    assert result.exit_code == 1
    assert "Airflow must know the connection 'nowhere'" in result.output

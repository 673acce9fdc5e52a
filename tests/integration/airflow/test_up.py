"""`retrain up` and `retrain down` as a person runs them, on a project of `retrain init`."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
from tests.integration.airflow.test_demo import left_behind
from tests.require import require

from retrain.sandbox.airflow_api import AirflowApi
from retrain.sandbox.stack import Ports

pytestmark = pytest.mark.live

RETRAIN = [sys.executable, "-m", "retrain.cli"]


def test_a_project_gets_its_servers_and_down_ends_them(tmp_path: Path) -> None:
    subprocess.run([*RETRAIN, "init", "churn"], cwd=tmp_path, check=True, capture_output=True)
    ports, home = Ports.free(), tmp_path / ".retrain" / "up"
    numbers = ["--airflow-port", str(ports.airflow), "--mlflow-port", str(ports.mlflow)]
    with subprocess.Popen([*RETRAIN, "up", *numbers], cwd=tmp_path, stdout=subprocess.PIPE, text=True) as servers:
        lines = []
        for line in require(servers.stdout):
            lines.append(line)
            if "Up until Ctrl-C" in line:
                break
        text = "".join(lines)
        login = re.search(r"^Airflow +(http://\S+?)/dags/churn +login admin / (\S+)$", text, re.MULTILINE)
        address, password = require(login).groups()
        api = AirflowApi(address, "admin", password)
        api.wait_for_dag("churn")
        assert api.get("/importErrors")["import_errors"] == []
        assert f"MLflow   http://127.0.0.1:{ports.mlflow}/#/models/churn" in text
        # The commands find the platform in the project's state folder.
        verified = subprocess.run([*RETRAIN, "ledger", "verify"], cwd=tmp_path, capture_output=True, text=True)
        assert (verified.returncode, verified.stdout.splitlines()[0][:9]) == (0, "0 entries"), verified.stderr
        down = subprocess.run([*RETRAIN, "down"], cwd=tmp_path, capture_output=True, text=True)
        assert (down.returncode, down.stdout.strip()) == (0, f"Ended what ran in {home}"), down.stderr
        assert servers.wait(30) == 0
    assert left_behind(home) == []
    again = subprocess.run([*RETRAIN, "down"], cwd=tmp_path, capture_output=True, text=True)
    assert (again.returncode, again.stdout.strip()) == (0, f"Nothing runs in {home}")


def test_outside_a_project_it_says_what_is_missing(tmp_path: Path) -> None:
    done = subprocess.run([*RETRAIN, "up"], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 1
    assert "must have specs in include/pipelines/ and DAG files in dags/" in done.stderr
    assert not (tmp_path / ".retrain").exists()

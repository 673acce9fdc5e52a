"""The two ways to install: the wheel, and the plugins folder without it. Both in an environment of their own."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import sysconfig
import zipfile
from email.parser import Parser
from pathlib import Path
from typing import Any

import pytest

from retrain import __version__

PROJECT = Path(__file__).parents[2]
PACKAGE = PROJECT / "plugins" / "retrain"

PROBE = """
import json, sys
from pathlib import Path
from airflow import plugins_manager
from airflow.dag_processing.dagbag import DagBag
from airflow.providers_manager import ProvidersManager

providers = ProvidersManager()
plugins = plugins_manager.get_plugin_info()
bag = DagBag(sys.argv[1])
package = Path(sys.modules["retrain"].__file__).parent
executed_apart = [
    name for name, module in sys.modules.items()
    if package in Path(getattr(module, "__file__", None) or "/").parents and name.split(".")[0] != "retrain"
]
Path(sys.argv[2]).write_text(json.dumps({
    "package": str(package),
    "plugins": [plugin["name"] for plugin in plugins],
    "links": next((plugin["operator_extra_links"] for plugin in plugins if plugin["name"] == "retrain"), None),
    "timetables": sorted(plugins_manager.get_timetables_plugins()),
    "plugin_errors": plugins_manager.get_import_errors(),
    "executed_apart": executed_apart,
    "dags": sorted(bag.dags),
    "dag_errors": bag.import_errors,
    "provider": "airflow-provider-retrain" in providers.providers,
    "hooks": {
        hook.connection_type: [hook.hook_name, hook.hook_class_name, hook.field_behaviour]
        for hook in providers.iter_connection_type_hook_ui_metadata()
    },
    "fields": sorted(providers.connection_form_widgets),
    "settings": sorted(dict(providers.provider_configs).get("airflow-provider-retrain", {}).get("retrain", {}).get("options", {})),
}))
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("dist")
    command: list[str | Path] = [
        sys.executable,
        "-m",
        "build",
        "--wheel",
        "--no-isolation",
        "--outdir",
        folder,
        PROJECT,
    ]
    subprocess.run(command, check=True, capture_output=True)
    (path,) = folder.glob("*.whl")
    return path


class Environment:
    """A virtual environment with the packages of this one by symbolic link, all but this checkout's own."""

    def __init__(self, root: Path) -> None:
        self.root = root
        subprocess.run([sys.executable, "-m", "venv", "--without-pip", root / "venv"], check=True)
        self.python = root / "venv" / "bin" / "python"
        (site_packages,) = (root / "venv" / "lib").glob("python*/site-packages")
        for folder in {sysconfig.get_path("purelib"), sysconfig.get_path("platlib")}:
            for entry in Path(folder).iterdir():
                is_own = "airflow_provider_retrain" in entry.name or entry.name == "retrain"
                if not is_own and entry.name != "__pycache__":
                    (site_packages / entry.name).symlink_to(entry)
        self.project = root / "project"
        self.project.mkdir()
        shutil.copytree(PROJECT / "dags", self.project / "dags", ignore=shutil.ignore_patterns("__pycache__"))
        (self.project / "include").symlink_to(PROJECT / "include")

    def run(self, *command: str | Path) -> str:
        """Run a command away from the checkout, with nothing inherited that could name it; return what it prints."""
        kept = {
            key: value for key, value in os.environ.items() if not key.startswith(("AIRFLOW", "PYTHON", "COV_CORE"))
        }
        environment = kept | {
            "AIRFLOW_HOME": str(self.root / "home"),
            "AIRFLOW__CORE__PLUGINS_FOLDER": str(self.root / "plugins"),
            "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        }
        done = subprocess.run(command, env=environment, cwd=self.root, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def report(self) -> dict[str, Any]:
        """Return what Airflow sees."""
        self.run(self.python, "-c", PROBE, self.project / "dags", self.root / "report.json")
        seen: dict[str, Any] = json.loads((self.root / "report.json").read_text())
        return seen


@pytest.fixture(scope="module")
def with_wheel(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Environment:
    environment = Environment(tmp_path_factory.mktemp("wheel"))
    command: list[str | Path] = [
        sys.executable,
        "-m",
        "pip",
        "--python",
        environment.python,
        "install",
        "--quiet",
        "--no-deps",
        "--no-index",
    ]
    subprocess.run([*command, wheel], check=True)
    return environment


@pytest.fixture(scope="module")
def seen_with_wheel(with_wheel: Environment) -> dict[str, Any]:
    return with_wheel.report()


@pytest.fixture(scope="module")
def seen_with_folder(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    environment = Environment(tmp_path_factory.mktemp("folder"))
    shutil.copytree(PROJECT / "plugins", environment.root / "plugins", ignore=shutil.ignore_patterns("__pycache__"))
    return environment.report()


def test_the_wheel_holds_every_file_of_the_package_and_no_other(wheel: Path) -> None:
    of_package = {
        path.relative_to(PACKAGE.parent).as_posix()
        for path in PACKAGE.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    inside = {name for name in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in name}
    assert inside == of_package
    assert "retrain/adapters/sql_ledger/migrations/versions/first_tables.py" in inside
    assert not [name for name in inside if Path(name).name.startswith(("test_", "conftest"))]


def test_the_wheel_describes_itself(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        (metadata,) = (name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
        described = Parser().parsestr(archive.read(metadata).decode())
        assert [name for name in archive.namelist() if name.endswith("licenses/LICENSE")]
    assert (described["Name"], described["Version"]) == ("airflow-provider-retrain", __version__)
    assert set(described["Requires-Python"].split(",")) == {">=3.11", "<3.14"}
    assert {"postgres", "demo"} <= set(described.get_all("Provides-Extra", []))
    assert "Framework :: Apache Airflow :: Provider" in described.get_all("Classifier", [])


def test_the_wheel_brings_the_command(with_wheel: Environment) -> None:
    assert with_wheel.run(with_wheel.python.with_name("retrain"), "--version").strip() == f"retrain {__version__}"


def test_the_wheel_brings_its_migrations(with_wheel: Environment) -> None:
    url = f"sqlite:///{with_wheel.root / 'ledger.db'}"
    assert "up to date" in with_wheel.run(with_wheel.python.with_name("retrain"), "--ledger", url, "ledger", "migrate")


def test_the_wheel_is_a_provider_with_connection_forms_and_settings(seen_with_wheel: dict[str, Any]) -> None:
    assert Path(seen_with_wheel["package"]).parent.name == "site-packages"
    assert seen_with_wheel["provider"]
    hooks = seen_with_wheel["hooks"]
    assert hooks["mlflow"][:2] == ["MLflow", "retrain.hooks.mlflow.MlflowHook"]
    assert hooks["retrain_ledger"][:2] == ["Retrain ledger", "retrain.hooks.ledger.RetrainLedgerHook"]
    for connection_type in ("mlflow", "retrain_ledger"):
        assert {"placeholders", "relabeling", "hidden_fields"} <= hooks[connection_type][2].keys()
    assert {"extra__mlflow__public_url", "extra__retrain_ledger__sqlite_path"} <= set(seen_with_wheel["fields"])
    assert {"store", "trusted_types"} <= set(seen_with_wheel["settings"])


@pytest.mark.parametrize("way", ["seen_with_wheel", "seen_with_folder"])
def test_airflow_loads_the_plugin_once_and_parses_the_dags(way: str, request: pytest.FixtureRequest) -> None:
    seen = request.getfixturevalue(way)
    assert seen["plugins"].count("retrain") == 1
    assert "ScorecardLink" in str(seen["links"])
    assert "retrain.timetables.EndingCronTimetable" in seen["timetables"]
    assert seen["plugin_errors"] == {}
    assert seen["executed_apart"] == []
    assert seen["dag_errors"] == {}
    assert {"flight_delay", "arrival_delay"} <= set(seen["dags"])


def test_the_plugins_folder_needs_no_wheel(seen_with_folder: dict[str, Any]) -> None:
    assert Path(seen_with_folder["package"]).parent.name == "plugins"
    assert not seen_with_folder["provider"]

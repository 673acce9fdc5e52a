"""What the plugin tells Airflow of the pages."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from fastapi import FastAPI
from tests.builders import ROOT

from retrain.plugin import RetrainPlugin

STATIC = ROOT / "plugins" / "retrain" / "api" / "static"


def test_the_app_is_mounted_once_under_its_prefix() -> None:
    plugin = RetrainPlugin()
    (mounted,) = plugin.fastapi_apps
    assert isinstance(mounted["app"], FastAPI)
    assert (mounted["url_prefix"], mounted["name"]) == ("/retrain", "retrain")
    assert plugin.fastapi_apps is plugin.fastapi_apps


def test_each_page_and_tab_is_in_the_bundle_under_its_name() -> None:
    apps = RetrainPlugin().react_apps
    assert {app["name"]: app["destination"] for app in apps} == {
        "Models": "nav",
        "Champion": "dag",
        "Decision": "dag_run",
    }
    assert len({app["url_route"] for app in apps}) == len(apps)
    code = (STATIC / "retrain.js").read_text()
    for app in apps:
        assert f"{app['name']}:" in code
        for key in ("bundle_url", "icon", "icon_dark_mode"):
            name, _, version = app[key].removeprefix("retrain/static/").partition("?v=")
            assert (STATIC / name).is_file()
            assert len(version) == 16


@pytest.mark.integration
def test_loading_the_plugin_loads_neither_the_app_nor_a_database() -> None:
    code = "import sys, retrain.plugin; print([n for n in sys.modules if n.startswith(('retrain.api', 'mlflow', 'pandas'))])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=Path(ROOT))
    assert done.stdout.splitlines()[-1:] == ["[]"], done.stderr

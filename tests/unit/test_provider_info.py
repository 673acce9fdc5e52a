from __future__ import annotations

import importlib
import json
from datetime import timedelta
from importlib.metadata import entry_points
from importlib.resources import files
from typing import Any

import jsonschema
import pytest
from airflow.sdk import BaseHook, BaseOperatorLink

from retrain import __version__, settings
from retrain.errors import RetrainError
from retrain.hooks import MlflowHook, RetrainLedgerHook
from retrain.provider_info import get_provider_info

INFO = get_provider_info()


def imported(path: str) -> Any:
    module, _, name = path.rpartition(".")
    return getattr(importlib.import_module(module), name)


def test_the_info_meets_airflows_own_schema() -> None:
    schema = json.loads(files("airflow").joinpath("provider_info.schema.json").read_text())
    jsonschema.validate(INFO, schema)
    assert INFO["versions"] == [__version__]
    json.dumps(INFO)


@pytest.mark.parametrize("connection", INFO["connection-types"], ids=lambda item: item["connection-type"])
def test_a_connection_type_has_the_hook_that_it_names(connection: dict[str, Any]) -> None:
    hook = imported(connection["hook-class-name"])
    assert issubclass(hook, BaseHook)
    assert (hook.conn_type, hook.hook_name) == (connection["connection-type"], connection["hook-name"])
    for field in connection["conn-fields"].values():
        jsonschema.Draft202012Validator.check_schema(field["schema"])


def test_every_module_and_link_that_is_named_imports() -> None:
    for hooks in INFO["hooks"]:
        for module in hooks["python-modules"]:
            importlib.import_module(module)
    assert all(issubclass(imported(path), BaseOperatorLink) for path in INFO["extra-links"])


def test_the_default_connections_are_those_of_the_settings() -> None:
    assert MlflowHook.default_conn_name == settings.MLFLOW_CONNECTION
    assert RetrainLedgerHook.default_conn_name == settings.LEDGER_CONNECTION


def test_the_defaults_given_to_airflow_are_those_that_the_code_takes(monkeypatch: pytest.MonkeyPatch) -> None:
    (section, content), *others = INFO["config"].items()
    assert (section, others) == (settings.SECTION, [])
    for option in content["options"]:
        monkeypatch.delenv(f"AIRFLOW__RETRAIN__{option.upper()}", raising=False)
    assert settings.store_uri() == content["options"]["store"]["default"]
    assert settings.trusted_types() == []
    assert settings.attempt_retention() == timedelta(days=int(content["options"]["attempt_days"]["default"]))
    monkeypatch.setenv("AIRFLOW__RETRAIN__STORE", "s3://bucket/retrain")
    monkeypatch.setenv("AIRFLOW__RETRAIN__TRUSTED_TYPES", "a.B, c.D,")
    assert (settings.store_uri(), settings.trusted_types()) == ("s3://bucket/retrain", ["a.B", "c.D"])


def test_the_log_of_attempts_is_kept_for_the_days_that_are_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW__RETRAIN__ATTEMPT_DAYS", "90")
    assert settings.attempt_retention() == timedelta(days=90)
    monkeypatch.setenv("AIRFLOW__RETRAIN__ATTEMPT_DAYS", "0")
    assert settings.attempt_retention() is None
    for wrong in ("-1", "1.5", "ten", "٣", "9" * 9):
        monkeypatch.setenv("AIRFLOW__RETRAIN__ATTEMPT_DAYS", wrong)
        with pytest.raises(RetrainError, match="attempt_days must be a number of days"):
            settings.attempt_retention()


def test_the_wheel_announces_provider_and_plugin() -> None:
    (provider,) = entry_points(group="apache_airflow_provider", name="provider_info").select(
        value="retrain.provider_info:get_provider_info"
    )
    assert provider.load()() == INFO
    (plugin,) = entry_points(group="airflow.plugins", name="retrain")
    links = {f"{type(link).__module__}.{type(link).__name__}" for link in plugin.load().operator_extra_links}
    assert links == {*INFO["extra-links"]}
    assert "retrain.operators.links.ScorecardLink" in links

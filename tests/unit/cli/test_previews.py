"""`retrain check --data` on the flights of the sample data."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.builders import ROOT, make_spec
from typer.testing import CliRunner, Result

from retrain.cli.app import app
from retrain.cli.previews import end_after, find_latest_as_of
from retrain.errors import DataError

FLIGHTS = ROOT / "include" / "pipelines" / "flight_delay.yaml"
NOW = datetime(2026, 11, 26, 12, tzinfo=UTC)


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project with the sample data and a pipeline that tests may change."""
    (tmp_path / "include").mkdir()
    for name in ("data", "sql", "expectations", "models", "__init__.py"):
        (tmp_path / "include" / name).symlink_to(ROOT / "include" / name)
    (tmp_path / "include" / "pipelines").mkdir()
    monkeypatch.chdir(tmp_path)
    return tmp_path


def check(project: Path, *options: str, **changes: Any) -> Result:
    document = yaml.safe_load(FLIGHTS.read_text()) | changes
    (project / "include" / "pipelines" / "flight_delay.yaml").write_text(yaml.safe_dump(document))
    return CliRunner(env={"COLUMNS": "200"}).invoke(app, ["check", "--data", *options])


def test_the_latest_window_is_shown_with_columns_label_suite_and_model(project: Path) -> None:
    result = check(project)
    assert result.exit_code == 0, result.output
    lines = [" ".join(line.split()) for line in result.stdout.splitlines()]
    for line in (
        "flight_delay as of 2014-01-01 00:00",
        "train 2013-08-18 to 2013-12-16 108,450 rows",
        "holdout 2013-12-17 to 2013-12-31 12,354 rows",
        "2013-11-01 00:00 26,971",
        "carrier string feature, slice or gate 0.0% 16",
        "pressure float feature 9.4% 412",
        "late int8 label 0.0% 2",
        "1 18.1% 32.0%",
        "expect_column_values_to_not_be_null late yes 0.00 %",
        "expect_column_mean_to_be_between late yes",
        "ok include/pipelines/flight_delay.yaml",
    ):
        assert line in lines
    assert "every type in the model is trusted" in result.stdout


def test_what_a_retrain_would_stumble_over_is_said_before_it(project: Path) -> None:
    result = check(project, "--as-of", "2012-01-01")
    assert result.exit_code == 1
    assert "snapshot as of 2012-01-01: the window 2011-08-18 to 2011-12-31 must hold rows; got none" in result.stderr
    assert "ok include" not in result.stdout


def test_the_latest_as_of_is_the_last_tick_before_the_end_or_now() -> None:
    assert find_latest_as_of(make_spec(), NOW) == datetime(2026, 11, 1, tzinfo=UTC)
    assert find_latest_as_of(make_spec(end_date="2024-06-15"), NOW) == datetime(2024, 6, 1, tzinfo=UTC)
    assert find_latest_as_of(make_spec(schedule=None), NOW) == NOW
    assert find_latest_as_of(make_spec(schedule=None, end_date="2024-06-15"), NOW) == datetime(2024, 6, 15, tzinfo=UTC)


def sleep_through_errors() -> None:
    try:
        time.sleep(60)
    except Exception:  # noqa: BLE001 - as a library may do
        time.sleep(60)


def test_a_preview_that_takes_too_long_ends_whatever_catches_errors_inside_it() -> None:
    with pytest.raises(DataError, match=r"a preview must end within 0\.05 seconds"), end_after(0.05):
        sleep_through_errors()
    with end_after(0.01):
        pass
    time.sleep(0.02)  # no alarm is left

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from retrain.cli.app import app
from retrain.cli.context import CliContext, find_context
from retrain.errors import NotFoundError, SpecError


def context(**options: object) -> CliContext:
    nothing = dict.fromkeys(("profile", "home", "ledger", "tracking_uri", "store"))
    return find_context(**(nothing | {"trusted_types": ()} | options))  # type: ignore[arg-type]


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty project, in whose subfolder the commands run."""
    (tmp_path / "include").mkdir()
    monkeypatch.chdir(tmp_path / "include")
    return tmp_path


def test_the_nearest_state_folder_is_the_default(project: Path) -> None:
    assert context().home == project / "include" / ".retrain"
    (project / ".retrain").mkdir()
    assert context().home == project / ".retrain"
    assert context(home=Path("other")).home == project / "include" / "other"


def test_a_local_state_folder_reads_development_and_a_platform_production(project: Path) -> None:
    assert (context().is_local, context().timeline) == (True, "development")
    assert context(ledger="postgresql://ledger").timeline == "production"
    (project / "include" / ".retrain" / "postgres").mkdir(parents=True)
    assert (context().is_local, context().timeline) == (False, "production")


@pytest.mark.parametrize(
    ("file", "section"), [("retrain.toml", ""), ("pyproject.toml", "tool.retrain.")], ids=["own file", "pyproject"]
)
def test_a_profile_fills_in_what_the_options_leave_out(project: Path, file: str, section: str) -> None:
    top = f"[{section.rstrip('.')}]\n" if section else ""
    (project / file).write_text(
        f'{top}trusted-types = ["a.B"]\n[{section}profiles.staging]\nhome = "state"\nledger = "postgresql://staging"\n'
        'tracking-uri = "http://mlflow"\nstore = "s3://bucket"\ntimeline = "trial"\n'
    )
    found = context(profile="staging", store="file:///store")
    assert found.home == project / "state"
    assert (found.ledger, found.tracking_uri, found.store) == ("postgresql://staging", "http://mlflow", "file:///store")
    assert (found.trusted_types, found.timeline) == (("a.B",), "trial")
    assert (context().ledger, context().trusted_types) == (None, ("a.B",))


def test_a_pyproject_without_a_section_is_passed_over(project: Path) -> None:
    (project / "include" / "pyproject.toml").write_text('[project]\nname = "other"\n')
    (project / "retrain.toml").write_text('ledger = "postgresql://above"\n')
    assert context().ledger == "postgresql://above"


def test_an_unknown_profile_or_setting_names_the_likely_one(project: Path) -> None:
    with pytest.raises(NotFoundError, match=r"profile 'x' must be in retrain\.toml.*no such file"):
        context(profile="x")
    path = project / "retrain.toml"
    path.write_text('[profiles.staging]\nledgr = "x"\n')
    with pytest.raises(NotFoundError, match=r"got staging\. Did you mean 'staging'"):
        context(profile="stagin")
    with pytest.raises(SpecError, match=r"profiles\.staging\.ledgr: must be a known setting.*Did you mean 'ledger'"):
        context(profile="staging")
    path.write_text("[profiles")
    with pytest.raises(SpecError, match="must be readable TOML"):
        context()


def retrain(*arguments: str) -> Result:
    return CliRunner().invoke(app, list(arguments))


@pytest.mark.parametrize("command", [("history", "churn"), ("ledger", "verify"), ("champion", "churn")])
def test_a_state_folder_without_a_ledger_is_one_clear_error(project: Path, command: tuple[str, ...]) -> None:
    result = retrain(*command)
    assert result.exit_code == 1
    assert "a ledger must be under" in result.output
    assert "Make one with `retrain run MODEL --as-of ...`" in result.output
    assert not (project / "include" / ".retrain").exists()


def test_the_platform_in_a_state_folder_is_found_until_the_folder_has_a_ledger_of_its_own(project: Path) -> None:
    nearest = project / ".retrain"
    (nearest / "demo" / "postgres").mkdir(parents=True)
    found = context()
    assert (found.home, found.is_local, found.timeline, found.simulation) == (
        nearest / "demo",
        False,
        "production",
        "development",
    )
    assert found.without_servers() == context(home=nearest)
    assert retrain("ledger", "migrate").exit_code == 0
    assert context() == context(home=nearest)
    assert context(home=nearest / "demo").without_servers().home == nearest / "demo"


def test_of_two_platforms_the_error_names_both(project: Path) -> None:
    for name in ("demo", "up"):
        (project / ".retrain" / name / "postgres").mkdir(parents=True)
    result = retrain("history", "flight_delay")
    assert result.exit_code == 1
    assert f"retrain --home {project / '.retrain' / 'up'}" in result.output
    assert f", {project / '.retrain' / 'demo'}." in result.output


def test_the_address_of_mlflow_is_that_at_which_the_servers_were_started(project: Path) -> None:
    home = project / "state"
    (home / "postgres").mkdir(parents=True)
    assert context(home=home).find_mlflow() == "http://127.0.0.1:5000"
    (home / "servers.json").write_text('{"mlflow": "http://127.0.0.1:5999"}')
    assert context(home=home).find_mlflow() == "http://127.0.0.1:5999"
    assert context(home=home, tracking_uri="http://mlflow").find_mlflow() == "http://mlflow"


def test_run_writes_the_profiles_timeline_unless_that_is_production(project: Path) -> None:
    path = project / "retrain.toml"
    path.write_text('timeline = "trial"\n')
    assert (context().timeline, context().simulation) == ("trial", "trial")
    path.write_text('timeline = "production"\n')
    assert (context().timeline, context().simulation) == ("production", "development")


def test_migrate_makes_the_ledger_of_the_state_folder(project: Path) -> None:
    assert retrain("ledger", "migrate").exit_code == 0
    assert (project / "include" / ".retrain" / "ledger.db").is_file()
    result = retrain("ledger", "verify")
    assert (result.exit_code, result.output) == (0, f"0 entries, chain intact\nhead 0:{'0' * 64}\n")


def test_without_a_command_the_help_is_printed(project: Path) -> None:
    result = retrain("--home", "elsewhere")
    assert result.exit_code == 0
    assert "--profile" in result.output

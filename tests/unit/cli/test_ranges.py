"""`retrain run --from --to`: a retrain per tick, as single runs would do them, resumed where they stopped."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

import pytest
import yaml
from airflow.timetables.base import TimeRestriction
from pendulum import instance
from tests.builders import AS_OF, MODEL, ROOT, World, make_rows, make_spec, spec_document, write_months
from tests.require import require
from typer.testing import CliRunner, Result

from retrain.adapters.sql_ledger import SqlLedger
from retrain.cli.app import app
from retrain.cli.local import run_locally
from retrain.cli.ranges import list_ticks
from retrain.core.ledger.entries import Action, LedgerEntry
from retrain.core.policy.decision import Choice, Decision
from retrain.errors import NotFoundError
from retrain.timetables import EndingCronTimetable

T = TypeVar("T")
NOW = datetime(2026, 1, 1, tzinfo=UTC)
TICKS = ("2024-06-17", "2024-06-24", "2024-07-01")


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project whose schedule ticks every Monday."""
    write_months(tmp_path / "source", make_rows())
    (tmp_path / "pipelines").mkdir()
    document = spec_document(
        schedule="0 0 * * 1",
        start_date="2024-01-01",
        data__source=str(tmp_path / "source" / "*.parquet"),
        data__features=["signal", "other"],
    )
    suite = {"name": "rows", "expectations": [{"type": "expect_column_to_exist", "kwargs": {"column": "signal"}}]}
    (tmp_path / "suite.json").write_text(json.dumps(suite))
    document["validation"]["suite"] = str(tmp_path / "suite.json")
    (tmp_path / "pipelines" / f"{MODEL}.yaml").write_text(yaml.safe_dump(document))
    monkeypatch.syspath_prepend(str(ROOT))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(home: str, *arguments: str) -> Result:
    command = ["--home", home, "run", MODEL, *arguments, "--pipelines", "pipelines"]
    return CliRunner(env={"COLUMNS": "200"}).invoke(app, command)


def change_spec(project: Path, old: str, new: str) -> None:
    path = project / "pipelines" / f"{MODEL}.yaml"
    assert old in path.read_text()
    path.write_text(path.read_text().replace(old, new))


def decisions_in(home: str) -> list[Decision]:
    return SqlLedger(f"sqlite:///{home}/ledger.db").decisions(MODEL, "development")


def moves_in(home: str) -> list[LedgerEntry]:
    entries = SqlLedger(f"sqlite:///{home}/ledger.db").entries(MODEL)
    return [entry for entry in entries if entry.action is not Action.DECIDE]


def without_chance(decision: Decision) -> dict[str, Any]:
    """Return a decision without the clock's time and what depends on it or on the random name of a run."""
    challenger = require(decision.challenger)
    return decision.to_json() | {"at": None, "scorecard": "", "challenger": (challenger.key, challenger.version)}


@pytest.mark.integration
def test_a_range_decides_what_single_runs_decide(project: Path) -> None:
    for tick in TICKS:
        assert run("single", "--as-of", tick).exit_code == 0
    result = run("range", "--from", TICKS[0], "--to", "2024-07-05")
    assert result.exit_code == 0, result.output
    single, ranged = decisions_in("single"), decisions_in("range")
    assert [without_chance(decision) for decision in ranged] == [without_chance(decision) for decision in single]
    assert [f"{decision.as_of:%Y-%m-%d}" for decision in ranged] == list(TICKS)
    moves = [moves_in(home) for home in ("single", "range")]
    assert [[move.decision_id for move in entries] for entries in moves] == [[moves[0][0].decision_id]] * 2
    for tick in TICKS:
        assert f"\n{tick} 00:00  " in f"\n{result.output}"
    assert f"{MODEL} on development, roc_auc" in result.output


@pytest.mark.integration
def test_a_second_call_goes_on_where_the_first_one_stopped(project: Path) -> None:
    assert run("state", "--from", TICKS[0], "--to", TICKS[1]).exit_code == 0
    before = decisions_in("state")
    result = run("state", "--from", TICKS[0], "--to", TICKS[2])
    assert result.exit_code == 0, result.output
    assert result.output.count("  found\n") == 2
    assert decisions_in("state")[:-1] == before
    assert [f"{decision.as_of:%Y-%m-%d}" for decision in decisions_in("state")] == list(TICKS)


@pytest.mark.integration
def test_what_other_inputs_decided_is_not_found(project: Path) -> None:
    assert run("state", "--from", TICKS[0], "--to", TICKS[0]).exit_code == 0
    change_spec(project, "seed: 7", "seed: 8")
    result = run("state", "--from", TICKS[0], "--to", TICKS[0])
    assert "found" not in result.output
    assert [decision.choice for decision in decisions_in("state")] == [Choice.PROMOTE, Choice.HOLD]


@pytest.mark.integration
def test_a_retrain_that_fails_is_recorded_and_stops_no_other(project: Path) -> None:
    change_spec(project, "0 0 * * 1", "0 0 1 * *")
    result = run("state", "--to", "2024-07-01")
    assert result.exit_code == 1
    decisions = decisions_in("state")
    failed = [decision.failed_step for decision in decisions].count("snapshot")
    assert (len(decisions), decisions[0].failed_step, decisions[-1].failed_step) == (7, "snapshot", "")
    assert f"{failed} of 7 retrains failed" in result.output
    again = run("state", "--to", "2024-07-01")
    assert again.exit_code == 1
    assert again.output.count("  found\n") == 7 - failed
    assert [decision.failed_step for decision in decisions_in("state")[7:]] == ["snapshot"] * failed


@pytest.mark.parametrize("options", [(), ("--as-of", TICKS[0], "--from", TICKS[0])])
def test_one_moment_or_a_range_must_be_given(project: Path, options: tuple[str, ...]) -> None:
    result = run("state", *options)
    assert result.exit_code == 2
    assert "give --as-of, or a range" in result.output


@pytest.mark.parametrize("schedule", ["@monthly", "@quarterly", "@weekly", "30 6 * * 1-5", "0 0 31 * *", "@daily"])
@pytest.mark.parametrize("start", ["2024-02-01", "2024-02-29T06:30:00"])
def test_the_ticks_are_those_of_the_timetable(schedule: str, start: str) -> None:
    spec = make_spec(schedule=schedule, start_date=start, end_date="2024-09-01")
    timetable = EndingCronTimetable(schedule, end=datetime(2024, 9, 1, tzinfo=UTC))
    restriction = TimeRestriction(earliest=instance(spec.start_date), latest=None, catchup=True)
    wanted, info = [], timetable.next_dagrun_info(last_automated_data_interval=None, restriction=restriction)
    while info is not None:
        wanted.append(info.run_after)
        info = timetable.next_dagrun_info(last_automated_data_interval=info.data_interval, restriction=restriction)
    assert list_ticks(spec, None, None, NOW) == wanted


def test_a_range_ends_at_the_option_the_specs_end_or_now() -> None:
    spec = make_spec(schedule="@monthly", start_date="2024-02-01", end_date=None)
    may = datetime(2024, 5, 1, tzinfo=UTC)
    assert len(list_ticks(spec, None, may, NOW)) == 4
    assert len(list_ticks(spec, may, NOW + timedelta(days=400), NOW)) == 21
    assert list_ticks(spec, may, may, NOW) == [may]


@pytest.mark.parametrize(
    ("changes", "words"),
    [({"schedule": None}, "needs the spec's schedule"), ({"start_date": "2027-01-01"}, "must tick in the range")],
)
def test_a_range_without_a_tick_is_an_error(changes: dict[str, Any], words: str) -> None:
    with pytest.raises(NotFoundError, match=words):
        list_ticks(make_spec(**changes), None, None, NOW)


class CrashingSteps:
    """Steps of which one meets a bug."""

    def run(self, name: str, step: Callable[[], T]) -> T:
        if name == "validate":
            raise ValueError("the value 4711 of a row")
        return step()

    def report_progress(self, line: str) -> None:
        pass


def test_a_bug_in_a_step_is_a_decision_too_without_its_text(world: World) -> None:
    result = run_locally(world.of(), CrashingSteps())
    assert (result.decision.failed_step, result.decision.reason) == ("validate", "validate failed: ValueError")
    assert str(result.crash) == "the value 4711 of a row"
    assert world.ledger.decisions(MODEL, "production") == [result.decision]
    assert result.decision.as_of == AS_OF

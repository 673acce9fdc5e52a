"""`retrain init --from`: a pipeline on one's own data that passes check and runs at once."""

from __future__ import annotations

import json
from datetime import UTC, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner, Result

from retrain.adapters.duckdb_profile import profile_rows
from retrain.cli import initialization
from retrain.cli.app import app
from retrain.cli.proposals import Proposal, propose
from retrain.core.data.window import Window
from retrain.core.policy.gates import Fresh
from retrain.core.spec import load_spec

ROWS = 2400


def make_table(label: str) -> pd.DataFrame:
    """Return 100 days of rows with whatever a table of people holds: gaps, categories, ids, a constant, odd names."""
    random = np.random.default_rng(3)
    use = random.gamma(2, 3, ROWS)
    table = pd.DataFrame(
        {
            "row_id": np.arange(ROWS),
            "seen at": pd.date_range("2024-01-01", periods=ROWS, freq="1h"),
            "plan": random.choice(np.array(["basic", "plus", None], dtype=object), ROWS),
            "Used GB": np.where(np.arange(ROWS) % 5, use, np.nan),
            "tickets": pd.array(random.integers(0, 5, ROWS), dtype="Int64"),
            "vip": random.random(ROWS) < 0.2,
            "note": [f"note {number}" for number in range(ROWS)],
            "empty": None,
            "const": 1,
        }
    )
    table.loc[::7, "tickets"] = pd.NA
    table["outcome"] = {
        "yes_no": np.where(random.random(ROWS) < 1 / (1 + np.exp(2 - 0.4 * use)), "paid", "default"),
        "levels": np.array(["low", "mid", "high"])[np.digitize(use + random.normal(size=ROWS), [3, 8])],
        "number": 2 * use + random.normal(size=ROWS),
    }[label]
    return table


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    return tmp_path


def retrain(*arguments: str, answers: str = "") -> Result:
    return CliRunner(env={"COLUMNS": "200"}).invoke(app, list(arguments), input=answers)


@pytest.mark.integration
@pytest.mark.parametrize(
    ("label", "suffix", "task"),
    [
        ("yes_no", "csv", "classification"),
        ("levels", "parquet", "classification"),
        ("number", "csv.gz", "regression"),
    ],
)
def test_what_it_makes_passes_check_and_runs_at_once(folder: Path, label: str, suffix: str, task: str) -> None:
    table, model = make_table(label), f"shop_{label}"
    (folder / "data").mkdir()
    for number, part in enumerate((table[:1500], table[1500:])):
        path = folder / "data" / f"{number}.{suffix}"
        part.to_parquet(path) if suffix == "parquet" else part.to_csv(path, index=False)
    made = retrain("init", model, "--from", f"data/*.{suffix}")
    assert made.exit_code == 0, made.output
    assert f"outcome ({task}" in made.output
    checked = retrain("check")
    assert checked.exit_code == 0, checked.output
    assert f"retrain run {model} --as-of 2024-04-11" in made.output
    ran = retrain("run", model, "--as-of", "2024-04-11")
    assert ran.exit_code == 0, ran.output
    assert f"PROMOTE {model}" in ran.output


def propose_for(table: pd.DataFrame, **choices: Any) -> Proposal:
    return propose(profile_rows(table), **({"time": None, "label": None, "task": None} | choices))


def test_features_are_what_an_estimator_can_learn_from_and_the_rest_is_explained() -> None:
    proposal = propose_for(make_table("yes_no"))
    assert [column.name for column in proposal.features] == ["plan", "Used_GB", "tickets", "vip"]
    assert dict(proposal.left_out) == {
        "row_id": "a different value in almost every row, like an id",
        "note": "a different value in almost every row, like an id",
        "empty": "no value",
        "const": "one value",
    }
    assert (proposal.time.name, proposal.label.name, proposal.slices) == ("seen_at", "outcome", ("plan",))
    assert proposal.features[1].sql == 'CAST("Used GB" AS DOUBLE PRECISION) AS Used_GB'
    assert proposal.features[3].sql == 'CAST(CAST("vip" AS INTEGER) AS DOUBLE PRECISION) AS vip'


def test_expectations_leave_room_for_data_to_come() -> None:
    expectations = list(propose_for(make_table("yes_no")).expectations())
    of_tickets = [item for item in expectations if item["kwargs"].get("column") == "tickets"]
    assert of_tickets == [
        {"type": "expect_column_values_to_be_of_type", "kwargs": {"column": "tickets", "type_": "DOUBLE"}},
        {
            "type": "expect_column_values_to_be_between",
            "kwargs": {"column": "tickets", "min_value": 0.0, "max_value": 6.0},
        },
    ]
    sets = [item["kwargs"] for item in expectations if item["type"].endswith("in_set")]
    assert sets == [
        {"column": "outcome", "value_set": ["default", "paid"], "mostly": 0.95},
        {"column": "plan", "value_set": ["basic", "plus"], "mostly": 0.95},
    ]
    present = [item["kwargs"]["column"] for item in expectations if item["type"].endswith("not_be_null")]
    assert present == ["outcome", "vip"]


@pytest.mark.parametrize(
    ("days", "delay", "schedule"), [(400, 30, "@monthly"), (100, 1, "@weekly"), (30, 1, "@daily"), (9, 1, "@daily")]
)
def test_the_windows_fit_into_the_data(days: int, delay: int, schedule: str) -> None:
    times = pd.date_range("2024-01-01", periods=days * 4, freq="6h")
    table = pd.DataFrame({"at": times, "x": np.arange(days * 4) % 7, "label": np.arange(days * 4) % 2})
    proposal = propose_for(table).with_delay(timedelta(days=delay))
    assert proposal.schedule == schedule
    assert proposal.start_date <= proposal.end_date
    lengths = {"label_delay": proposal.delay, "train": proposal.train, "holdout": proposal.holdout}
    first = Window.from_as_of(proposal.start_date.replace(tzinfo=UTC), **lengths)
    assert first.train_start == times[0].tz_localize(UTC)


def test_on_a_terminal_it_asks_what_no_option_says(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(initialization, "_is_interactive", lambda: True)
    make_table("number").to_parquet(folder / "rows.parquet")
    result = retrain(
        "init", "shop", "--from", "rows.parquet", "--time", "seen at", answers="Used GB\n12h\nlots\n-1\n0.5\n"
    )
    assert result.exit_code == 0, result.output
    assert "What is to be predicted? Column [outcome]" in result.output
    assert "When did the event" not in result.output
    assert "Which gain in mae is worth a promotion?" in result.output
    assert result.output.count("must be `auto` or a number of 0 or more") == 2
    spec = load_spec(folder / "include" / "pipelines" / "shop.yaml")
    assert (spec.data.label, spec.data.label_delay, spec.evaluation.task) == (
        "Used_GB",
        timedelta(hours=12),
        "regression",
    )
    assert spec.gate == (Fresh(check="fresh", metric="mae", cluster_by="day", worth=0.5),)
    suite = json.loads((folder / "include" / "expectations" / "shop.json").read_text())
    assert suite["name"] == "shop"
    assert 'WHERE "Used GB" IS NOT NULL' in (folder / "include" / "sql" / "shop.sql").read_text()


@pytest.mark.parametrize(("options", "worth"), [((), None), (("--worth", "0.002"), 0.002)])
def test_the_worth_of_a_promotion_may_be_said_at_once(
    folder: Path, options: tuple[str, ...], worth: float | None
) -> None:
    make_table("yes_no").to_parquet(folder / "rows.parquet")
    assert retrain("init", "shop", "--from", "rows.parquet", *options).exit_code == 0
    assert retrain("init", "churn", *options).exit_code == 0
    for name in ("shop", "churn"):
        spec = load_spec(folder / "include" / "pipelines" / f"{name}.yaml")
        assert Fresh(check="fresh", metric="roc_auc", cluster_by="day", worth=worth) in spec.gate


def test_the_default_worth_may_be_kept_on_a_terminal(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(initialization, "_is_interactive", lambda: True)
    make_table("yes_no").to_parquet(folder / "rows.parquet")
    result = retrain("init", "shop", "--from", "rows.parquet", answers="\n\n\n\n")
    assert result.exit_code == 0, result.output
    assert load_spec(folder / "include" / "pipelines" / "shop.yaml").gate[0] == Fresh(
        check="fresh", metric="roc_auc", cluster_by="day"
    )


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--from", "nothing*.csv"), "a file must match --from; got none at"),
        (("--from", "*.txt"), "must be CSV or Parquet"),
        (("--from", "broken.parquet"), "the data must be readable; got InvalidInputException"),
        (("--from", "rows.parquet", "--label", "outcom"), "Did you mean 'outcome'"),
        (("--from", "rows.parquet", "--label", "const"), "the label must have two values"),
        (("--from", "rows.parquet", "--time", "plan"), "must be a date or a timestamp; got VARCHAR"),
        (("--from", "rows.parquet", "--delay", "99d"), "must span 8 days and the label's delay"),
        (("--from", "warehouse"), "a connection needs --table"),
    ],
)
def test_what_cannot_be_is_said_and_nothing_is_written(folder: Path, options: tuple[str, ...], words: str) -> None:
    make_table("yes_no").to_parquet(folder / "rows.parquet")
    for name in ("notes.txt", "broken.parquet"):
        (folder / name).write_text("these are no rows of a table")
    result = retrain("init", "shop", *options)
    assert result.exit_code == 1
    assert words in result.output
    assert not (folder / "include").exists()

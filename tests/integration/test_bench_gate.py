"""`make bench-gate` runs, and writes what its page shows."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "explanation" / "gate.md"
NOT_QUICK = "bench_gate_flights"
"""It trains a year of models."""


def read_table(page: str, mark: str) -> str:
    return page.split(f"<!-- {mark}: begin -->\n")[1].split(f"\n<!-- {mark}: end -->", maxsplit=1)[0]


def test_the_bench_of_the_gates_fills_every_mark_of_its_page_and_draws_its_pictures(tmp_path: Path) -> None:
    (tmp_path / "explanation").mkdir()
    page = Path(shutil.copy(PAGE, tmp_path / "explanation"))
    before = page.read_text()
    marks = [mark for mark in re.findall(r"<!-- (\w+): begin -->", before) if mark != NOT_QUICK]
    assert len(marks) == 10
    for mark in marks:
        before = before.replace(read_table(before, mark), "")
    page.write_text(before)
    command: list[str | Path] = [sys.executable, ROOT / "benchmarks" / "bench_gate.py", "--quick", "--write", page]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    after = page.read_text()
    for mark in marks:
        table = read_table(after, mark)
        assert "|---" in table
        assert table in done.stdout
    pictures = re.findall(r"\]\(\.\./(images/[\w-]+\.svg)\)", before)
    assert len(pictures) == 4
    for picture in pictures:
        assert (tmp_path / picture).read_text().startswith("<?xml")
        assert (ROOT / "docs" / picture).is_file()


def test_the_page_keeps_the_promise_of_alpha_spending() -> None:
    """Of the years that the page shows, those with a false promotion are within the budget, give or take chance."""
    page = PAGE.read_text()
    shown = re.search(r"^\| alpha spending, clustered by day \|(.*)\|(.*)\|$", page, re.MULTILINE)
    assert shown is not None
    assert re.search(r"^1,000 years of 52 weekly retrains", page, re.MULTILINE)
    for cell in shown.groups():
        share, low, high = (float(number) for number in re.findall(r"([\d.]+)%", cell))
        assert low <= share <= high
        assert low <= 5.0


def test_the_page_shows_that_fresh_loses_less_than_tests_and_promotes_equals_less_often_than_the_point_estimate() -> (
    None
):
    page = PAGE.read_text()
    regret = read_columns(read_table(page, "bench_gate_regret"))
    means = {policy: float(cells["mean of the first 8"]) for policy, cells in regret.items() if policy != "world"}
    assert means["fresh"] < means["significance"] < means["alpha spending"]
    assert means["strict"] < means["alpha spending"]
    equal = read_columns(read_table(page, "bench_gate_equal"))
    idle = {
        policy: float(cells["equal, autocorrelation 0"].split(";")[0])
        for policy, cells in equal.items()
        if policy != "world"
    }
    assert 3 * idle["fresh"] < idle["point estimate"]


def read_columns(table: str) -> dict[str, dict[str, str]]:
    """Return the cells of a table by column and by the row's first cell."""
    lines = [line for line in table.splitlines() if line.startswith("|")]
    head, _, *rows = ([cell.strip() for cell in line.strip("|").split("|")] for line in lines)
    return {column: {row[0]: row[place] for row in rows} for place, column in enumerate(head)}


def test_the_page_shows_whether_each_goal_is_met() -> None:
    _, _, *goals = read_table(PAGE.read_text(), "bench_gate_goals").splitlines()
    assert len(goals) == 9
    for goal in goals:
        assert re.search(r"\| (met|\*\*not met\*\*.*) \|$", goal)

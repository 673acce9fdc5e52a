"""`make setup` says how far it is while pip is silent."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest
from tests.builders import ROOT
from tests.require import require

SCRIPT = ROOT / "tools" / "install_locked.py"
LOCK = "one==1.0 \\\n    --hash=sha256:00\n    # via two\ntwo[extra]==2.0 ; python_version > '3' \\\n    --hash=sha256:11\n"
PIP = """
import pathlib, sys, time
for name in ("one", "two"):
    print(f"Collecting {name}==1.0", flush=True)
time.sleep(0.5)
for name in ("one", "two"):
    pathlib.Path(sys.argv[1], f"{name}-1.0.dist-info").mkdir()
time.sleep(0.5)
"""


@pytest.fixture
def script(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    spec = require(importlib.util.spec_from_file_location("install_locked", SCRIPT))
    module = importlib.util.module_from_spec(spec)
    require(spec.loader).exec_module(module)
    monkeypatch.setattr(module, "SECONDS", 0.05)
    return module


def test_it_counts_what_is_fetched_and_installed(
    script: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "lock").write_text(LOCK)
    (tmp_path / "present-1.0.dist-info").mkdir()
    assert script.main(str(tmp_path / "lock"), str(tmp_path), sys.executable, "-c", PIP, str(tmp_path)) == 0
    lines = [line.split(" packages")[0].strip() for line in capsys.readouterr().out.splitlines()]
    assert lines[-1] == "installed 2 of 2"
    assert "fetched 2 of 2" in lines
    assert len(lines) == len(set(lines))


def test_the_lock_of_this_repository_is_counted_whole(script: ModuleType) -> None:
    text = (ROOT / "requirements.lock").read_text()
    assert script.count_locked(text) == sum(line[:1].isalnum() for line in text.splitlines())


def test_what_pip_says_is_shown_if_it_fails(tmp_path: Path) -> None:
    (tmp_path / "lock").write_text(LOCK)
    failing = "print('no such package'); raise SystemExit(3)"
    command: list[str | Path] = [sys.executable, SCRIPT, tmp_path / "lock", tmp_path, sys.executable, "-c", failing]
    done = subprocess.run(command, capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (3, "", "no such package\n")

"""The demo as a person runs it: from nothing to a table of decisions, and nothing left behind."""

from __future__ import annotations

import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from tests.require import require

from retrain.sandbox.stack import Ports

pytestmark = pytest.mark.live

REPO = Path(__file__).parents[3]
RETRAIN = [sys.executable, "-m", "retrain.cli"]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("demo") / "state"


@pytest.fixture(scope="module")
def ports() -> Ports:
    return Ports.free()


def command(home: Path, ports: Ports, *more: str) -> list[str]:
    numbers = ["--airflow-port", str(ports.airflow), "--mlflow-port", str(ports.mlflow)]
    return [*RETRAIN, "--home", str(home), "demo", *numbers, *more]


def left_behind(home: Path) -> list[str]:
    """Return the command lines of processes that work in the state folder."""
    found = []
    for process in psutil.process_iter():
        try:
            if str(home) in " ".join([*process.cmdline(), *process.environ().values()]):
                found.append(" ".join(process.cmdline()))
        except psutil.Error:
            continue
    return found


@pytest.fixture(scope="module")
def first(home: Path, ports: Ports) -> Iterator[str]:
    """What the first demo printed."""
    done = subprocess.run(command(home, ports), cwd=REPO, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stdout + done.stderr
    yield done.stdout
    assert left_behind(home) == []


def test_the_demo_ends_with_eleven_decisions_and_the_alias_on_the_champion(first: str, home: Path) -> None:
    assert f"Starting clean in {home}" in first
    choices = re.findall(r"^ 2013-(\d\d)-01 .*?(PROMOTE|HOLD|REJECT)", first, re.MULTILINE)
    assert [month for month, _ in choices] == [f"{number:02}" for number in range(2, 13)]
    assert "PROMOTE" in {choice for _, choice in choices}
    assert re.search(r"Champion is version \d+, as of 2013-12-01: MLflow's alias says the same", first)
    assert "login admin / " in first
    assert re.search(r"^Models +http://\S+/plugin/retrain$", first, re.MULTILINE)


def test_nothing_is_left_behind(first: str, home: Path) -> None:
    assert left_behind(home) == []


def test_parallel_runs_met_the_champions_that_sequential_runs_would_have_met(first: str) -> None:
    rows = re.findall(r"^ 2013-\d\d-01 .*? (baseline|v\d+) \S+ .*?(PROMOTE|HOLD|REJECT) +(.*)$", first, re.MULTILINE)
    assert len(rows) == 11
    champion = "baseline"
    for opponent, choice, why in rows:
        assert opponent == champion
        if choice == "PROMOTE":
            champion = "v" + require(re.search(r"version (\d+)", why))[1]


def test_a_second_demo_resumes_and_ends_with_ctrl_c(first: str, home: Path, ports: Ports) -> None:
    with subprocess.Popen(command(home, ports, "--stay"), cwd=REPO, stdout=subprocess.PIPE, text=True) as demo:
        lines = []
        for line in require(demo.stdout):
            lines.append(line)
            if "Up until Ctrl-C" in line:
                break
        text = "".join(lines)
        assert f"Resuming in {home}" in text
        assert len(re.findall(r"^ 2013-\d\d-01 ", text, re.MULTILINE)) == 11
        demo.send_signal(signal.SIGINT)
        assert demo.wait(30) == 0
    assert left_behind(home) == []


def test_a_killed_demo_takes_its_servers_with_it(tmp_path: Path) -> None:
    home = tmp_path / "state"
    with subprocess.Popen(command(home, Ports.free()), cwd=REPO, stdout=subprocess.PIPE, text=True) as demo:
        assert any("Airflow answers" in line for line in require(demo.stdout))
        assert left_behind(home)
        demo.kill()
    deadline = time.monotonic() + 30
    while others := left_behind(home):
        assert time.monotonic() < deadline, others
        time.sleep(0.5)


def test_a_taken_port_is_reported_before_anything_starts(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        done = subprocess.run(
            command(tmp_path / "state", Ports(port, Ports.free().mlflow)), cwd=REPO, capture_output=True, text=True
        )
    assert done.returncode == 1
    assert f"port {port} must be free for airflow" in done.stderr
    assert "--airflow-port" in done.stderr
    assert not (tmp_path / "state").exists()


def test_a_folder_that_cannot_be_made_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    done = subprocess.run(command(tmp_path / "file" / "state", Ports.free()), cwd=REPO, capture_output=True, text=True)
    assert done.returncode == 1
    assert "must be writable" in done.stderr


def test_outside_the_repo_the_demo_says_where_to_go(tmp_path: Path) -> None:
    done = subprocess.run(command(tmp_path / "state", Ports.free()), cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 1
    assert "Run it in the repo" in done.stderr

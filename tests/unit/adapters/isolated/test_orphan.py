from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.builders import ROOT

SUPERVISOR = """
import os, time
from retrain.adapters.isolated.orphan import die_with_parent
child = os.fork()
if child == 0:
    {call}
    print(os.getpid(), flush=True)
    time.sleep(60)
os.waitpid(child, 0)
"""


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"


def wait_until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.02)


@pytest.mark.integration
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="prctl is Linux's")
@pytest.mark.parametrize(("call", "survives"), [("die_with_parent(os.getppid())", False), ("pass", True)])
def test_a_task_dies_with_its_killed_supervisor(call: str, survives: bool) -> None:
    program = SUPERVISOR.format(call=call)
    supervisor = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True)
    assert supervisor.stdout is not None
    task = int(supervisor.stdout.readline())
    try:
        supervisor.kill()
        supervisor.wait()
        wait_until(lambda: survives or not is_alive(task))
        assert is_alive(task) is survives
    finally:
        if is_alive(task):
            os.kill(task, signal.SIGKILL)
        supervisor.stdout.close()


TASK = """
import sys
from pathlib import Path
from tests.builders import make_spec
from tests.unit.adapters.isolated.work import report_and_sleep
from retrain.adapters.isolated.child_process import call_in_child
call_in_child(report_and_sleep, {{"file": {file!r}}}, spec=make_spec(Path({root!r})), timeout={timeout})
"""


def start_task(folder: Path, timeout: float) -> tuple[subprocess.Popen[bytes], int]:
    """Start a process that waits for a child; return it, and the id of the child once that works."""
    file = folder / "pid"
    program = TASK.format(file=str(file), root=str(folder), timeout=timeout)
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    task = subprocess.Popen([sys.executable, "-c", program], env=environment, stderr=subprocess.DEVNULL)
    wait_until(lambda: file.is_file() and file.read_text() != "")
    return task, int(file.read_text())


@pytest.mark.integration
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="prctl is Linux's")
def test_a_child_process_dies_with_its_killed_task(tmp_path: Path) -> None:
    task, child = start_task(tmp_path, 600)
    try:
        assert is_alive(child)
        task.kill()
        task.wait()
        wait_until(lambda: not is_alive(child))
    finally:
        if is_alive(child):
            os.kill(child, signal.SIGKILL)


@pytest.mark.integration
def test_a_child_process_keeps_its_own_time_limit_if_its_parent_is_stopped(tmp_path: Path) -> None:
    task, child = start_task(tmp_path, 1)
    try:
        task.send_signal(signal.SIGSTOP)
        wait_until(lambda: not is_alive(child))
    finally:
        task.kill()
        task.wait()

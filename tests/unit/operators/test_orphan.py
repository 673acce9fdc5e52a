from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

SUPERVISOR = """
import os, time
from retrain.operators.orphan import die_with_supervisor
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


@pytest.mark.integration
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="prctl is Linux's")
@pytest.mark.parametrize(("call", "survives"), [("die_with_supervisor()", False), ("pass", True)])
def test_a_task_dies_with_its_killed_supervisor(call: str, survives: bool) -> None:
    program = SUPERVISOR.format(call=call)
    supervisor = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True)
    assert supervisor.stdout is not None
    task = int(supervisor.stdout.readline())
    try:
        supervisor.kill()
        supervisor.wait()
        deadline = time.monotonic() + 5
        while is_alive(task) and not survives and time.monotonic() < deadline:
            time.sleep(0.02)
        assert is_alive(task) is survives
    finally:
        if is_alive(task):
            os.kill(task, signal.SIGKILL)
        supervisor.stdout.close()

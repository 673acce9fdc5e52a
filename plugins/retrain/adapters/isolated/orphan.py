"""A process that outlives its parent must not go on: nobody reads its answer, and a retry may run beside it."""

from __future__ import annotations

import ctypes
import math
import os
import signal
import sys
from typing import Final

__all__ = ["die_after", "die_with_parent"]

_PR_SET_PDEATHSIG: Final = 1


def die_with_parent(parent: int) -> None:
    """Have the kernel kill this process when its parent dies; on Linux alone.

    Airflow's supervisor may be killed and start the task again after the heartbeat's timeout; the child of a task that is killed
    may go on for a day.

    Args:
        parent: The id of the parent that must be alive.
    """
    if not sys.platform.startswith("linux"):
        return
    ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os.kill(os.getpid(), signal.SIGKILL)  # it died before the call


def die_after(seconds: float) -> None:
    """Have the kernel end this process after a time, also inside a library's own code and without a parent that watches."""
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    signal.alarm(math.ceil(seconds))

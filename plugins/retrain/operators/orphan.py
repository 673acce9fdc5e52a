"""A task that outlives its supervisor must not go on: its retry runs already."""

from __future__ import annotations

import ctypes
import os
import signal
import sys
from typing import Final

__all__ = ["die_with_supervisor"]

_PR_SET_PDEATHSIG: Final = 1


def die_with_supervisor() -> None:
    """Have the kernel kill this process when its parent, Airflow's supervisor, dies; on Linux alone.

    A killed supervisor leaves the task running otherwise, beside the retry that Airflow starts after the heartbeat's timeout.
    """
    if not sys.platform.startswith("linux"):
        return
    parent = os.getppid()
    ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os.kill(os.getpid(), signal.SIGKILL)  # it died in between

"""Failpoints, at which a test kills, stops or interrupts a process; without RETRAIN_FAILPOINT they do nothing."""

from __future__ import annotations

import os
import signal
from typing import Final

from retrain.errors import OutageError

__all__ = ["POINTS", "failpoint"]

POINTS: Final = (
    "run_made",
    "judged_fitted",
    "model_uploaded",
    "version_registered",
    "decided",
    "pointer_moved",
    "alias_set",
)


def failpoint(name: str) -> None:
    """Kill or stop the process, or raise, if RETRAIN_FAILPOINT names this failpoint: ``name:kill``, ``name:stop``, ``name:raise``.

    Raises:
        OutageError: The action is ``raise``.
        ValueError: The action is unknown.
    """
    setting = os.environ.get("RETRAIN_FAILPOINT", "")
    if not setting:
        return
    wanted, _, action = setting.partition(":")
    if wanted != name:
        return
    if action == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    elif action == "stop":
        os.kill(os.getpid(), signal.SIGSTOP)
    elif action == "raise":
        raise OutageError(f"the failpoint {name} must be off", got="on", fix="Unset RETRAIN_FAILPOINT.")
    else:
        raise ValueError(f"RETRAIN_FAILPOINT must be name:kill, name:stop or name:raise, got {action!r}")

"""Places where a test makes a process die, stop or raise; without RETRAIN_FAILPOINT they do nothing."""

from __future__ import annotations

import os
import signal
from typing import Final

from retrain.errors import OutageError

__all__ = ["POINTS", "failpoint"]

POINTS: Final = ("run_made", "model_uploaded", "version_registered", "decided", "pointer_moved", "alias_set")


def failpoint(name: str) -> None:
    """Do what RETRAIN_FAILPOINT asks for at this place: ``name:kill``, ``name:stop`` or ``name:raise``."""
    asked = os.environ.get("RETRAIN_FAILPOINT", "")
    if not asked:
        return
    place, _, action = asked.partition(":")
    if place != name:
        return
    if action == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    elif action == "stop":
        os.kill(os.getpid(), signal.SIGSTOP)
    elif action == "raise":
        raise OutageError(f"the failpoint {name} must be off", got="on", fix="Unset RETRAIN_FAILPOINT.")
    else:
        raise ValueError(f"RETRAIN_FAILPOINT must be place:kill, :stop or :raise, got {action!r}")

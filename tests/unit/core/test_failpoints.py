from __future__ import annotations

import os
import signal
import subprocess
import sys
from contextlib import suppress

import pytest

from retrain.core.failpoints import POINTS, failpoint
from retrain.errors import OutageError


def ask(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setenv("RETRAIN_FAILPOINT", text)


def child(action: str) -> subprocess.Popen[bytes]:
    program = "from retrain.core.failpoints import failpoint; failpoint('decided')"
    environment = dict(os.environ) | {"RETRAIN_FAILPOINT": f"decided:{action}"}
    return subprocess.Popen([sys.executable, "-c", program], env=environment)


@pytest.mark.parametrize("text", [None, "", "other:kill", "other:nonsense", "decide:kill"])
def test_without_being_asked_for_by_name_nothing_happens(monkeypatch: pytest.MonkeyPatch, text: str | None) -> None:
    monkeypatch.delenv("RETRAIN_FAILPOINT", raising=False)
    if text is not None:
        ask(monkeypatch, text)
    for name in POINTS:
        failpoint(name)


@pytest.mark.parametrize("name", POINTS)
def test_raising_is_an_outage(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    ask(monkeypatch, f"{name}:raise")
    with pytest.raises(OutageError, match=f"the failpoint {name} must be off"):
        failpoint(name)


@pytest.mark.integration
def test_killing_leaves_no_time_to_clean_up() -> None:
    assert child("kill").wait(30) == -signal.SIGKILL


@pytest.mark.integration
def test_a_stopped_process_continues_after_the_signal() -> None:
    process = child("stop")
    try:
        _, status = os.waitpid(process.pid, os.WUNTRACED)
        assert os.WIFSTOPPED(status)
        process.send_signal(signal.SIGCONT)
        assert process.wait(30) == 0
    finally:
        with suppress(ProcessLookupError):
            process.kill()


def test_killing_and_stopping_send_the_signal_to_this_process_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[tuple[int, int]] = []
    monkeypatch.setattr(os, "kill", lambda *signalled: sent.append(signalled))
    for action in ("kill", "stop"):
        ask(monkeypatch, f"decided:{action}")
        failpoint("decided")
    assert sent == [(os.getpid(), signal.SIGKILL), (os.getpid(), signal.SIGSTOP)]


@pytest.mark.parametrize("action", ["", "explode", "sleep=1", "KILL"])
def test_an_unknown_action_is_refused(monkeypatch: pytest.MonkeyPatch, action: str) -> None:
    ask(monkeypatch, f"decided:{action}")
    with pytest.raises(ValueError, match="name:kill, name:stop or name:raise"):
        failpoint("decided")

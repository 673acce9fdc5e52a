from __future__ import annotations

import stat
from pathlib import Path

import pytest

pytest.importorskip("psutil")

from retrain.sandbox.stack import Stack


def test_a_secret_is_made_once_and_is_its_users_alone(tmp_path: Path) -> None:
    password = Stack(tmp_path, tmp_path).password
    assert len(password) >= 16
    assert Stack(tmp_path, tmp_path).password == password
    assert stat.S_IMODE((tmp_path / "secrets" / "admin-password").stat().st_mode) == 0o600


def test_a_secret_that_was_left_empty_is_made_again(tmp_path: Path) -> None:
    (tmp_path / "secrets").mkdir()
    (tmp_path / "secrets" / "admin-password").touch()
    assert len(Stack(tmp_path, tmp_path).password) >= 16

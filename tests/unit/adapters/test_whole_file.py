from __future__ import annotations

import os
import stat
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from retrain.adapters.whole_file import make_private_folder, write_whole
from retrain.errors import OutageError


def test_a_text_is_written_with_its_mode_into_a_folder_that_is_made(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "secret"
    write_whole(path, "one", mode=0o600)
    write_whole(path, "two", mode=0o600)
    assert (path.read_text(), stat.S_IMODE(path.stat().st_mode)) == ("two", 0o600)
    assert list(path.parent.iterdir()) == [path]


@pytest.mark.parametrize("step", ["os.fsync", "pathlib.Path.replace"])
def test_a_write_that_is_cut_off_leaves_the_file_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    path = tmp_path / "kept"
    write_whole(path, "all of it")

    def cut(*_: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(step, cut)
    with pytest.raises(KeyboardInterrupt):
        write_whole(path, "half")
    monkeypatch.undo()
    assert path.read_text() == "all of it"
    assert list(tmp_path.iterdir()) == [path]


def test_a_folder_that_is_a_file_is_one_clear_error(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    path = tmp_path / "file" / "x"
    writes: list[Callable[[], None]] = [lambda: write_whole(path, ""), lambda: make_private_folder(path)]
    for write in writes:
        with pytest.raises(OutageError, match=r"must be writable; got (NotADirectory|FileExists)Error"):
            write()


def test_a_link_is_followed_and_a_pipe_is_written_in_place(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "target")
    write_whole(tmp_path / "link", "text")
    assert (tmp_path / "target").read_text() == "text"
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    read: list[str] = []
    reader = threading.Thread(target=lambda: read.append(pipe.read_text()))
    reader.start()
    write_whole(pipe, "text")
    reader.join(30)
    assert read == ["text"]


def test_a_private_folder_is_its_users_alone_also_if_it_was_there(tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    for _ in range(2):
        make_private_folder(folder)
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
        folder.chmod(0o755)

"""Folders of this user alone, and files that a killed process or a full disk leaves as they were."""

from __future__ import annotations

import os
import uuid
from pathlib import Path

from retrain.errors import OutageError

__all__ = ["make_private_folder", "write_whole"]


def write_whole(path: Path, text: str, *, mode: int = 0o666) -> None:
    """Write a text beside a file, and move it into place once it is on the disk; make its folder if there is none.

    Args:
        path: The file. A device or a pipe is written in place, and a link is followed.
        text: The content of the file.
        mode: The permissions of the file, less those that the umask takes away.

    Raises:
        OutageError: The folder is read-only or full.
    """
    try:
        if path.exists() and not path.is_file():
            path.write_text(text, encoding="utf-8")
            return
        _replace(path.resolve(), text, mode)
    except OSError as error:
        raise _make_outage(path, error) from error


def make_private_folder(folder: Path) -> None:
    """Make a folder readable by this user alone, or make one that exists so.

    Raises:
        OutageError: The folder around it is read-only, full, or of another user.
    """
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        folder.chmod(0o700)
    except OSError as error:
        raise _make_outage(folder, error) from error


def _make_outage(path: Path, error: OSError) -> OutageError:
    return OutageError(
        f"{path} must be writable",
        got=f"{type(error).__name__} ({error.strerror})",
        fix="Check the folder's permissions and the free space of its disk, then try again.",
    )


def _replace(path: Path, text: str, mode: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.{uuid.uuid4().hex}.part")
    try:
        with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)

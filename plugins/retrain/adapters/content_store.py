"""Files named by their sha256 below one base URI, written once and checked on every read."""

from __future__ import annotations

import io
import json
import os
import shutil
import socket
import stat
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, Final

from upath import UPath

from retrain.core.digest import canonical_json, digest_json, hash_file
from retrain.errors import IntegrityError, NotFoundError, OutageError, RetrainError

__all__ = ["ContentStore"]

_PRIVATE: Final = 0o700
_NO_PROGRAM: Final = 0o666


class ContentStore:
    """Content-addressed files below a base URI.

    Args:
        base: For example ``file:///srv/retrain`` or ``s3://bucket/retrain``.
        cache: The folder for copies of remote files; by default one of this user in the machine's temporary folder.
        of_workers: Whether Airflow's workers, on several machines, write and read the store.
    """

    def __init__(self, base: str | UPath, cache: Path | None = None, *, of_workers: bool = False) -> None:
        self._base = UPath(base)
        self._cache = cache or Path(tempfile.gettempdir()) / f"retrain-store-cache-{os.geteuid()}"
        self._of_workers = of_workers

    def put_file(self, kind: str, source: Path, suffix: str) -> str:
        """Store a copy of a local file; return its sha256. A file that is stored already is not written again."""
        digest = hash_file(source)
        with source.open("rb") as file:
            self._write(self._path(kind, digest, suffix), file, source.stat().st_size)
        return digest

    def put_json(self, kind: str, document: Any) -> str:
        """Store a plain document as canonical JSON; return its digest."""
        digest, content = digest_json(document), canonical_json(document).encode()
        self._write(self._path(kind, digest, ".json"), io.BytesIO(content), len(content))
        return digest

    def get_json(self, kind: str, digest: str) -> Any:
        """Return a stored document, checked against its digest.

        Raises:
            NotFoundError: The store has no such file.
            IntegrityError: Its content was altered.
        """
        return json.loads(self.local_file(kind, digest, ".json").read_bytes())

    def local_file(self, kind: str, digest: str, suffix: str) -> Path:
        """Return a stored file as a local path, checked against its sha256; a remote one is copied first.

        Raises:
            NotFoundError: The store has no such file.
            IntegrityError: Its content was altered.
        """
        path = self._path(kind, digest, suffix)
        with _translate_errors(path):
            try:
                local = self._copy_to_local(path)
                actual = hash_file(local)
                if actual != digest and not _is_local(path):
                    local.unlink(missing_ok=True)  # the copy may be at fault, not the store
                    local = self._copy_to_local(path)
                    actual = hash_file(local)
            except FileNotFoundError:
                raise self._make_missing(kind, digest) from None
        if actual != digest:
            raise IntegrityError(
                f"{kind}/{digest[:12]} must have the digest that its name says",
                got=f"sha256 {actual[:12]}",
                fix="Restore the file from a backup, or delete it and take the snapshot again.",
            )
        return local

    def _path(self, kind: str, digest: str, suffix: str) -> UPath:
        return self._base / kind / digest[:2] / f"{digest}{suffix}"

    def _copy_to_local(self, path: UPath) -> Path:
        if _is_local(path):
            return Path(path.path)
        copy: Path = _open_cache(self._cache) / path.parent.parent.name / path.name
        if not copy.exists():
            copy.parent.mkdir(parents=True, exist_ok=True)
            part = copy.with_suffix(f".{uuid.uuid4().hex}.part")
            try:
                with path.open("rb") as source, part.open("wb") as target:
                    shutil.copyfileobj(source, target)
                part.replace(copy)
            finally:
                part.unlink(missing_ok=True)
        return copy

    def _write(self, path: UPath, content: BinaryIO, size: int) -> None:
        """Write under another name, then move into place, so that the final name never holds half of the content."""
        with _translate_errors(path):
            if path.exists() and path.stat().st_size == size:
                return
            if _is_local(path):
                _write_local(Path(self._base.path), Path(path.path), content)
            else:
                _upload(path, content)

    def _make_missing(self, kind: str, digest: str) -> NotFoundError:
        name = f"{kind}/{digest[:12]}"
        if self._of_workers and _is_local(self._base):
            return NotFoundError(
                f"all workers must share one store with {name} in it",
                got=f"no such file under {Path(self._base.path).absolute()} on {socket.gethostname()}: "
                "this store is not shared between workers, or somebody deleted the file",
                fix="Set [retrain] store to a place that every worker reaches, such as s3://bucket/retrain, "
                "or the absolute path of a folder that all of them mount.",
            )
        return NotFoundError(
            f"{name} must be in the store",
            got="no such file",
            fix="Check which store is set, or restore the file from a backup.",
        )


def _upload(path: UPath, content: BinaryIO) -> None:
    """Upload under another name and move it; leaving an open object by an exception uploads what was written so far."""
    part = path.with_suffix(f".{uuid.uuid4().hex}.part")
    try:
        with part.open("wb") as target:
            shutil.copyfileobj(content, target)
        part.fs.mv(part.path, path.path)
    finally:
        part.unlink(missing_ok=True)


def _write_local(base: Path, path: Path, content: BinaryIO) -> None:
    """Write a file as readable as its store's folder, which is its owner's alone unless it was made with another mode."""
    base.mkdir(mode=_PRIVATE, parents=True, exist_ok=True)
    mode = stat.S_IMODE(base.stat().st_mode)
    for folder in (path.parent.parent, path.parent):
        if not folder.exists():
            folder.mkdir(exist_ok=True)
            folder.chmod(mode)
    part = path.with_suffix(f".{uuid.uuid4().hex}.part")
    try:
        with os.fdopen(
            os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _PRIVATE & mode & _NO_PROGRAM), "wb"
        ) as target:
            shutil.copyfileobj(content, target)
            os.fchmod(target.fileno(), mode & _NO_PROGRAM)
            target.flush()
            os.fsync(target.fileno())
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def _open_cache(folder: Path) -> Path:
    """Return the cache folder, private to this user; the machine's temporary folder is open to everybody.

    Raises:
        IntegrityError: It is a link or a file, or another user made it.
    """
    folder.mkdir(mode=_PRIVATE, parents=True, exist_ok=True)
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid():
        raise IntegrityError(
            f"the cache folder {folder} must be a folder of this user",
            got="one of another user" if stat.S_ISDIR(found.st_mode) else "a link",
            fix="Delete it, or set TMPDIR to a folder of your own.",
        )
    folder.chmod(_PRIVATE)
    return folder


def _is_local(path: UPath) -> bool:
    return path.protocol in ("", "file")


@contextmanager
def _translate_errors(path: UPath) -> Iterator[None]:
    """Make an outage of what a file system raises; each client of an object store has error classes of its own."""
    foreign = OSError if _is_local(path) else Exception
    try:
        yield
    except RetrainError:
        raise
    except foreign as error:
        reason = f" ({error.strerror})" if isinstance(error, OSError) and error.strerror else ""
        raise OutageError(
            "the snapshot store must be readable and writable",
            got=f"{type(error).__name__}{reason}",
            fix="Check the setting [retrain] store, its permissions, credentials and free space.",
        ) from error

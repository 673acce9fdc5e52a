"""Files named by their sha256 below one base URI, written once and checked on every read."""

from __future__ import annotations

import io
import json
import os
import shutil
import tempfile
import uuid
from pathlib import Path
from typing import Any, BinaryIO

from upath import UPath

from retrain.core.digest import canonical_json, digest_json, hash_file
from retrain.errors import IntegrityError, NotFoundError, OutageError

__all__ = ["ContentStore"]


class ContentStore:
    """Content-addressed files below a base URI.

    Args:
        base: For example ``file:///srv/retrain`` or ``s3://bucket/retrain``.
        cache: The folder for copies of remote files; by default one in the machine's temporary folder.
    """

    def __init__(self, base: str | UPath, cache: Path | None = None) -> None:
        self._base = UPath(base)
        self._cache = cache or Path(tempfile.gettempdir()) / "retrain-store-cache"

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
        try:
            local = self._copy_to_local(path)
            actual = hash_file(local)
            if actual != digest and not _is_local(path):
                local.unlink(missing_ok=True)  # the copy may be at fault, not the store
                local = self._copy_to_local(path)
                actual = hash_file(local)
        except FileNotFoundError:
            raise NotFoundError(
                f"{kind}/{digest[:12]} must be in the store",
                got="no such file",
                fix="Check the setting [retrain] store.",
            ) from None
        except OSError as error:
            raise _make_outage(error) from error
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
            return Path(str(path.path))
        copy: Path = self._cache / path.parent.parent.name / path.name
        if not copy.exists():
            copy.parent.mkdir(parents=True, exist_ok=True)
            part = copy.with_suffix(f".{uuid.uuid4().hex}.part")
            with path.open("rb") as source, part.open("wb") as target:
                shutil.copyfileobj(source, target)
            part.replace(copy)
        return copy

    def _write(self, path: UPath, content: BinaryIO, size: int) -> None:
        """Write under another name, then move into place, so that the final name never holds half of the content.

        An object store needs that as well: leaving its open file by an exception uploads what was written so far.
        """
        try:
            if path.exists() and path.stat().st_size == size:
                return
            path.parent.mkdir(parents=True, exist_ok=True)
            part = path.with_suffix(f".{uuid.uuid4().hex}.part")
            try:
                with part.open("wb") as target:
                    shutil.copyfileobj(content, target)
                    if _is_local(path):
                        target.flush()
                        os.fsync(target.fileno())
                if _is_local(path):
                    Path(part.path).replace(path.path)
                else:
                    part.fs.mv(part.path, path.path)
            finally:
                part.unlink(missing_ok=True)
        except OSError as error:
            raise _make_outage(error) from error


def _is_local(path: UPath) -> bool:
    return path.protocol in ("", "file")


def _make_outage(error: OSError) -> OutageError:
    return OutageError(
        "the snapshot store must be readable and writable",
        got=f"{type(error).__name__} ({error.strerror})",
        fix="Check the setting [retrain] store, its permissions and free space.",
    )

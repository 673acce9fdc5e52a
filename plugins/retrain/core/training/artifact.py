"""The manifest of a model artifact, which proves that the loaded bytes are the trained ones."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

from retrain.core.digest import digest_json, hash_file
from retrain.errors import IntegrityError

__all__ = ["build_manifest", "digest_manifest", "verify_artifact"]

_WRITTEN_BY_THE_REGISTRY: Final = "registered_model_meta"


def build_manifest(folder: Path) -> list[dict[str, Any]]:
    """Return path, size in bytes and sha256 of every file of a model folder, sorted by path."""
    return [
        {"path": path.relative_to(folder).as_posix(), "size": path.stat().st_size, "sha256": hash_file(path)}
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path != folder / _WRITTEN_BY_THE_REGISTRY
    ]


def digest_manifest(folder: Path) -> str:
    """Return the digest of a model folder's manifest."""
    return digest_json(build_manifest(folder))


def verify_artifact(folder: Path, expected: str) -> None:
    """Check a model folder against the digest recorded at training; call it before loading anything from the folder.

    Raises:
        IntegrityError: A file was altered, added or removed.
    """
    digest = digest_manifest(folder)
    if digest != expected:
        raise IntegrityError(
            f"the artifact must have the manifest digest {expected[:12]} that was recorded at training",
            got=digest[:12],
            fix="Do not load it; restore the artifact or retrain.",
        )

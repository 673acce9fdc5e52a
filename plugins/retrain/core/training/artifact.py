"""The manifest of a model artifact: what is loaded is what was made."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

from retrain.core.digest import digest_json, hash_file
from retrain.errors import IntegrityError

__all__ = ["build_manifest", "digest_manifest", "verify_artifact"]

_WRITTEN_BY_THE_REGISTRY: Final = "registered_model_meta"


def build_manifest(folder: Path) -> list[dict[str, Any]]:
    """Return path, size and sha256 of every file of a model folder, by path."""
    return [
        {"path": path.relative_to(folder).as_posix(), "size": path.stat().st_size, "sha256": hash_file(path)}
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name != _WRITTEN_BY_THE_REGISTRY
    ]


def digest_manifest(folder: Path) -> str:
    """Return the digest of a model folder's manifest."""
    return digest_json(build_manifest(folder))


def verify_artifact(folder: Path, expected: str) -> None:
    """Check a model folder against the digest recorded at training, before anything in it is loaded.

    Raises:
        IntegrityError: A file was altered, added or removed.
    """
    found = digest_manifest(folder)
    if found != expected:
        raise IntegrityError(
            f"the artifact must have the manifest digest {expected[:12]} that was recorded at training",
            got=found[:12],
            fix="Do not load it; restore the artifact or retrain.",
        )

"""Digests of plain values and files: one canonical JSON text, one sha256."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

__all__ = ["canonical_json", "digest_files", "digest_json", "hash_file"]


def canonical_json(value: Any) -> str:
    """Return the canonical JSON text of a plain value: sorted keys, no spaces, no NaN.

    Raises:
        ValueError: The value contains NaN or an infinity.
        TypeError: The value is not made of plain JSON types.
    """
    return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False, ensure_ascii=False)


def digest_json(value: Any) -> str:
    """Return the sha256 of a plain value's canonical JSON as 64 hex digits; it raises what `canonical_json` raises."""
    return hashlib.sha256(canonical_json(value).encode()).hexdigest()


def hash_file(path: Path) -> str:
    """Return the sha256 of a file's bytes as 64 hex digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def digest_files(files: Iterable[tuple[str, Path]]) -> str:
    """Return one digest over (name, path) pairs as 64 hex digits; their order does not matter."""
    return digest_json(sorted([name, hash_file(path)] for name, path in files))

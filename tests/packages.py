"""Packages of third parties, as folders on the path with the metadata that an installation leaves."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from retrain.core.extensions import reread_installed

__all__ = ["PackageFolder", "package_folder"]


class PackageFolder:
    """Where a test puts packages."""

    def __init__(self, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self._root = root
        self._monkeypatch = monkeypatch
        self.installed: list[str] = []

    def install(self, name: str, code: str, **groups: dict[str, str]) -> Path:
        """Put a package of one module on the path; `groups` are its entry points by what follows ``retrain.``."""
        folder = self._root / name
        metadata = folder / f"{name}-1.0.dist-info"
        metadata.mkdir(parents=True)
        (metadata / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
        lines = [
            line
            for group, entries in groups.items()
            for line in (f"[retrain.{group}]", *(f"{key} = {value}" for key, value in entries.items()))
        ]
        (metadata / "entry_points.txt").write_text("\n".join(lines))
        (folder / f"{name}.py").write_text(code)
        self._monkeypatch.syspath_prepend(str(folder))
        self.installed.append(name)
        reread_installed()
        return folder


@contextmanager
def package_folder(root: Path) -> Iterator[PackageFolder]:
    """Give a folder of packages that are gone again at the end."""
    with pytest.MonkeyPatch.context() as monkeypatch:
        packages = PackageFolder(root, monkeypatch)
        yield packages
    for name in packages.installed:
        sys.modules.pop(name, None)
    reread_installed()

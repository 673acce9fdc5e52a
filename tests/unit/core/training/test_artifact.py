from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from retrain.core.training.artifact import build_manifest, digest_manifest, verify_artifact
from retrain.errors import IntegrityError


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "code").mkdir()
    (tmp_path / "model.skops").write_bytes(b"model")
    (tmp_path / "code" / "x.py").write_bytes(b"x = 1")
    return tmp_path


def _alter(folder: Path) -> None:
    (folder / "model.skops").write_bytes(b"modeL")


def _add(folder: Path) -> None:
    (folder / "code" / "loader.py").write_bytes(b"import os")


def _remove(folder: Path) -> None:
    (folder / "code" / "x.py").unlink()


def _rename(folder: Path) -> None:
    (folder / "code" / "x.py").rename(folder / "x.py")


@pytest.mark.parametrize("change", [_alter, _add, _remove, _rename])
def test_a_changed_folder_is_refused(folder: Path, change: Callable[[Path], None]) -> None:
    expected = digest_manifest(folder)
    verify_artifact(folder, expected)
    change(folder)
    with pytest.raises(IntegrityError, match=f"must have the manifest digest {expected[:12]} .*Do not load it"):
        verify_artifact(folder, expected)


def test_the_manifest_lists_every_file_by_path(folder: Path) -> None:
    assert [(item["path"], item["size"]) for item in build_manifest(folder)] == [
        ("code/x.py", 5),
        ("model.skops", 5),
    ]


def test_what_the_registry_adds_by_itself_is_not_a_change(folder: Path) -> None:
    expected = digest_manifest(folder)
    (folder / "registered_model_meta").write_text("version: 3")
    verify_artifact(folder, expected)


def test_only_the_registrys_own_file_stays_outside_the_manifest(tmp_path: Path) -> None:
    (tmp_path / "code").mkdir()
    (tmp_path / "registered_model_meta").write_text("model_version: 3")
    before = digest_manifest(tmp_path)
    (tmp_path / "registered_model_meta").write_text("model_version: 4")
    assert digest_manifest(tmp_path) == before
    (tmp_path / "code" / "registered_model_meta").write_text("anything")
    assert digest_manifest(tmp_path) != before

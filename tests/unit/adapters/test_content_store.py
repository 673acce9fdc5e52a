from __future__ import annotations

import errno
import os
import socket
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fsspec.implementations.memory import MemoryFileSystem
from upath import UPath

from retrain.adapters.content_store import ContentStore
from retrain.core.digest import digest_json, hash_file
from retrain.errors import IntegrityError, NotFoundError, OutageError


@pytest.fixture(params=["file", "memory"])
def base(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[UPath]:
    """A folder and a store of objects: the two kinds that are written differently."""
    if request.param == "file":
        yield UPath(tmp_path / "store")
        return
    objects = UPath(f"memory://{tmp_path.name}-store")
    yield objects
    if objects.exists():
        objects.fs.rm(objects.path, recursive=True)


@pytest.fixture
def store(base: UPath, tmp_path: Path) -> ContentStore:
    return ContentStore(base, tmp_path / "cache")


def files_of(base: UPath) -> list[UPath]:
    return [path for path in base.rglob("*") if path.is_file()]


def test_a_file_is_found_again_by_its_sha256(store: ContentStore, tmp_path: Path) -> None:
    source = tmp_path / "rows"
    source.write_bytes(b"rows")
    digest = store.put_file("chunks", source, ".parquet")
    assert digest == hash_file(source)
    assert store.local_file("chunks", digest, ".parquet").read_bytes() == b"rows"


def test_a_document_is_found_again_by_its_digest(store: ContentStore, base: UPath) -> None:
    document = {"b": [1, None], "a": "é"}
    digest = store.put_json("snapshots", document)
    assert digest == digest_json(document)
    assert store.get_json("snapshots", digest) == document
    (path,) = files_of(base)
    assert path.parts[-3:] == ("snapshots", digest[:2], f"{digest}.json")


def test_putting_twice_writes_once(store: ContentStore, base: UPath) -> None:
    first = store.put_json("snapshots", {"a": 1})
    (path,) = files_of(base)
    with path.open("wb") as file:
        file.write(b"another")  # as long as the document
    assert store.put_json("snapshots", {"a": 1}) == first
    assert path.read_bytes() == b"another"


def test_half_a_file_from_elsewhere_is_written_anew(store: ContentStore, base: UPath) -> None:
    digest = store.put_json("snapshots", {"a": 1})
    (path,) = files_of(base)
    with path.open("wb") as file:
        file.write(b'{"a"')
    assert store.put_json("snapshots", {"a": 1}) == digest
    assert store.get_json("snapshots", digest) == {"a": 1}


def test_an_upload_that_is_cut_off_leaves_nothing_under_the_final_name(
    store: ContentStore, base: UPath, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = tmp_path / "rows"
    source.write_bytes(b"rows" * 100)

    def cut(content: Any, target: Any) -> None:
        target.write(content.read(100))
        raise KeyboardInterrupt  # as Airflow's SIGTERM does

    monkeypatch.setattr("retrain.adapters.content_store.shutil.copyfileobj", cut)
    with pytest.raises(KeyboardInterrupt):
        store.put_file("chunks", source, ".parquet")
    monkeypatch.undo()
    assert files_of(base) == []
    digest = store.put_file("chunks", source, ".parquet")
    assert store.local_file("chunks", digest, ".parquet").read_bytes() == source.read_bytes()


def test_a_bad_copy_of_a_sound_object_is_fetched_anew(tmp_path: Path) -> None:
    base = UPath(f"memory://{tmp_path.name}-copies")
    store = ContentStore(base, tmp_path / "cache")
    digest = store.put_json("snapshots", {"a": 1})
    store.local_file("snapshots", digest, ".json").write_bytes(b"cut")
    assert store.get_json("snapshots", digest) == {"a": 1}
    base.fs.rm(base.path, recursive=True)


def test_an_altered_file_is_refused_on_every_read(store: ContentStore, base: UPath) -> None:
    digest = store.put_json("snapshots", {"a": 1})
    (path,) = files_of(base)
    with path.open("wb") as file:
        file.write(b'{"a":2}')
    for _ in range(2):
        with pytest.raises(IntegrityError, match=f"snapshots/{digest[:12]} must have the digest that its name says"):
            store.get_json("snapshots", digest)


def test_a_file_that_is_not_there_is_not_found(store: ContentStore) -> None:
    with pytest.raises(NotFoundError, match="chunks/000000000000 must be in the store; got no such file"):
        store.local_file("chunks", "0" * 64, ".parquet")


def test_a_remote_file_is_copied_once_and_an_altered_object_is_refused(tmp_path: Path) -> None:
    base = UPath(f"memory://{tmp_path.name}-remote")
    store = ContentStore(base, tmp_path / "cache")
    digest = store.put_json("snapshots", {"a": 1})
    copy = store.local_file("snapshots", digest, ".json")
    assert copy.is_relative_to(tmp_path / "cache")
    changed = copy.stat().st_mtime_ns
    assert store.local_file("snapshots", digest, ".json").stat().st_mtime_ns == changed
    copy.write_bytes(b"{}")
    (stored,) = files_of(base)
    stored.write_bytes(b"{}")
    with pytest.raises(IntegrityError, match="must have the digest"):
        store.local_file("snapshots", digest, ".json")


def test_a_full_disk_is_an_outage_and_leaves_no_half_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fill(*_: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device", "secret-path")

    monkeypatch.setattr("shutil.copyfileobj", fill)
    with pytest.raises(OutageError, match=r"got OSError \(No space left on device\)") as caught:
        ContentStore(str(tmp_path / "store")).put_json("snapshots", {"a": 1})
    assert "secret" not in str(caught.value)
    assert not [path for path in (tmp_path / "store").rglob("*") if path.is_file()]


def test_a_store_that_cannot_be_read_is_an_outage(tmp_path: Path) -> None:
    store = ContentStore(str(tmp_path))
    digest = store.put_json("snapshots", {"a": 1})
    path = tmp_path / "snapshots" / digest[:2] / f"{digest}.json"
    path.unlink()
    path.mkdir()
    with pytest.raises(OutageError, match="got IsADirectoryError"):
        store.get_json("snapshots", digest)


# Who may read


def mode_of(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_a_store_that_it_makes_is_its_users_alone(tmp_path: Path) -> None:
    store = ContentStore(str(tmp_path / "store"))
    digest = store.put_json("snapshots", {"a": 1})
    file = store.local_file("snapshots", digest, ".json")
    assert [mode_of(path) for path in (tmp_path / "store", file.parents[1], file.parent, file)] == [*[0o700] * 3, 0o600]


def test_a_store_of_several_users_stays_as_readable_as_its_folder(tmp_path: Path) -> None:
    base = tmp_path / "store"
    base.mkdir()
    base.chmod(0o2770)
    digest = ContentStore(str(base)).put_json("snapshots", {"a": 1})
    (file,) = (path for path in base.rglob("*") if path.is_file())
    assert file.name == f"{digest}.json"
    assert [mode_of(path) for path in (file.parents[1], file.parent, file)] == [0o2770, 0o2770, 0o660]


def make_remote(tmp_path: Path) -> tuple[UPath, str]:
    base = UPath(f"memory://{tmp_path.name}-private")
    return base, ContentStore(base, tmp_path / "unused").put_json("snapshots", {"a": 1})


def test_the_cache_folder_is_its_users_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    base, digest = make_remote(tmp_path)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    copy = ContentStore(base).local_file("snapshots", digest, ".json")
    cache = copy.parents[1]
    assert (cache.parent, mode_of(cache)) == (tmp_path, 0o700)
    cache.chmod(0o755)
    ContentStore(base).local_file("snapshots", digest, ".json")
    assert mode_of(cache) == 0o700


@pytest.mark.skipif(os.geteuid() != 0, reason="gives a folder to another user")
def test_a_cache_folder_of_another_user_is_refused(tmp_path: Path) -> None:
    base, digest = make_remote(tmp_path)
    (tmp_path / "cache").mkdir()
    os.chown(tmp_path / "cache", 4711, 4711)
    with pytest.raises(IntegrityError, match=r"must be a folder of this user; got one of another user\. Delete it"):
        ContentStore(base, tmp_path / "cache").local_file("snapshots", digest, ".json")


def test_a_cache_folder_that_is_a_link_is_refused(tmp_path: Path) -> None:
    base, digest = make_remote(tmp_path)
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "cache").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(IntegrityError, match="got a link"):
        ContentStore(base, tmp_path / "cache").local_file("snapshots", digest, ".json")


# A store of workers


def test_a_file_that_another_worker_wrote_elsewhere_says_that_the_store_is_not_shared(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for folder in ("one", "two"):
        (tmp_path / folder).mkdir()
    monkeypatch.chdir(tmp_path / "one")
    digest = ContentStore(".retrain/store", of_workers=True).put_json("snapshots", {"a": 1})
    monkeypatch.chdir(tmp_path / "two")
    with pytest.raises(NotFoundError, match="this store is not shared between workers") as caught:
        ContentStore(".retrain/store", of_workers=True).get_json("snapshots", digest)
    assert f"no such file under {tmp_path}/two/.retrain/store on {socket.gethostname()}" in caught.value.got
    assert "Set [retrain] store" in caught.value.fix


def test_an_error_of_an_object_stores_client_is_an_outage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise EOFError("no credentials for the secret bucket")

    monkeypatch.setattr(MemoryFileSystem, "_open", fail)
    with pytest.raises(OutageError, match="got EOFError") as caught:
        ContentStore(UPath("memory://bucket/secret"), tmp_path).put_json("snapshots", {"a": 1})
    assert "secret" not in str(caught.value)

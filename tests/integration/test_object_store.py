"""The store on a process that speaks S3: an upload that is cut off, and copies that are bad."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import fsspec
import httpx
import pytest
from tests.servers import S3Server, running_s3

from retrain.adapters.content_store import ContentStore
from retrain.core.digest import hash_file
from retrain.errors import IntegrityError, NotFoundError, OutageError

pytest.importorskip("moto")
pytest.importorskip("s3fs")

_PART: int = 50 * 2**20  # what s3fs sends at once


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Server]:
    with running_s3(tmp_path_factory.mktemp("s3")) as running:
        yield running


def connect(server: S3Server, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in server.settings.items():
        monkeypatch.setenv(name, value)
    fsspec.get_filesystem_class("s3").clear_instance_cache()  # whose clients know another server


@pytest.fixture
def base(server: S3Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A place of the test's own in the bucket."""
    connect(server, monkeypatch)
    return f"s3://{server.bucket}/{tmp_path.name}"


@pytest.fixture
def store(base: str, tmp_path: Path) -> ContentStore:
    return ContentStore(base, tmp_path / "cache")


@pytest.fixture
def large(tmp_path: Path) -> Path:
    """A file that goes up in two parts."""
    path = tmp_path / "large"
    path.write_bytes(os.urandom(2**20) * (_PART // 2**20 + 4))
    return path


def objects_in(server: S3Server, base: str) -> list[str]:
    prefix = base.partition(f"{server.bucket}/")[2]
    listed = httpx.get(f"{server.url}/{server.bucket}", params={"list-type": "2", "prefix": prefix}).text
    return re.findall("<Key>([^<]+)</Key>", listed)


def test_a_file_in_two_parts_is_found_again_as_one_object(
    store: ContentStore, server: S3Server, base: str, large: Path
) -> None:
    digest = store.put_file("chunks", large, ".parquet")
    assert [Path(key).name for key in objects_in(server, base)] == [f"{digest}.parquet"]
    assert store.put_file("chunks", large, ".parquet") == digest
    assert hash_file(store.local_file("chunks", digest, ".parquet")) == digest


def test_an_upload_that_an_exception_cuts_off_leaves_no_object(
    store: ContentStore, server: S3Server, base: str, large: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def cut(content: Any, target: Any) -> None:
        target.write(content.read(_PART + 2**20))  # the first part is sent
        raise SystemExit  # as Airflow's SIGTERM does

    monkeypatch.setattr("retrain.adapters.content_store.shutil.copyfileobj", cut)
    with pytest.raises(SystemExit):
        store.put_file("chunks", large, ".parquet")
    monkeypatch.undo()
    assert objects_in(server, base) == []


def test_a_process_killed_in_the_middle_of_an_upload_leaves_no_object_under_the_final_name(
    store: ContentStore, server: S3Server, base: str, large: Path, tmp_path: Path
) -> None:
    program = f"""
import os, signal, shutil
from pathlib import Path
from retrain.adapters.content_store import ContentStore
def cut(content, target):
    target.write(content.read({_PART} + 2**20))
    os.kill(os.getpid(), signal.SIGKILL)
shutil.copyfileobj = cut
ContentStore({base!r}).put_file("chunks", Path({str(large)!r}), ".parquet")
"""
    killed = subprocess.run([sys.executable, "-c", program], timeout=120)
    assert killed.returncode == -signal.SIGKILL
    digest = hash_file(large)
    assert not [key for key in objects_in(server, base) if key.endswith(f"{digest}.parquet")]
    assert store.put_file("chunks", large, ".parquet") == digest
    assert hash_file(store.local_file("chunks", digest, ".parquet")) == digest


def put_object(server: S3Server, key: str, content: bytes) -> None:
    fsspec.filesystem("s3", skip_instance_cache=True).pipe(f"{server.bucket}/{key}", content)


def test_half_an_object_is_written_anew(store: ContentStore, server: S3Server, base: str) -> None:
    digest = store.put_json("snapshots", {"a": 1})
    (key,) = objects_in(server, base)
    put_object(server, key, b'{"a"')
    assert store.put_json("snapshots", {"a": 1}) == digest
    assert store.get_json("snapshots", digest) == {"a": 1}


def test_a_bad_copy_is_fetched_anew_and_an_altered_object_is_refused(
    store: ContentStore, server: S3Server, base: str, tmp_path: Path
) -> None:
    digest = store.put_json("snapshots", {"a": 1})
    store.local_file("snapshots", digest, ".json").write_bytes(b"cut")
    assert store.get_json("snapshots", digest) == {"a": 1}
    (key,) = objects_in(server, base)
    put_object(server, key, b'{"a":2}')
    shutil.rmtree(tmp_path / "cache")
    with pytest.raises(IntegrityError, match="must have the digest that its name says"):
        store.get_json("snapshots", digest)


def test_what_is_not_there_is_not_found(store: ContentStore) -> None:
    with pytest.raises(NotFoundError, match="must be in the store"):
        store.get_json("snapshots", "0" * 64)


def test_a_server_that_is_gone_is_an_outage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with running_s3(tmp_path) as gone:
        connect(gone, monkeypatch)
        store = ContentStore(f"s3://{gone.bucket}/gone", tmp_path / "cache")
        digest = store.put_json("snapshots", {"a": 1})
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    began = time.monotonic()
    for call in (lambda: store.put_json("snapshots", {"a": 2}), lambda: store.get_json("snapshots", digest)):
        with pytest.raises(OutageError, match="the snapshot store must be readable and writable"):
            call()
    assert time.monotonic() - began < 120

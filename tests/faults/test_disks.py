"""A full disk, a read-only state folder, and two commands at once on one home: one clear error each, and nothing lost."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from tests.faults.disks import filled, read_only, require_mounts, small_disk
from tests.readme_blocks import run_retrain

from retrain.adapters.folder_registry import FolderRegistry
from retrain.adapters.sql_ledger import SqlLedger
from retrain.core.policy.decision import Choice, Decision
from retrain.core.training.artifact import digest_manifest

JULY, AUGUST = "2024-07-01", "2024-08-01"


@pytest.fixture(scope="module")
def _template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    project = tmp_path_factory.mktemp("template")
    status, output = run_retrain(["init", "churn"], project)
    assert status == 0, output
    return project


@pytest.fixture
def project(_template: Path, tmp_path: Path) -> Path:
    """A project with the pipeline of `retrain init churn`."""
    return shutil.copytree(_template, tmp_path / "project")


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    require_mounts()
    with small_disk(tmp_path / "disk") as folder:
        yield folder


def run(project: Path, *options: str, as_of: str = JULY) -> tuple[int, str]:
    return run_retrain([*options, "run", "churn", "--as-of", as_of], project)


def read_decisions(home: Path) -> list[Decision]:
    return SqlLedger(f"sqlite:///{home}/ledger.db").decisions("churn", "development")


def assert_one_error(output: str, error: str) -> None:
    assert "Traceback" not in output, output
    assert output.count(error) == 1, output


def assert_all_is_well(home: Path, *, decisions: int) -> None:
    """Check that every decision stands, that every version is what was made, and that no half of a file is left."""
    ledger, registry = SqlLedger(f"sqlite:///{home}/ledger.db"), FolderRegistry(home / "registry")
    ledger.verify()
    promoted = [item for item in read_decisions(home) if item.challenger]
    assert len({item.challenger.key for item in promoted if item.challenger}) == decisions
    for item in promoted:
        assert item.challenger is not None
        assert registry.find_version("churn", item.challenger.version) == item.challenger
        artifact = home / "registry" / "models" / "churn" / str(item.challenger.version) / "model"
        assert digest_manifest(artifact) == item.challenger.manifest_digest
    assert not [path for path in home.rglob("*") if path.name.endswith(".part")]


def test_a_full_disk_of_the_store_is_a_decision_and_a_retrain_after_it_is_as_if_nothing_was(
    project: Path, disk: Path
) -> None:
    store = ("--store", (disk / "store").as_uri())
    with filled(disk):
        status, output = run(project, *store)
    assert status == 1
    assert_one_error(output, "the snapshot store must be readable and writable; got OSError (No space left on device)")
    home = project / ".retrain"
    assert [item.choice for item in read_decisions(home)] == [Choice.REJECT]
    assert not [path for path in disk.rglob("*") if path.is_file()]
    status, output = run(project, *store)
    assert status == 0, output
    assert_all_is_well(home, decisions=1)


def test_a_full_disk_of_the_state_folder_is_one_error_and_loses_nothing(project: Path, disk: Path) -> None:
    home = ("--home", str(disk / "home"))
    assert run(project, *home)[0] == 0
    before = read_decisions(disk / "home")
    with filled(disk):
        status, output = run(project, *home, as_of=AUGUST)
        assert status == 1
        assert_one_error(output, "the ledger's SQLite file must be readable and writable; got database or disk is full")
        assert read_decisions(disk / "home") == before
    assert run(project, *home, as_of=AUGUST)[0] == 0
    assert_all_is_well(disk / "home", decisions=2)


def test_a_disk_that_is_full_before_the_first_command_is_one_error(project: Path, disk: Path) -> None:
    with filled(disk):
        status, output = run(project, "--home", str(disk / "home"))
    assert status == 1
    assert_one_error(output, "must be")
    assert run(project, "--home", str(disk / "home"))[0] == 0


def test_a_read_only_state_folder_is_one_error_for_writers_and_none_for_readers(project: Path) -> None:
    require_mounts()
    assert run(project)[0] == 0
    home = project / ".retrain"
    with read_only(home):
        status, output = run(project, as_of=AUGUST)
        assert status == 1
        assert_one_error(
            output, "the ledger's SQLite file must be readable and writable; got attempt to write a readonly"
        )
        freeze = run_retrain(["freeze", "churn", "--reason", "because"], project)
        assert freeze[0] == 1
        assert_one_error(freeze[1], "attempt to write a readonly database")
        for command in (["history", "churn"], ["champion", "churn"], ["ledger", "verify"], ["why", "churn", "1"]):
            status, output = run_retrain(command, project)
            assert status == 0, output
    assert run(project, as_of=AUGUST)[0] == 0
    assert_all_is_well(home, decisions=2)


def test_a_state_folder_in_a_read_only_project_is_one_error(project: Path) -> None:
    require_mounts()
    with read_only(project):
        status, output = run(project)
    assert status == 1
    assert_one_error(output, "/.retrain must be writable; got OSError (Read-only file system)")


@pytest.mark.parametrize("as_of", [(JULY, JULY), (JULY, AUGUST)], ids=["the same", "another"])
def test_two_retrains_at_once_on_one_home_lose_nothing(project: Path, as_of: tuple[str, str]) -> None:
    with ThreadPoolExecutor(2) as pool:
        results = list(pool.map(lambda instant: run(project, as_of=instant), as_of))
    for _, output in results:
        assert "Traceback" not in output, output
    assert 0 in {status for status, _ in results}
    # One may have lost the race for the champion, which its decision says; done again, both are done.
    assert [run(project, as_of=instant)[0] for instant in as_of] == [0, 0]
    assert_all_is_well(project / ".retrain", decisions=len(set(as_of)))

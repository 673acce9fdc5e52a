from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.builders import spec_document

from retrain.core.spec import document, find_spec_in, list_models, load_spec, read_specs
from retrain.core.spec.plain_yaml import read_yaml
from retrain.errors import NotFoundError, SpecError


def write(path: Path, **changes: Any) -> None:
    path.write_text(yaml.safe_dump(spec_document(**changes), sort_keys=False))


@pytest.fixture
def parsed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The first lines of the texts that are parsed, in order."""
    first_lines: list[str] = []

    def record(text: str) -> Any:
        first_lines.append(text.partition("\n")[0])
        return read_yaml(text)

    monkeypatch.setattr(document, "read_yaml", record)
    return first_lines


# A file is parsed once


def test_a_file_that_did_not_change_is_parsed_once(tmp_path: Path, parsed: list[str]) -> None:
    write(tmp_path / "churn.yaml")
    first, second = load_spec(tmp_path / "churn.yaml"), load_spec(tmp_path / "churn.yaml")
    assert first == second
    assert first.root == second.root == tmp_path
    read_specs(tmp_path)
    find_spec_in(tmp_path, "churn")
    assert parsed == ["model: churn"]


def test_a_change_is_seen_though_size_time_and_inode_stay(tmp_path: Path, parsed: list[str]) -> None:
    path = tmp_path / "churn.yaml"
    write(path, owner="ann")
    before = path.stat()
    assert load_spec(path).owner == "ann"
    with path.open("r+") as file:
        text = file.read().replace("owner: ann", "owner: bob")
        file.seek(0)
        file.write(text)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    after = path.stat()
    assert (before.st_size, before.st_mtime_ns, before.st_ino) == (after.st_size, after.st_mtime_ns, after.st_ino)
    assert load_spec(path).owner == "bob"
    assert len(parsed) == 2


def test_mistakes_are_raised_each_time_until_they_are_fixed(tmp_path: Path, parsed: list[str]) -> None:
    path = tmp_path / "churn.yaml"
    write(path, modle="churn")
    errors = []
    for _ in range(2):
        with pytest.raises(SpecError, match="modle: must be a known key") as caught:
            load_spec(path)
        errors.append(caught.value)
    assert errors[0] is not errors[1]
    assert len(parsed) == 1
    write(path)
    assert load_spec(path).model == "churn"


def test_the_same_text_in_two_places_has_two_roots(tmp_path: Path) -> None:
    roots = []
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        write(tmp_path / name / "churn.yaml")
        roots.append(load_spec(tmp_path / name / "churn.yaml").root)
    assert roots == [tmp_path / "one", tmp_path / "two"]


def test_a_relative_path_is_read_from_where_the_process_is_now(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("ann", "bob"):
        (tmp_path / name).mkdir()
        write(tmp_path / name / "churn.yaml", owner=name)
        monkeypatch.chdir(tmp_path / name)
        spec = load_spec(Path("churn.yaml"))
        assert (spec.owner, spec.root) == (name, tmp_path / name)


# The spec of one model


@pytest.mark.parametrize(
    "line", ["model: churn", "model:   'churn' # our model", '"model": "churn"', "model: churn\r"], ids=repr
)
def test_a_spec_is_found_by_its_model_without_parsing_the_others(tmp_path: Path, parsed: list[str], line: str) -> None:
    for name in ("a", "b", "c"):
        write(tmp_path / f"{name}.yaml", model=f"{name}_model")
    write(tmp_path / "zzz.yml")
    (tmp_path / "zzz.yml").write_text((tmp_path / "zzz.yml").read_text().replace("model: churn", line))
    spec = find_spec_in(tmp_path, "churn")
    assert spec is not None
    assert spec.model == "churn"
    assert len(parsed) == 1


def test_a_file_named_after_the_model_is_read_without_looking_at_the_others(
    tmp_path: Path, parsed: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(path: Path) -> None:
        raise AssertionError(f"{path} was listed")

    write(tmp_path / "churn.yaml")
    write(tmp_path / "other.yaml", model="other")
    monkeypatch.setattr(Path, "iterdir", refuse)
    spec = find_spec_in(tmp_path, "churn")
    assert spec is not None
    assert spec.model == "churn"
    assert parsed == ["model: churn"]


def test_a_model_that_no_line_of_the_text_declares_is_found_by_parsing(tmp_path: Path) -> None:
    write(tmp_path / "a.yaml", model="other")
    (tmp_path / "b.yaml").write_text(yaml.safe_dump(spec_document(), default_flow_style=True))
    assert "\nmodel:" not in (tmp_path / "b.yaml").read_text()
    spec = find_spec_in(tmp_path, "churn")
    assert spec is not None
    assert spec.model == "churn"


def test_a_file_named_after_another_model_is_not_mistaken_for_it(tmp_path: Path) -> None:
    write(tmp_path / "churn.yaml", model="other")
    assert find_spec_in(tmp_path, "churn") is None
    spec = find_spec_in(tmp_path, "other")
    assert spec is not None
    assert spec.model == "other"


def test_the_mistakes_of_the_file_that_declares_a_model_are_raised(tmp_path: Path) -> None:
    write(tmp_path / "a.yaml", modle="x")
    write(tmp_path / "b.yaml", model="other")
    (tmp_path / "named.yaml").write_text("model: [")
    with pytest.raises(SpecError, match=r"a\.yaml: 1 mistake"):
        find_spec_in(tmp_path, "churn")
    with pytest.raises(SpecError, match=r"named\.yaml: 1 mistake"):
        find_spec_in(tmp_path, "named")
    assert find_spec_in(tmp_path, "unknown") is None


def test_a_bad_file_does_not_hide_the_good_one_of_the_same_model(tmp_path: Path) -> None:
    write(tmp_path / "a.yaml", modle="x")
    write(tmp_path / "b.yaml", owner="good")
    spec = find_spec_in(tmp_path, "churn")
    assert spec is not None
    assert spec.owner == "good"
    assert read_specs(tmp_path)[0] == [spec]


@pytest.mark.parametrize("model", ["../secret", "a/b", "", "*", "Churn", "x" * 300])
def test_a_hostile_name_finds_nothing(tmp_path: Path, model: str) -> None:
    folder = tmp_path / "pipelines"
    folder.mkdir()
    write(tmp_path / "secret.yaml")
    write(folder / "churn.yaml")
    assert find_spec_in(folder, model) is None


# Two files of one model


@pytest.mark.parametrize(
    ("names", "winner"),
    [
        (["a.yaml", "b.yaml"], "a.yaml"),
        (["a.yaml", "churn.yaml"], "churn.yaml"),
        (["churn.yml", "churn.yaml"], "churn.yaml"),
    ],
)
def test_of_two_files_of_a_model_a_task_and_the_folder_read_the_same_one(
    tmp_path: Path, names: list[str], winner: str
) -> None:
    for name in names:
        write(tmp_path / name, owner=name)
    (spec,), (error,) = read_specs(tmp_path)
    assert spec.owner == winner
    assert f"which {winner} declares too" in str(error)
    found = find_spec_in(tmp_path, "churn")
    assert found is not None
    assert found.owner == winner


# The folder


def test_the_models_of_a_folder_are_listed_good_or_bad(tmp_path: Path) -> None:
    write(tmp_path / "a.yaml", model="one")
    write(tmp_path / "b.yaml", model="two", modle="bad")
    (tmp_path / "notes.txt").write_text("model: three\n")
    assert list_models(tmp_path) == ["one", "two"]


def test_a_file_that_cannot_be_read_hides_no_other(tmp_path: Path) -> None:
    write(tmp_path / "good.yaml")
    (tmp_path / "gone.yaml").symlink_to(tmp_path / "nowhere")
    assert list_models(tmp_path) == ["churn"]
    spec = find_spec_in(tmp_path, "churn")
    assert spec is not None
    assert spec.model == "churn"


def test_a_folder_that_does_not_exist_is_an_error(tmp_path: Path) -> None:
    for call in (read_specs, list_models, lambda folder: find_spec_in(folder, "churn")):
        with pytest.raises(NotFoundError, match="the folder of pipelines must exist"):
            call(tmp_path / "nothing")

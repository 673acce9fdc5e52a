from __future__ import annotations

import os
import pwd
from pathlib import Path

import pytest
import yaml
from tests.builders import spec_document

from retrain.cli.shared import find_spec, get_user
from retrain.errors import NotFoundError


def write(path: Path, model: str) -> None:
    path.write_text(yaml.safe_dump(spec_document(model=model)))


def test_a_spec_is_found_by_its_model_not_by_its_file_name(tmp_path: Path) -> None:
    write(tmp_path / "first.yaml", "churn")
    write(tmp_path / "churn.yaml", "other")
    assert find_spec("churn", tmp_path).model == "churn"
    assert find_spec("other", tmp_path).model == "other"
    assert find_spec(str(tmp_path / "first.yaml"), tmp_path).model == "churn"


def test_an_unknown_model_is_an_error_that_suggests_a_known_one(tmp_path: Path) -> None:
    write(tmp_path / "first.yaml", "churn")
    with pytest.raises(NotFoundError, match=r"must hold a spec for 'chrun'; got no such model.*Did you mean 'churn'"):
        find_spec("chrun", tmp_path)
    with pytest.raises(NotFoundError, match="retrain init churn"):
        find_spec("churn", tmp_path / "nothing")


def test_the_user_is_the_one_of_the_process_and_not_what_a_variable_says(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("LOGNAME", "USER", "LNAME", "USERNAME"):
        monkeypatch.setenv(name, "somebody-else")
    assert get_user() == pwd.getpwuid(os.geteuid()).pw_name
    monkeypatch.setattr(os, "geteuid", lambda: 471147)
    assert get_user() == "uid-471147"
